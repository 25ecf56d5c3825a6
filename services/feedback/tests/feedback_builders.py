"""Object mothers: events and answers with nothing said that a test does not care about."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from feedback.domain import Answer, Response, SkillRating, ask
from shared.contracts import (
    CancelReason,
    Goal,
    Modality,
    Paired,
    ProgrammePublished,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionMissed,
    SessionScheduled,
    Side,
    Unpaired,
    UnpairReason,
)

TENANT = "ge"
PROGRAMME = "prg_digital"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def published(*, floor: int = 5, goals: tuple[Goal, ...] = (), version: int = 1) -> ProgrammePublished:
    return ProgrammePublished(
        programme_id=PROGRAMME,
        title="Digital for leaders",
        starts_on=MONDAY.date(),
        anonymity_floor=floor,
        goals=goals,
        version=version,
        occurred_at=MONDAY,
    )


def paired(pair: int = 1, *, version: int = 1) -> Paired:
    return Paired(
        pairing_id=f"pair_{pair}",
        programme_id=PROGRAMME,
        mentor=Side(volunteer_id=f"vol_m{pair}", person_ref=f"mentor_{pair}", time_zone="Europe/Paris"),
        mentee=Side(volunteer_id=f"vol_e{pair}", person_ref=f"mentee_{pair}", time_zone="Europe/Paris"),
        effective_on=date(2026, 3, 1),
        score=7000,
        version=version,
        occurred_at=MONDAY - timedelta(days=1),
    )


def unpaired(pair: int = 1, *, version: int = 2, at: datetime = MONDAY) -> Unpaired:
    return Unpaired(
        pairing_id=f"pair_{pair}",
        programme_id=PROGRAMME,
        mentor_volunteer_id=f"vol_m{pair}",
        mentee_volunteer_id=f"vol_e{pair}",
        mentor_ref=f"mentor_{pair}",
        mentee_ref=f"mentee_{pair}",
        reason=UnpairReason.RE_MATCH,
        version=version,
        occurred_at=at,
    )


def _session(pair: int, number: int, version: int, at: datetime | None) -> dict[str, Any]:
    starts_at = MONDAY + timedelta(days=28 * (number - 1))
    return {
        "session_id": f"ses_{pair}_{number}",
        "pairing_id": f"pair_{pair}",
        "programme_id": PROGRAMME,
        "mentor_ref": f"mentor_{pair}",
        "mentee_ref": f"mentee_{pair}",
        "number": number,
        "starts_at": starts_at,
        "minutes": 60,
        "modality": Modality.REMOTE,
        "objective": "social_networks",
        "version": version,
        "occurred_at": at or starts_at + timedelta(hours=1),
    }


def scheduled(pair: int = 1, number: int = 1, *, version: int = 1, at: datetime | None = None) -> SessionScheduled:
    return SessionScheduled(**_session(pair, number, version, at or MONDAY - timedelta(hours=1)))


def completed(pair: int = 1, number: int = 1, *, version: int = 2, at: datetime | None = None) -> SessionCompleted:
    said = _session(pair, number, version, at)
    return SessionCompleted(
        **said, started_at=said["starts_at"] + timedelta(minutes=3), actual_minutes=55, objective_reached=True
    )


def missed(pair: int = 1, number: int = 1, *, version: int = 2) -> SessionMissed:
    return SessionMissed(**_session(pair, number, version, None))


def cancelled(
    pair: int = 1,
    number: int = 1,
    *,
    version: int = 2,
    reason: CancelReason = CancelReason.MENTEE_UNAVAILABLE,
) -> SessionCancelled:
    return SessionCancelled(**_session(pair, number, version, None), reason=reason)


def a_request(pair: int = 1, number: int = 1) -> Response:
    return ask(completed(pair, number), tenant=TENANT, days=14)


def an_answer(
    *,
    satisfaction: int = 4,
    quality: int = 4,
    trust: int = 4,
    skills: dict[str, tuple[int, int]] | None = None,
    goals_reached: tuple[str, ...] = (),
    practice_adopted: bool | None = None,
    text: str | None = None,
    wants_re_match: bool = False,
    at: datetime = MONDAY + timedelta(days=1),
) -> Answer:
    return Answer(
        satisfaction=satisfaction,
        quality=quality,
        trust=trust,
        skills=tuple(
            SkillRating(skill=skill, before=before, after=after) for skill, (before, after) in (skills or {}).items()
        ),
        goals_reached=goals_reached,
        practice_adopted=practice_adopted,
        text=text,
        wants_re_match=wants_re_match,
        submitted_at=at,
    )


def every_session_event() -> list[SessionEvent]:
    """One pairing's sessions in the order they happened: planned, then held, missed, held."""
    planned = [scheduled(number=number) for number in (1, 2, 3)]
    return [*planned, completed(number=1), missed(number=2), completed(number=3)]
