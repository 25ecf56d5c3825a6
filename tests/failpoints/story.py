"""What people do while services die: one pair after the other, from two volunteers to two answers.

Every command carries an Idempotency-Key and is repeated until it is answered; what was answered is kept, to be
compared with what is there in the end.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from aiokafka import AIOKafkaProducer
from demo.platform import Json, Platform, Refused, until

T = TypeVar("T")

WITHIN = 90.0
HEADER = "staff_number,first_name,last_name,email,hire_date,birth_year,grade,unit,site,time_zone,languages"
CHARTER = {
    "title": "A programme under fire",
    "starts_on": "2026-01-12",
    "plan": {"sessions": 1, "cadence": "weekly"},
    "policy": {"mode": "continuous"},
    "anonymity_floor": 3,
}
SKILL = "generative_ai"
MOTIVATIONS = (1, 2, 4, 5)
"""Set all at once, so that several events of one volunteer wait for the relay together; 3 is where they begin."""


@dataclass
class Acknowledged:
    """What the platform said it had done."""

    volunteers: set[str] = field(default_factory=set)
    mentors: list[str] = field(default_factory=list)
    exclusions: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    answered: Counter[str] = field(default_factory=Counter)
    """By pairing."""
    bad_records: Counter[str] = field(default_factory=Counter)
    """By service."""


@dataclass
class Story:
    """One organisation with one continuous programme, and the pairs that have been made in it so far."""

    platform: Platform
    prefix: str
    producer: AIOKafkaProducer | None = None
    people: dict[str, str] = field(default_factory=dict)
    programme: str = ""
    pairs: int = 0
    done: Acknowledged = field(default_factory=Acknowledged)

    async def begin(self, most_pairs: int) -> None:
        """People arrive, and the programme is published."""
        rows = [
            f"{one}{place},Ada,B,{one}{place}@example.com,2015-02-03,{year},{grade},unit {one}{place},"
            "Paris,Europe/Paris,fr"
            for place in range(most_pairs)
            for one, year, grade in (("E", 1965, "E1"), ("J", 1998, "J1"))
        ]
        file = "\n".join((HEADER, *rows)).encode()
        report = await self.platform.post("enrollment", "/people/imports", file, key="import", on_error="skip")
        assert report["created"] == len(rows), report
        everybody = await self.platform.every("enrollment", "/people")
        self.people = {one["staff_number"]: one["id"] for one in everybody}
        programme = await self.platform.post("enrollment", "/programmes", CHARTER, key="programme")
        self.programme = programme["id"]
        await self.platform.post("enrollment", f"/programmes/{self.programme}/publish", key="publish")
        await self.until("a programme known to matching", self._known_to_matching)

    async def one_pair(self) -> None:
        """Two people volunteer, are paired, meet, and say how it was."""
        session = await self.one_session()
        await self._hold(session)
        await asyncio.gather(*(self._answer(session, side) for side in ("mentor", "mentee")))

    async def one_session(self) -> Json:
        """Two people volunteer and are paired; the session that is planned for them."""
        place, self.pairs = self.pairs, self.pairs + 1
        mentor, mentee = await asyncio.gather(self._volunteer(f"J{place}"), self._volunteer(f"E{place}"))
        self.done.mentors.append(mentor)
        pairing = await self.until("a pairing", lambda: self._pairing_of(place))
        await self._keep_apart(pairing)
        assert pairing["mentee"]["volunteer_id"] == mentee, "only one pair waits at a time"
        return await self.until("a session", lambda: self._session_of(pairing))

    async def a_bad_record(self, service: str) -> None:
        """Something that nobody can read, for one service alone."""
        assert self.producer is not None
        self.done.bad_records[service] += 1
        await self.producer.send_and_wait(f"{self.prefix}{service}.retry", value=b"{", key=b"bad")

    # --- details ----------------------------------------------------------------------------------

    async def _volunteer(self, person: str) -> str:
        mentor, ref = person.startswith("J"), self.people[person]
        body = {
            "programme_id": self.programme,
            "person_ref": ref,
            "role": "mentor" if mentor else "mentee",
            "skills_offered": [{"skill": SKILL, "level": 5}] if mentor else [],
            "skills_wanted": [] if mentor else [{"skill": SKILL, "level": 1, "priority": 3}],
            "availability": [{"day": day, "start": "09:00", "end": "12:00"} for day in range(1, 6)],
            "motivation": 3,
            "charter_signed": True,
        }
        themself = self.platform.acting_as(ref)
        made = await themself.post("enrollment", "/volunteers", body, key=f"volunteer-{person}")
        path = f"/volunteers/{made['id']}"
        self.done.volunteers.add(made["id"])
        await asyncio.gather(
            *(
                themself.patch("enrollment", path, {"motivation": one}, key=f"motivation-{person}-{one}")
                for one in MOTIVATIONS
            )
        )
        await self.platform.post("enrollment", f"{path}/training", {"module": "core"}, key=f"training-{person}")
        return str(made["id"])

    async def _keep_apart(self, pairing: Json) -> None:
        """The mentor is kept apart from the mentee of the pair before: a command to matching."""
        before = [one for one in self.done.mentors if one != pairing["mentor"]["volunteer_id"]]
        if not before:
            return
        body = {
            "mentor_volunteer_id": before[-1],
            "mentee_volunteer_id": pairing["mentee"]["volunteer_id"],
        }
        path = f"/programmes/{self.programme}/exclusions"
        made = await self.platform.post("matching", path, body, key=f"exclusion-{pairing['id']}")
        self.done.exclusions.add(made["id"])

    async def _hold(self, session: Json) -> None:
        path = f"/sessions/{session['id']}"
        for side in ("mentor", "mentee"):
            ref = session[f"{side}_ref"]
            themself = self.platform.acting_as(ref)
            await themself.post("scheduling", f"{path}/accept", {"person_ref": ref}, key=f"{side}-{session['id']}")
        body = {"started_at": datetime.now(UTC).isoformat(), "actual_minutes": 55, "objective_reached": True}
        await self.platform.post("scheduling", f"{path}/complete", body, key=f"complete-{session['id']}")
        self.done.completed.add(session["id"])

    async def _answer(self, session: Json, side: str) -> None:
        ref = session[f"{side}_ref"]
        themself = self.platform.acting_as(ref)

        async def asked() -> Json | None:
            page = await themself.get("feedback", "/requests", session_id=session["id"])
            return page["items"][0] if page["items"] else None

        request = await self.until("a request for feedback", asked)
        body = {"person_ref": ref, "satisfaction": 4, "quality": 4, "trust": 4}
        path = f"/requests/{request['id']}/answers"
        await themself.post("feedback", path, body, key=f"answer-{side}-{session['id']}")
        self.done.answered[session["pairing_id"]] += 1

    async def _known_to_matching(self) -> bool | None:
        try:
            await self.platform.get("matching", f"/programmes/{self.programme}/candidates")
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None
        return True

    async def _pairing_of(self, place: int) -> Json | None:
        page = await self.platform.get("matching", "/pairings", person_ref=self.people[f"J{place}"], status="active")
        return page["items"][0] if page["items"] else None

    async def _session_of(self, pairing: Json) -> Json | None:
        page = await self.platform.get("scheduling", "/sessions", pairing_id=pairing["id"])
        return next((one for one in page["items"] if one["status"] == "planned"), None)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Wait for what follows by itself. Raises: NeverHappened."""
        return await until(what, look, within=WITHIN, pause=0.1)
