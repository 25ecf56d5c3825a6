"""The checker itself: it sees what is lost, what is there twice, and what comes out of order."""

from dataclasses import dataclass
from typing import Any, cast

from .checks import _dead_letters, _differences, _order, _same
from .story import Story


@dataclass(frozen=True)
class Sent:
    """A record, as far as the checker looks at it."""

    topic: str
    headers: tuple[tuple[str, bytes], ...]


def event(id: str, topic: str = "t.paired.v1") -> Any:
    return Sent(topic, (("ce_source", b"/mentoring/matching"), ("ce_id", id.encode())))


def dead(offset: int) -> Any:
    place = {"topic": b"t.feedback.retry", "partition": b"0", "offset": str(offset).encode()}
    return Sent("t.feedback.dlq", tuple((f"dlq-original-{name}", value) for name, value in place.items()))


def test_what_is_lost_and_what_is_there_twice_is_named() -> None:
    assert _same("volunteers", ["a", "b"], ["b", "a"]) == []
    assert _same("volunteers", ["a", "a"], ["a", "b"]) == ["volunteers: a: 2, not 1", "volunteers: b: 0, not 1"]
    assert _differences("answers", {"pair_1": 1}, {"pair_1": 2}) == ["answers: pair_1: 1, not 2"]


def test_a_repeated_event_is_in_order_and_a_late_first_one_is_not() -> None:
    assert _order([event("a.1"), event("a.2"), event("a.1"), event("b.1")]) == []
    assert _order([event("a.2"), event("a.1")]) == ["a.1 on t.paired.v1 comes after a later event of its aggregate"]


def test_two_dead_letters_of_one_record_count_once_and_a_missing_one_is_seen() -> None:
    story = Story(cast(Any, None), "t.")
    story.done.bad_records["feedback"] = 2
    assert _dead_letters([dead(1), dead(1), dead(2)], story) == []
    assert _dead_letters([dead(1), dead(1)], story) == ["dead letters: feedback: 1, not 2"]
