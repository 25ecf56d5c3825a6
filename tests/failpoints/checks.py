"""What must hold when all is quiet: every acknowledged command has its effect, once, in order.

The topics and the collections are read here with plain clients; of the product only the HTTP APIs are asked.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from demo.census import Record, header, read
from demo.platform import until
from local_stack import SERVICES
from pymongo import AsyncMongoClient

from .story import MOTIVATIONS, Story

QUIET_WITHIN = 100.0
_NUMBERED = re.compile(r"(?P<aggregate>.+)\.(?P<number>\d+)")


async def all_is_well(story: Story, *, bootstrap: str, mongo_uri: str, databases: str) -> list[str]:
    """Wait until nothing is on its way, then compare; what is not as it should be.

    Raises: NeverHappened, when it does not become quiet.
    """

    async def quiet() -> list[Record] | None:
        records, lag = await read(bootstrap, story.prefix)
        pending = await story.platform.outbox_pending()
        answers = await _answers_counted(story)
        return records if not lag and not pending and answers == 2 * story.pairs else None

    records = await until("quiet after the storm", quiet, within=QUIET_WITHIN, pause=0.3)
    return [
        *(await _outboxes(mongo_uri, databases)),
        *_dead_letters(records, story),
        *_events(records, story),
        *_order(records),
        *(await _effects(story)),
    ]


async def _answers_counted(story: Story) -> int:
    kpis = await story.platform.get("feedback", f"/programmes/{story.programme}/kpis")
    sessions = await story.platform.every("scheduling", "/sessions", programme_id=story.programme)
    counted = sum(one["answers"] for one in sessions)
    return min(int(kpis["feedback_submitted"]), int(counted))


async def _outboxes(mongo_uri: str, databases: str) -> list[str]:
    left: list[str] = []
    async with AsyncMongoClient[dict[str, object]](mongo_uri) as client:
        for service in SERVICES:
            database = client[f"{databases}{service}"]
            for name in await database.list_collection_names():
                count = await database[name].count_documents(
                    {"$or": [{"ob": {"$exists": True}}, {"outbox.0": {"$exists": True}}]}
                )
                if count:
                    left.append(f"{service}.{name}: {count} outboxes are not empty")
    return left


def _dead_letters(records: Iterable[Record], story: Story) -> list[str]:
    """As many places as bad records were sent: a place named by two dead letters is one."""
    places = {
        (one.topic, *(header(one, f"dlq-original-{what}") for what in ("topic", "partition", "offset")))
        for one in records
        if one.topic.endswith(".dlq")
    }
    found = Counter(topic.removeprefix(story.prefix).removesuffix(".dlq") for topic, *_ in places)
    return _differences("dead letters", found, story.done.bad_records)


def _events(records: Iterable[Record], story: Story) -> list[str]:
    known = {
        (one.topic.removeprefix(story.prefix), header(one, "ce_source"), header(one, "ce_id"))
        for one in _events_only(records)
    }
    people, pairs = len(story.done.volunteers), story.pairs
    wanted = {
        "programme_published.v1": 1,
        "volunteered.v1": people,
        "volunteer_updated.v1": people * (len(MOTIVATIONS) + 1),  # the last is the training
        "paired.v1": pairs,
        "session_scheduled.v1": pairs,
        "session_completed.v1": len(story.done.completed),
        "feedback_submitted.v1": story.done.answered.total(),
    }
    return _differences("different events", Counter(topic for topic, _, _ in known), wanted)


def _order(records: Iterable[Record]) -> list[str]:
    """First occurrences of an aggregate's events on a topic come in the order of their numbers."""
    newest: dict[tuple[str, str, str], int] = {}
    broken: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    for one in _events_only(records):
        identity = one.topic, header(one, "ce_source"), header(one, "ce_id")
        numbered = _NUMBERED.fullmatch(identity[2])
        if identity in seen or numbered is None:
            continue
        seen.add(identity)
        stream, number = (one.topic, identity[1], numbered["aggregate"]), int(numbered["number"])
        if number < newest.get(stream, 0):
            broken.append(f"{identity[2]} on {one.topic} comes after a later event of its aggregate")
        newest[stream] = max(number, newest.get(stream, 0))
    return broken


async def _effects(story: Story) -> list[str]:
    platform, about = story.platform, {"programme_id": story.programme}
    volunteers = await platform.every("enrollment", "/volunteers", **about)
    pairings = await platform.every("matching", "/pairings", status="active", **about)
    exclusions = await platform.every("matching", f"/programmes/{story.programme}/exclusions")
    sessions = await platform.every("scheduling", "/sessions", **about)
    kpis = await platform.get("feedback", f"/programmes/{story.programme}/kpis")
    done = story.done
    return [
        *_same("volunteers", (one["id"] for one in volunteers), done.volunteers),
        *_same("mentors in active pairings", (one["mentor"]["volunteer_id"] for one in pairings), done.mentors),
        *_same("exclusions", (one["id"] for one in exclusions), done.exclusions),
        *_same("completed sessions", (one["id"] for one in sessions if one["status"] == "completed"), done.completed),
        *_same("pairings known to enrollment", _active_pairings(volunteers), _sides(pairings)),
        *_differences("answers", {one["pairing_id"]: one["answers"] for one in sessions}, done.answered),
        *_differences(
            "figures",
            {what: int(kpis[what]) for what in ("pairs", "sessions_completed", "feedback_submitted")},
            {"pairs": story.pairs, "sessions_completed": story.pairs, "feedback_submitted": 2 * story.pairs},
        ),
    ]


def _active_pairings(volunteers: Iterable[Mapping[str, object]]) -> Iterator[str]:
    for one in volunteers:
        for pairing in one["active_pairings"]:  # type: ignore[attr-defined] # JSON
            yield f"{one['id']} in {pairing}"


def _sides(pairings: Iterable[Mapping[str, dict[str, str]]]) -> Iterator[str]:
    for one in pairings:
        for side in ("mentor", "mentee"):
            yield f"{one[side]['volunteer_id']} in {one['id']}"


def _events_only(records: Iterable[Record]) -> Iterator[Record]:
    return (one for one in records if not one.topic.endswith((".dlq", ".retry")))


def _same(what: str, found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return _differences(what, Counter(found), Counter(wanted))


def _differences(what: str, found: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    names = sorted({*found, *wanted})
    return [
        f"{what}: {name}: {found.get(name, 0)}, not {wanted.get(name, 0)}"
        for name in names
        if found.get(name, 0) != wanted.get(name, 0)
    ]
