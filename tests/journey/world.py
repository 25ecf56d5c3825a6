"""One small programme, from the arrival of its people to its final report: a script that always ends the same."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from demo.census import Record, header, read
from demo.platform import Json, NeverHappened, Platform, Refused, each, until
from demo.proposals import approve, proposed

T = TypeVar("T")

PREFIX = "journey."
"""Of the topics and groups of these tests."""
WITHIN = 60.0
SENIORS = tuple(f"E{number}" for number in range(1, 6))
JUNIORS = tuple(f"J{number}" for number in range(1, 8))
SKILLS = ("digcomp.1.1", "digcomp.2.1", "digcomp.3.1", "digcomp.4.1", "digcomp.5.1", "generative_ai", "inclusion")
HR_EXPORT = "\n".join(
    (
        "staff_number,first_name,last_name,email,hire_date,birth_year,grade,unit,site,time_zone,languages",
        *(
            f"{one},Ada,{one},{one}@example.com,2001-02-03,{1963 + place},E1,unit {place},Paris,Europe/Paris,fr|en"
            for place, one in enumerate(SENIORS)
        ),
        *(
            f"{one},Bo,{one},{one}@example.com,2022-02-03,{1993 + place},J1,unit {place},Lyon,Europe/Paris,fr"
            for place, one in enumerate(JUNIORS)
        ),
        "J8,Cy,J8,j8@example.com,2020-02-31,1999,J1,unit 1,Lyon,Europe/Paris,fr",
    )
)
CHARTER = {
    "title": "A small programme",
    "starts_on": "2026-01-12",
    "plan": {"sessions": 2},
    "goals": [{"code": "digital_skills", "metric": "skill_gain", "target": 0.5}],
    "anonymity_floor": 3,
}
MISSED, MOVED, CANCELLED = ("E5", 1), ("E4", 2), ("E3", 2)
"""Sessions, by mentee and number, that do not go as planned."""
SILENT = ("E2", 1)
"""After this session the mentor does not answer."""
UNHAPPY = "E1"
"""This mentee asks for another mentor after the first session."""

Disturb = Callable[[str, int], Awaitable[None]]
"""Told after every deed, such as the third ``volunteered``; whatever it does, the journey must end the same."""


async def in_peace(deed: str, times: int) -> None:
    """Nothing disturbs the journey."""


@dataclass(frozen=True)
class Ending:
    """Everything a journey leaves behind, in words that do not change from one to the next."""

    imported: tuple[int, int]
    """People taken in, rows refused."""
    volunteers: Mapping[str, tuple[str, int]]
    """Status and number of pairings, by staff number."""
    pairings: tuple[tuple[str, str, str, int, str | None], ...]
    """Mentor, mentee, status, score, why it ended."""
    sessions: tuple[tuple[str, str, int, str, str, int], ...]
    """Mentor, mentee, number, status, when, answers."""
    figures: Mapping[str, Any]
    """The final report."""
    events: Mapping[str, int]
    """Different events on each topic."""


@dataclass
class Journey:
    """The script. Each step waits for what the step before has set off, and for nothing else."""

    platform: Platform
    bootstrap: str
    disturb: Disturb = in_peace
    deeds: Counter[str] = field(default_factory=Counter)
    programme: str = ""
    people: dict[str, str] = field(default_factory=dict)
    """References of people by staff number."""
    volunteers: dict[str, str] = field(default_factory=dict)
    """Volunteers by staff number."""
    imported: tuple[int, int] = (0, 0)
    end: Ending | None = None

    @property
    def tenant(self) -> str:
        """The organisation in which the journey takes place, alone."""
        return self.platform.principal["X-Telemachus-Tenant"]

    async def play(self) -> Ending:
        """From the HR export to the final report."""
        await self.people_arrive()
        await self.programme_is_published()
        await self.people_volunteer()
        await self.pairs_are_matched()
        for number in (1, 2):
            await self.sessions_are_held(number, but_not=UNHAPPY if number > 1 else None)
            if number == 1:
                await self.a_pair_is_matched_anew()
        for number in (1, 2):
            await self.sessions_are_held(number, only=UNHAPPY)
        await self.programme_is_closed()
        self.end = await self.ending()
        return self.end

    async def did(self, deed: str) -> None:
        """Something was done; whoever disturbs may now do so."""
        self.deeds[deed] += 1
        await self.disturb(deed, self.deeds[deed])

    # --- the steps --------------------------------------------------------------------------------

    async def people_arrive(self) -> None:
        report = await self.platform.post(
            "enrollment", "/people/imports", HR_EXPORT.encode(), key="import", on_error="skip"
        )
        self.imported = report["created"], report["refused"]
        everybody = await self.platform.every("enrollment", "/people")
        self.people = {one["staff_number"]: one["id"] for one in everybody}
        await self.did("people arrived")

    async def programme_is_published(self) -> None:
        programme = await self.platform.post("enrollment", "/programmes", CHARTER, key="programme")
        self.programme = programme["id"]
        await self.platform.post("enrollment", f"/programmes/{self.programme}/publish", key="publish")
        await self.did("published")

    async def people_volunteer(self) -> None:
        async def volunteer(person: str) -> None:
            body = an_offer(person) | {"programme_id": self.programme, "person_ref": self.people[person]}
            themself = self.platform.acting_as(self.people[person])
            made = await themself.post("enrollment", "/volunteers", body, key=f"volunteer-{person}")
            self.volunteers[person] = made["id"]
            await self.platform.post(
                "enrollment", f"/volunteers/{made['id']}/training", {"module": "core"}, key=f"training-{person}"
            )
            await self.did("volunteered")

        for person in (*SENIORS, *JUNIORS):
            await volunteer(person)
        leaver = self.volunteers["J7"]
        await self.platform.post("enrollment", f"/volunteers/{leaver}/withdraw", {}, key="withdraw")

        staying = {volunteer for person, volunteer in self.volunteers.items() if person != "J7"}

        async def known_to_matching() -> bool | None:
            path = f"/programmes/{self.programme}/candidates"
            try:
                candidates = await self.platform.every("matching", path)
            except Refused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
                return None
            return {one["id"] for one in candidates if one["ready"]} == staying or None

        await self._until("five mentees and six mentors in the pool", known_to_matching)

    async def pairs_are_matched(self) -> None:
        run = await self.platform.post("matching", f"/programmes/{self.programme}/runs", {"seed": 1}, key="run")
        await self.did("asked for a run")

        async def is_proposed() -> Json | None:
            return await proposed(self.platform, run["id"])

        found = await self._until("a proposal", is_proposed)
        await approve(self.platform, found["id"], {"effective_on": CHARTER["starts_on"]})
        await self.did("approved")
        await self._planned(10)

    async def sessions_are_held(self, number: int, *, but_not: str | None = None, only: str | None = None) -> None:
        pairings = {one["id"]: one for one in await self._pairings() if one["status"] == "active"}
        sessions = [
            one
            for one in await self.platform.every("scheduling", "/sessions", programme_id=self.programme)
            if one["pairing_id"] in pairings and one["number"] == number
        ]
        chosen = [one for one in sessions if only in {None, self._name(one["mentee_ref"])}]
        chosen = [one for one in chosen if but_not != self._name(one["mentee_ref"])]
        chosen.sort(key=lambda one: self._name(one["mentee_ref"]))
        for session in chosen:
            await self._hold(session)
            await self.did("held")
        await each([one for one in chosen if self._fate(one) == "complete"], self._answer)

    async def a_pair_is_matched_anew(self) -> None:
        (pairing,) = (one for one in await self._pairings() if self._name(one["mentee"]["person_ref"]) == UNHAPPY)

        async def at_risk() -> bool | None:
            return (await self.platform.get("matching", f"/pairings/{pairing['id']}"))["at_risk"] or None

        await self._until("a pairing at risk", at_risk)
        body = {"pairing_id": pairing["id"], "effective_on": "2026-03-02"}
        path = f"/programmes/{self.programme}/re-match"
        answer = await self.platform.post("matching", path, body, key="re-match")
        assert len(answer["pairings"]) == 1, answer
        await self.did("matched anew")
        await self._planned(12)

    async def programme_is_closed(self) -> None:
        await self._quiet()
        await self.platform.post("feedback", f"/programmes/{self.programme}/close", key="close")
        await self.did("closed")

    # --- what is left behind ----------------------------------------------------------------------

    async def ending(self) -> Ending:
        """What the four services and the topics say when nothing is on its way any more."""
        records = await self._quiet()
        volunteers = await self.platform.every("enrollment", "/volunteers", programme_id=self.programme)
        sessions = await self.platform.every("scheduling", "/sessions", programme_id=self.programme)
        figures = await self.platform.get("feedback", f"/programmes/{self.programme}/kpis")
        for changing in ("id", "version", "programme_id", "closed_at"):
            del figures[changing]
        events = {(one.topic, header(one, "ce_source"), header(one, "ce_id")) for one in self.mine(records)}
        return Ending(
            imported=self.imported,
            volunteers={
                self._name(one["person_ref"]): (one["status"], len(one["active_pairings"])) for one in volunteers
            },
            pairings=tuple(
                sorted(
                    (
                        self._name(one["mentor"]["person_ref"]),
                        self._name(one["mentee"]["person_ref"]),
                        str(one["status"]),
                        int(one["score"]),
                        one["ended_reason"],
                    )
                    for one in await self._pairings()
                )
            ),
            sessions=tuple(
                sorted(
                    (
                        self._name(one["mentor_ref"]),
                        self._name(one["mentee_ref"]),
                        int(one["number"]),
                        str(one["status"]),
                        str(one["starts_at"]),
                        int(one["answers"]),
                    )
                    for one in sessions
                )
            ),
            figures=figures,
            events=dict(sorted(Counter(topic for topic, _, _ in events).items())),
        )

    def mine(self, records: list[Record]) -> list[Record]:
        """The events of this journey among the records of all."""
        return [one for one in records if header(one, "ce_tenant") == self.tenant and not is_dead(one)]

    async def _quiet(self) -> list[Record]:
        """Wait until all that was written is published, and all that was published is applied; nothing is refused."""

        async def nothing_on_its_way() -> list[Record] | None:
            pending = await self.platform.outbox_pending()
            records, lag = await read(self.bootstrap, PREFIX)
            dead = [(one.topic, header(one, "dlq-reason"), one.value) for one in records if is_dead(one)]
            assert not dead, dead
            return records if not pending and not lag else None

        return await self._until("nothing on its way", nothing_on_its_way)

    async def _until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Wait, and where it is in vain, say what is stuck where."""
        try:
            return await until(what, look, within=WITHIN, pause=0.1)
        except NeverHappened as in_vain:
            pending = await self.platform.outbox_pending()
            _, lag = await read(self.bootstrap, PREFIX)
            raise AssertionError(f"{in_vain}; {pending} outboxes are not empty, records unread: {lag}") from in_vain

    # --- details ----------------------------------------------------------------------------------

    async def _planned(self, expected: int) -> None:
        async def planned() -> bool | None:
            found = await self.platform.every("scheduling", "/sessions", programme_id=self.programme)
            return len(found) == expected or None

        await self._until(f"{expected} sessions", planned)

    async def _pairings(self) -> list[Json]:
        return await self.platform.every("matching", "/pairings", programme_id=self.programme)

    def _name(self, person_ref: str) -> str:
        return next(name for name, ref in self.people.items() if ref == person_ref)

    def _fate(self, session: Json) -> str:
        about = self._name(session["mentee_ref"]), session["number"]
        return {MISSED: "miss", CANCELLED: "cancel"}.get(about, "complete")

    async def _hold(self, session: Json) -> None:
        mentee = self._name(session["mentee_ref"])
        about, path = f"{session['pairing_id']}-{session['number']}", f"/sessions/{session['id']}"
        for side in ("mentor", "mentee"):
            person = session[f"{side}_ref"]
            themself = self.platform.acting_as(person)
            await themself.post("scheduling", f"{path}/accept", {"person_ref": person}, key=f"{side}-{about}")
        starts_at = datetime.fromisoformat(session["starts_at"])
        if (mentee, session["number"]) == MOVED:
            starts_at += timedelta(days=7)
            body = {"starts_at": starts_at.isoformat()}
            await self.platform.post("scheduling", f"{path}/move", body, key=f"move-{about}")
        fate = self._fate(session)
        started_at = (starts_at + timedelta(minutes=4)).isoformat()
        bodies: dict[str, Json | None] = {
            "complete": {"started_at": started_at, "actual_minutes": 55, "objective_reached": True},
            "miss": None,
            "cancel": {"reason": "other"},
        }
        await self.platform.post("scheduling", f"{path}/{fate}", bodies[fate], key=f"{fate}-{about}")

    async def _answer(self, session: Json) -> None:
        about = self._name(session["mentee_ref"]), session["number"]
        pairing = session["pairing_id"]
        for side in ("mentor", "mentee"):
            if side == "mentor" and about == SILENT:
                continue
            person = session[f"{side}_ref"]
            themself = self.platform.acting_as(person)

            async def asked(themself: Platform = themself) -> Json | None:
                page = await themself.get("feedback", "/requests", session_id=session["id"])
                return page["items"][0] if page["items"] else None

            request = await self._until("a request for feedback", asked)
            unhappy = (side, *about) == ("mentee", UNHAPPY, 1) and not self.deeds["matched anew"]
            body = {
                "person_ref": person,
                "satisfaction": 2 if unhappy else 4,
                "quality": 4,
                "trust": 4,
                "skills": [{"skill": "generative_ai", "before": 1, "after": 2}],
                "goals_reached": ["digital_skills"] if about == ("E2", 2) else [],
                "wants_re_match": unhappy,
            }
            path = f"/requests/{request['id']}/answers"
            await themself.post("feedback", path, body, key=f"answer-{side}-{pairing}-{about[1]}")
            await self.did("answered")


def an_offer(person: str) -> dict[str, Any]:
    """What somebody offers and asks for: nobody's is like another's."""
    place = int(person[1:])
    mentor = person in JUNIORS
    teaches = [{"skill": SKILLS[(place + step) % len(SKILLS)], "level": 5 - step} for step in range(3)]
    wants = [{"skill": SKILLS[(place + step) % len(SKILLS)], "level": 1, "priority": 3 - step} for step in range(3)]
    return {
        "role": "mentor" if mentor else "mentee",
        "skills_offered": teaches if mentor else [],
        "skills_wanted": [] if mentor else wants,
        "availability": [{"day": day, "start": "09:00", "end": f"{11 + place % 3}:00"} for day in (1, 2, 3)],
        "motivation": 1 + place % 5,
        "charter_signed": True,
    }


def is_dead(record: Record) -> bool:
    """Whether the record lies on a dead-letter topic."""
    return bool(record.topic.endswith(".dlq"))


def plain_json(record: Record) -> Json:
    """The value as any consumer can read it."""
    value: Json = json.loads(record.value)
    return value


async def soon(work: Callable[[], object]) -> None:
    """Run something that blocks, beside everything else."""
    await asyncio.to_thread(work)
