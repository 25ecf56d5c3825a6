"""The life of one pair: its sessions are accepted, moved, held, missed or called off, and both sides answer."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from . import people
from .customer import Customer, Json, Refused, until
from .ledger import Owed

SETTLED = frozenset({"completed", "missed", "cancelled"})
OTHER_HOURS = (1, 2, -1, 3)
"""A session is moved by so many hours: the first that both have free."""
SIDES = ("mentor", "mentee")


class Meetings:
    """What pairs do. ``past``: their sessions lie in the past, as in a programme that is recorded afterwards."""

    def __init__(self, customer: Customer, waits_given_up: Counter[str], *, seed: int, past: bool) -> None:
        self._customer = customer
        self._waits_given_up = waits_given_up
        self._seed = seed
        self._past = past

    async def live(self, pairing: Json) -> None:
        """All sessions of a pair, one after the other; a few pairs part in the end."""
        sessions = await self._planned(pairing["id"])
        for session in sorted(sessions, key=lambda one: int(one["number"])):
            if session["status"] not in SETTLED:
                await self._meet(session)
        if people.chance(self._seed, "parts", pairing["id"]).random() < 0.03:  # noqa: PLR2004 - three in a hundred
            path, parted = f"/pairings/{pairing['id']}/unpair", [Owed("unpaired", pairing["id"])]
            await self._customer.do(
                "unpair", "matching", path, {"reason": "manager_decision"}, key=f"unpair-{pairing['id']}", owes=parted
            )

    async def _planned(self, pairing_id: str) -> list[Json]:
        found: list[Json] = []

        async def planned() -> bool | None:
            nonlocal found
            page = await self._customer.get("scheduling", "/sessions", pairing_id=pairing_id, limit=50)
            found = page["items"]
            return len(found) >= people.SESSIONS or await self._without_time(pairing_id, len(found)) or None

        if await until(planned) is None:
            self._waits_given_up["sessions"] += 1
        return found

    async def _without_time(self, pairing_id: str, found: int) -> bool:
        """Whether no more sessions will come: the pair has parted, or the others have no time that suits both."""
        try:
            plan = await self._customer.get("scheduling", f"/plans/{pairing_id}")
        except Refused:  # not begun
            return False
        return plan["status"] == "ended" or found + len(plan["unplaced"]) >= people.SESSIONS

    async def _meet(self, session: Json) -> None:
        about, path = str(session["id"]), f"/sessions/{session['id']}"
        dice = people.chance(self._seed, "session", session["pairing_id"], session["number"])
        for side in SIDES:
            person = session[f"{side}_ref"]
            body = {"person_ref": person}
            await self._customer.do(
                "accept", "scheduling", f"{path}/accept", body, key=f"accept-{side}-{about}", person=person
            )
        fate = dice.random()
        if dice.random() < 0.1:  # noqa: PLR2004 - one in ten
            session = await self._move(session)
        if fate < 0.03:  # noqa: PLR2004 - three in a hundred
            gone = [Owed("session_cancelled", about)]
            body = {"reason": "other"}
            await self._customer.do("cancel", "scheduling", f"{path}/cancel", body, key=f"cancel-{about}", owes=gone)
        elif fate < 0.06 and self._past:  # noqa: PLR2004 - three in a hundred
            missed = [Owed("session_missed", about)]
            await self._customer.do("miss", "scheduling", f"{path}/miss", key=f"miss-{about}", owes=missed)
        else:
            await self._hold(session)
            for side in SIDES:
                if dice.random() < 0.85:  # noqa: PLR2004 - the others do not answer
                    await self._answer(session, session[f"{side}_ref"], side)

    async def _hold(self, session: Json) -> None:
        about = str(session["id"])
        starts_at = datetime.fromisoformat(session["starts_at"])
        began = starts_at + timedelta(minutes=4) if self._past else datetime.now(UTC)
        report = {"started_at": began.isoformat(), "actual_minutes": 55, "objective_reached": True}
        held = [Owed("session_completed", about)]
        await self._customer.do(
            "complete", "scheduling", f"/sessions/{about}/complete", report, key=f"complete-{about}", owes=held
        )

    async def _move(self, session: Json) -> Json:
        about, path = str(session["id"]), f"/sessions/{session['id']}/move"
        starts_at = datetime.fromisoformat(session["starts_at"])
        moved = [Owed("session_rescheduled", about)]
        for hours in OTHER_HOURS:
            body = {"starts_at": (starts_at + timedelta(hours=hours)).isoformat()}
            try:
                return await self._customer.do(
                    "move", "scheduling", path, body, key=f"move-{hours}-{about}", owes=moved
                )
            except Refused as refused:
                if refused.name not in {"person-already-booked", "proposal-gone", "session-being-moved"}:
                    raise
        return session

    async def _answer(self, session: Json, person: str, side: str) -> None:
        about = str(session["id"])

        async def asked() -> Json | None:
            page = await self._customer.get("feedback", "/requests", person=person, session_id=about)
            return page["items"][0] if page["items"] else None

        request = await until(asked)
        if request is None:
            self._waits_given_up["a request for feedback"] += 1
            return
        said = people.answer(self._seed, about, person)
        given = [Owed("feedback_submitted", str(request["id"]))]
        path = f"/requests/{request['id']}/answers"
        await self._customer.do(
            "answer", "feedback", path, said, key=f"answer-{side}-{about}", person=person, owes=given
        )
