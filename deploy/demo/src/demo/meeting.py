"""Acts five and six: sessions are accepted, moved, held or missed, and both sides say what they thought."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

from .chance import Chance
from .conduct import Conduct, Ending, Side, answer, conduct
from .enrolling import CHARTER
from .pairing import re_match
from .platform import Json, NeverHappened, Platform, Refused, each, until
from .scene import Scene

SESSIONS = int(CHARTER["plan"]["sessions"])
LOSES_HEART = 2
"""After so many sessions one mentee asks for another mentor."""
NEW_PAIR_STARTS = "2026-03-23"
NEW_PAIR_SESSIONS = SESSIONS - LOSES_HEART
ATTEMPTS = 3
OTHER_WEEKS = (1, 2, -1, 3)
"""Where a session is moved to, in weeks: the first in which both people are free."""


@dataclass
class Meetings:
    """What came of the sessions."""

    moved: int = 0
    other_hours: int = 0
    """Pairs that had lost their shared hour to summer time, and were given another one."""
    unhappy: str = ""
    """The pairing of the mentee who asks for another mentor."""
    new_pairings: list[str] = field(default_factory=list)


async def plans(scene: Scene, meetings: Meetings, pairings: Collection[str], whose: str = "all pairs") -> None:
    """Wait until every session of these pairings has a time.

    Where summer time begins on different days, or not at all, a few pairs lose the one hour they share. Their
    mentors then offer other hours; the sessions without a time are planned as soon as scheduling hears of it.
    """
    expected = len(pairings) * SESSIONS
    with scene.stages.stage(f"Sessions for {whose} that suit both", expected) as done:
        shown = 0

        async def counts() -> tuple[int, list[Json]]:
            nonlocal shown
            planned = len(await _planned(scene, pairings))
            for _ in range(planned - shown):
                done()
            shown = max(shown, planned)
            known = await scene.platform.every("scheduling", "/plans", programme_id=scene.programme_id)
            return planned, [plan for plan in known if plan["id"] in pairings]

        async def arranged() -> list[Json] | None:
            planned, known = await counts()
            without_time = sum(len(plan["unplaced"]) for plan in known)
            return known if planned + without_time == expected else None

        async def complete() -> bool | None:
            planned, _ = await counts()
            return planned == expected or None

        known = await until(f"{expected} sessions arranged in scheduling", arranged)
        parted = [plan for plan in known if plan["unplaced"]]
        meetings.other_hours += len(parted)
        await each(parted, lambda plan: _other_hours(scene, plan))
        await until(f"{expected} planned sessions in scheduling", complete)


async def _planned(scene: Scene, pairings: Collection[str]) -> list[Json]:
    """The sessions of these pairings that are still to be held."""
    asked = {"status": "planned", "programme_id": scene.programme_id}
    if len(pairings) == 1:
        asked |= {"pairing_id": next(iter(pairings))}
    found = await scene.platform.every("scheduling", "/sessions", **asked)
    wanted = set(pairings)
    return [one for one in found if one["pairing_id"] in wanted]


async def _other_hours(scene: Scene, plan: Json) -> None:
    mentor = plan["mentor"]
    body = {"availability": [{"day": day, "start": "06:00", "end": "22:00"} for day in range(1, 6)]}
    await scene.platform.acting_as(mentor["person_ref"]).patch(
        "enrollment",
        f"/volunteers/{mentor['volunteer_id']}",
        body,
        key=f"hours-{scene.staff_number(mentor['person_ref'])}",
    )


async def six_months(scene: Scene, meetings: Meetings) -> None:
    """Play all sessions, month by month; after the second month one pair is parted and matched anew."""
    together = sorted(scene.pairs, key=lambda one: scene.pairs[one].mentee)
    meetings.unhappy = min(together, key=lambda one: Chance("unhappy").share(scene.pairs[one].mentee))
    for month in range(1, SESSIONS + 1):
        await _month(scene, meetings, month, together)
        if month == LOSES_HEART:
            await _another_mentor(scene, meetings)
            together.remove(meetings.unhappy)
    for number in range(1, NEW_PAIR_SESSIONS + 1):
        if meetings.new_pairings:
            await _month(scene, meetings, number, meetings.new_pairings, who="The new pair")


async def _month(
    scene: Scene, meetings: Meetings, number: int, pairings: Sequence[str], who: str = "Everybody"
) -> None:
    found = await scene.platform.every("scheduling", "/sessions", programme_id=scene.programme_id, status="planned")
    sessions = [one for one in found if one["number"] == number and one["pairing_id"] in set(pairings)]
    sessions.sort(key=lambda one: scene.pairs[one["pairing_id"]].mentee)

    async def play(session: Json) -> None:
        await _play(scene, meetings, session)

    with scene.stages.stage(f"{who}: session {number}", len(sessions)) as done:
        await each(sessions, play, done=done)
    held = [one for one in sessions if _conduct(scene, meetings, one).ending is Ending.COMPLETED]

    async def ask(session: Json) -> None:
        await _answers(scene, meetings, session)

    with scene.stages.stage(f"{who}: feedback on session {number}", len(held)) as done:
        await each(held, ask, done=done)


def _conduct(scene: Scene, meetings: Meetings, session: Json) -> Conduct:
    pair = scene.pairs[session["pairing_id"]]
    return conduct(pair, session["number"], unhappy=_loses_heart(meetings, session))


def _loses_heart(meetings: Meetings, session: Json) -> bool:
    return (session["pairing_id"], session["number"]) == (meetings.unhappy, LOSES_HEART)


async def _play(scene: Scene, meetings: Meetings, session: Json) -> None:
    going = _conduct(scene, meetings, session)
    if going.moved:
        session = await _move(scene, session)
        meetings.moved += 1
    about, path = _about(scene, session), f"/sessions/{session['id']}"
    for side in Side if going.confirmed else ():
        person = session[f"{side}_ref"]
        body = {"person_ref": person}
        themself = scene.platform.acting_as(person)
        await themself.post("scheduling", f"{path}/accept", body, key=f"accept-{side}-{about}")
    starts_at = datetime.fromisoformat(session["starts_at"])
    bodies: dict[Ending, Json | None] = {
        Ending.COMPLETED: going.report(starts_at),
        Ending.MISSED: None,
        Ending.CANCELLED: {"reason": "mentee_unavailable"},
    }
    await scene.platform.post(
        "scheduling", f"{path}/{going.ending}", bodies[going.ending], key=f"{going.ending}-{about}"
    )


async def _move(scene: Scene, session: Json) -> Json:
    """Move the session to another week. Where the service was killed in the middle, look, and ask again."""
    agreed = datetime.fromisoformat(session["starts_at"])
    path, about = f"/sessions/{session['id']}", _about(scene, session)
    for attempt, weeks in product(range(ATTEMPTS), OTHER_WEEKS):
        starts_at = agreed + timedelta(weeks=weeks)
        body = {"starts_at": starts_at.isoformat()}
        try:
            return await scene.platform.post("scheduling", f"{path}/move", body, key=f"move-{attempt}-{weeks}-{about}")
        except Refused as refused:
            if refused.name not in {"person-already-booked", "proposal-gone", "session-being-moved"}:
                raise
        session = await scene.platform.get("scheduling", path)
        if datetime.fromisoformat(session["starts_at"]) != agreed:
            return session
    raise NeverHappened(f"no other week was found for session {about}")


async def _answers(scene: Scene, meetings: Meetings, session: Json) -> None:
    """Both sides answer, once the request has reached them; most of them do."""
    pair, about = scene.pairs[session["pairing_id"]], _about(scene, session)
    unhappy = _loses_heart(meetings, session)
    request: Json | None = None
    for side in Side:
        body = answer(pair, session["number"], side, scene.goals, unhappy=unhappy)
        if body is None:
            continue
        person = session[f"{side}_ref"]
        themself = scene.platform.acting_as(person)
        if request is None:
            request = await _request_for(themself, session["id"], about)
        said = body | {"person_ref": person}
        await themself.post("feedback", f"/requests/{request['id']}/answers", said, key=f"answer-{side}-{about}")


async def _request_for(person: Platform, session_id: str, about: str) -> Json:
    """The request about a session, as the person who is asked finds it; both sides get the same one."""

    async def asked() -> Json | None:
        page = await person.get("feedback", "/requests", session_id=session_id)
        return page["items"][0] if page["items"] else None

    return await until(f"a request for feedback on session {about}", asked)


async def _another_mentor(scene: Scene, meetings: Meetings) -> None:
    with scene.stages.stage("A pair at risk is matched anew"):
        meetings.new_pairings = await re_match(scene, meetings.unhappy, NEW_PAIR_STARTS)
    if not meetings.new_pairings:
        return
    await plans(scene, meetings, meetings.new_pairings, "the new pair")
    for pairing in meetings.new_pairings:
        body = {"sessions": NEW_PAIR_SESSIONS}
        await scene.platform.patch("scheduling", f"/plans/{pairing}", body, key=f"plan-{pairing}")


def _about(scene: Scene, session: Json) -> str:
    pair = scene.pairs[session["pairing_id"]]
    return f"{pair.mentee}-{pair.mentor}-{session['number']}"
