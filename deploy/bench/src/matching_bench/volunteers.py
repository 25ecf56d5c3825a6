"""The same people as the service knows them, for pools of up to a thousand or so."""

from matching.domain.candidate import Candidate
from matching.domain.rules import Charter, History
from shared.contracts import OfferedSkill, Role, WantedSkill, WeeklyWindow

from . import terms
from .people import BAND_YEARS, Pool

TONGUES = ("en", "fr", "de", "es", "pt")


def charter() -> Charter:
    """The default policy, in the week for which the pool's hours were made."""
    return Charter(week=terms.WEEK)


def mentors_of(pool: Pool) -> list[Candidate]:
    """In the pool's order. The mentees of a reporting line stand above its mentors."""
    return [
        Candidate(
            id=f"mentor_{at}",
            tenant="default",
            version=1,
            programme_id="programme",
            person_ref=f"person_mentor_{at}",
            role=Role.MENTOR,
            ready=True,
            capacity=int(pool.places[at]),
            skills_offered=tuple(
                OfferedSkill(skill=f"skill_{pool.offer_skill[offer]}", level=int(pool.offer_level[offer]))
                for offer in range(pool.offer_start[at], pool.offer_start[at + 1])
            ),
            languages=_languages(int(pool.mentor_languages[at])),
            time_zone=terms.SITE_ZONES[pool.mentor_site[at]],
            availability=_windows(int(pool.mentor_hours[at]), int(pool.mentor_site[at])),
            unit=f"unit_{pool.mentor_unit[at]}",
            site=f"site_{pool.mentor_site[at]}",
            line_self=f"line_of_mentor_{at}",
            line_above=(f"line_{pool.mentor_line[at]}",),
            age_band=_band(int(pool.mentor_band[at])),
            motivation=int(pool.mentor_motivation[at]),
        )
        for at in range(pool.mentors)
    ]


def mentees_of(pool: Pool) -> list[Candidate]:
    """In the pool's order."""
    return [
        Candidate(
            id=f"mentee_{at}",
            tenant="default",
            version=1,
            programme_id="programme",
            person_ref=f"person_mentee_{at}",
            role=Role.MENTEE,
            ready=True,
            skills_wanted=tuple(
                WantedSkill(
                    skill=f"skill_{pool.wish_skill[wish]}",
                    level=int(pool.wish_level[wish]),
                    priority=int(pool.wish_priority[wish]),
                )
                for wish in range(pool.wish_start[at], pool.wish_start[at + 1])
            ),
            languages=_languages(int(pool.mentee_languages[at])),
            time_zone=terms.SITE_ZONES[pool.mentee_site[at]],
            availability=_windows(int(pool.mentee_hours[at]), int(pool.mentee_site[at])),
            unit=f"unit_{pool.mentee_unit[at]}",
            site=f"site_{pool.mentee_site[at]}",
            line_self=f"line_{pool.mentee_line[at]}",
            age_band=_band(int(pool.mentee_band[at])),
            motivation=int(pool.mentee_motivation[at]),
        )
        for at in range(pool.mentees)
    ]


def history_of(pool: Pool) -> History:
    """Who was paired with whom before."""
    return History(
        previous=frozenset(
            (f"person_mentor_{mentor}", f"person_mentee_{mentee}")
            for mentee in range(pool.mentees)
            for mentor in pool.previous_mentor[pool.previous_start[mentee] : pool.previous_start[mentee + 1]]
        )
    )


def _languages(bits: int) -> tuple[str, ...]:
    return tuple(sorted(tongue for at, tongue in enumerate(TONGUES) if bits >> at & 1))


def _band(first: int) -> str:
    return f"{first}-{first + BAND_YEARS - 1}"


def _windows(bits: int, site: int) -> tuple[WeeklyWindow, ...]:
    begins = (terms.local_start(slot, int(terms.OFFSETS[site])) for slot in range(terms.SLOTS) if bits >> slot & 1)
    return tuple(
        WeeklyWindow(day=day + 1, start=_clock(minute), end=_clock(minute + terms.SLOT_MINUTES))
        for day, minute in begins
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
