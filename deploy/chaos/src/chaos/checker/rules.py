"""The rules: pure comparisons of sets. Each names what breaks it, by id."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from .evidence import Evidence, Record

ONLY_ON_COMMAND = frozenset(
    {
        "programme_published",
        "volunteered",
        "volunteer_updated",
        "volunteer_withdrawn",
        "session_rescheduled",
        "session_completed",
        "session_missed",
        "feedback_submitted",
    }
)
"""Events that follow from a command of the client and from nothing else."""
ACKNOWLEDGED = "acknowledged"
OPEN = frozenset({"session_scheduled", "session_rescheduled"})


def distinct(records: Sequence[Record]) -> Mapping[tuple[str, str], set[int]]:
    """Numbers of the events there are, by event and aggregate; a record that came twice counts once."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for record in records:
        found[record.event, record.aggregate].add(record.number)
    return found


def unpaid(evidence: Evidence) -> Iterator[str]:
    """Acknowledged commands without their events."""
    events = distinct(evidence.records)
    owed = Counter(
        (event, subject)
        for command in evidence.commands
        if command.outcome == ACKNOWLEDGED
        for event, subject, _ in command.owes
    )
    for (event, subject), times in owed.items():
        if (found := len(events.get((event, subject), ()))) < times:
            yield f"{event} of {subject}: {times} commands were acknowledged, {found} events are there"


def overpaid(evidence: Evidence) -> Iterator[str]:
    """Events that more often than commands can explain followed from them; an unanswered one explains one event."""
    possible = Counter((event, subject) for command in evidence.commands for event, subject, _ in command.owes)
    unknown = Counter(command.kind for command in evidence.commands if command.outcome != ACKNOWLEDGED)
    nobody_asked: Counter[str] = Counter()
    for (event, subject), numbers in distinct(evidence.records).items():
        if event not in ONLY_ON_COMMAND:
            continue
        if not possible[event, subject]:
            nobody_asked[event] += len(numbers)
        elif len(numbers) > possible[event, subject]:
            yield f"{event} of {subject}: {possible[event, subject]} commands, {len(numbers)} events"
    for event, times in nobody_asked.items():
        if event != "volunteered" or times > unknown["volunteer"]:
            yield f"{event}: {times} events about aggregates that no command named"


def missing_events(evidence: Evidence) -> Iterator[str]:
    """Events that a document says it has produced and that are on no topic."""
    published = _numbers(evidence.records)
    for collection, documents in evidence.documents.items():
        for id_, document in documents.items():
            there = published.get((_service(collection), id_), set())
            for number in sorted(set(range(1, document.get("seq", 0) + 1)) - there):
                yield f"event {id_}.{number} of {collection}"


def ghosts(evidence: Evidence) -> Iterator[str]:
    """Events on the topics that no document knows of."""
    produced = {
        (_service(collection), id_): int(document["seq"])
        for collection, documents in evidence.documents.items()
        for id_, document in documents.items()
        if "seq" in document
    }
    for (service, aggregate), numbers in _numbers(evidence.records).items():
        for number in sorted(number for number in numbers if number > produced.get((service, aggregate), 0)):
            yield f"event {aggregate}.{number} of {service}"


def disordered(evidence: Evidence) -> Iterator[str]:
    """First occurrences of an aggregate's events that stand on a topic in another order than they happened.

    Sending again is allowed: only the first occurrence of each counts. All of an aggregate lies on one partition.
    """
    firsts: dict[tuple[str, str], list[Record]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for record in sorted(evidence.records, key=lambda one: (one.event, one.partition, one.offset)):
        if (record.event, record.id) not in seen:
            seen.add((record.event, record.id))
            firsts[record.event, record.aggregate].append(record)
    for (event, _), records in firsts.items():
        for one, other in pairwise(records):
            if one.number > other.number or one.partition != other.partition:
                yield f"{event}: {one.id} stands before {other.id}"


def changed_on_the_way(evidence: Evidence) -> Iterator[str]:
    """Events that were sent again with other bytes."""
    digests: dict[tuple[str, str], bytes] = {}
    for record in evidence.records:
        if digests.setdefault((record.event, record.id), record.digest) != record.digest:
            yield f"{record.event} {record.id} was sent with two contents"


def applied_twice(evidence: Evidence) -> Iterator[str]:
    """Commands that one document has applied twice, and sessions that a pair has twice."""
    for collection, documents in evidence.documents.items():
        for id_, document in documents.items():
            keys = Counter(command["k"] for command in document.get("cmds", ()))
            yield from (f"command {key} in {collection} {id_}" for key, times in keys.items() if times > 1)
    places = Counter(
        (session["pairing_id"], session["number"])
        for session in evidence.documents.get("scheduling.sessions", {}).values()
        if session.get("announced") and session.get("status") != "cancelled"
    )
    yield from (f"session {number} of {pairing}" for (pairing, number), times in places.items() if times > 1)


def double_booked(evidence: Evidence) -> Iterator[str]:
    """People with more pairings than they offered places for, or with two sessions at the same time."""
    capacity = _capacities(evidence.records)
    from_events = paired_now(evidence.records)
    for source, pairings in (("events", from_events), ("API", evidence.active_pairings)):
        busy = Counter(volunteer for pair in pairings.values() for volunteer in pair)
        for volunteer, times in busy.items():
            if times > capacity.get(volunteer, 1):
                yield f"{volunteer} has {times} pairings by the {source}, and offered {capacity.get(volunteer, 1)}"
    for pairing in sorted(from_events.keys() ^ evidence.active_pairings.keys()):
        where = "events" if pairing in from_events else "API"
        yield f"{pairing} is active by the {where} alone"
    yield from _overlaps(evidence.records)


def paired_now(records: Sequence[Record]) -> Mapping[str, tuple[str, str]]:
    """Mentor and mentee of each pairing that was told of and has not ended."""
    ended = {record.aggregate for record in records if record.event == "unpaired"}
    return {
        record.aggregate: (record.data["mentor"]["volunteer_id"], record.data["mentee"]["volunteer_id"])
        for record in records
        if record.event == "paired" and record.aggregate not in ended
    }


def _capacities(records: Sequence[Record]) -> Mapping[str, int]:
    newest: dict[str, tuple[int, int]] = {}
    for record in records:
        if record.event in {"volunteered", "volunteer_updated"}:
            told = record.version, int(record.data["capacity"])
            newest[record.aggregate] = max(newest.get(record.aggregate, told), told)
    return {volunteer: capacity for volunteer, (_, capacity) in newest.items()}


def _overlaps(records: Sequence[Record]) -> Iterator[str]:
    newest: dict[str, Record] = {}
    for record in records:
        if record.event.startswith("session_") and (
            record.aggregate not in newest or record.version > newest[record.aggregate].version
        ):
            newest[record.aggregate] = record
    busy: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for session, record in newest.items():
        if record.event in OPEN:
            begin = datetime.fromisoformat(record.data["starts_at"])
            for side in ("mentor_ref", "mentee_ref"):
                end = begin + timedelta(minutes=record.data["minutes"])
                busy[record.data[side]].append((begin, end, session))
    for person, times in busy.items():
        for one, other in pairwise(sorted(times)):
            if other[0] < one[1]:
                yield f"{person} has {one[2]} and {other[2]} at the same time"


def _service(collection: str) -> str:
    return collection.partition(".")[0]


def _numbers(records: Sequence[Record]) -> Mapping[tuple[str, str], set[int]]:
    """By service and aggregate."""
    numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    for record in records:
        numbers[record.source, record.aggregate].add(record.number)
    return numbers
