"""Something to ask about: one pair that has met, and one whose session lies ahead."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from demo.platform import Json, Platform, until

HEADER = "staff_number,first_name,last_name,email,hire_date,birth_year,grade,unit,site,time_zone,languages"
PEOPLE = {"J1": ("1998", "J1"), "E1": ("1965", "E1"), "J2": ("1999", "J1"), "E2": ("1966", "E1"), "E3": ("1967", "E1")}
CHARTER = {
    "title": "A programme to ask about",
    "starts_on": "2026-01-12",
    "plan": {"sessions": 2, "cadence": "weekly"},
    "policy": {"mode": "continuous", "require_training": False},
    "anonymity_floor": 3,
}
SKILL = "generative_ai"


async def plant(platform: Platform) -> Mapping[str, Sequence[str]]:
    """Have a programme with five people, two pairs among them; identifiers by the parameters that ask for them."""
    rows = (
        f"{name},Ada,B,{name}@example.com,2015-02-03,{born},{grade},unit {name},Paris,Europe/Paris,fr"
        for name, (born, grade) in PEOPLE.items()
    )
    await platform.post("enrollment", "/people/imports", "\n".join((HEADER, *rows)).encode(), key="import")
    people = {one["staff_number"]: str(one["id"]) for one in await platform.every("enrollment", "/people")}
    programme = str((await platform.post("enrollment", "/programmes", CHARTER, key="programme"))["id"])
    await platform.post("enrollment", f"/programmes/{programme}/publish", key="publish")
    volunteers = {name: await _volunteer(platform, programme, name, ref) for name, ref in people.items()}
    about = {"programme_id": programme}

    async def planned() -> list[Json] | None:
        sessions = await platform.every("scheduling", "/sessions", **about)
        return sessions if len(sessions) == 4 else None

    sessions = await until("two pairs with their sessions", planned)
    held = sessions[0]
    body = {"started_at": datetime.now(UTC).isoformat(), "actual_minutes": 55, "objective_reached": True}
    await platform.post("scheduling", f"/sessions/{held['id']}/complete", body, key="complete")

    async def asked() -> list[Json] | None:
        themself = platform.acting_as(held["mentor_ref"])
        return await themself.every("feedback", "/requests", session_id=held["id"]) or None

    requests = await until("requests for feedback", asked)
    pairings = sorted({one["pairing_id"] for one in sessions})
    mentors = [id_ for name, id_ in volunteers.items() if name.startswith("J")]
    mentees = [id_ for name, id_ in volunteers.items() if name.startswith("E")]
    return {
        **{f"{place}.programme_id": [programme] for place in ("path", "body")},
        **{f"{place}.person_ref": list(people.values()) for place in ("path", "body")},
        **{f"{place}.pairing_id": pairings for place in ("path", "body")},
        "path.volunteer_id": [*mentors, *mentees],
        "body.mentor_volunteer_id": mentors,
        "body.mentee_volunteer_id": mentees,
        "path.session_id": [one["id"] for one in sessions],
        "path.request_id": [one["id"] for one in requests],
    }


async def _volunteer(platform: Platform, programme: str, name: str, ref: str) -> str:
    mentor = name.startswith("J")
    body = {
        "programme_id": programme,
        "person_ref": ref,
        "role": "mentor" if mentor else "mentee",
        "skills_offered": [{"skill": SKILL, "level": 5}] if mentor else [],
        "skills_wanted": [] if mentor else [{"skill": SKILL, "level": 1, "priority": 3}],
        "availability": [{"day": day, "start": "09:00", "end": "12:00"} for day in range(1, 6)],
        "charter_signed": True,
    }
    return str((await platform.acting_as(ref).post("enrollment", "/volunteers", body, key=f"volunteer-{name}"))["id"])
