"""10,000 mutated messages (``make bad-messages``: 100,000): every bad one is put aside, every good one is taken.

Who is to say what is bad? Not the product: :mod:`.oracle` knows the specifications and the published schemas only.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from .delivery import READS, Outcome, deliver, service
from .mutator import KINDS, examples, mutated
from .oracle import judge

pytestmark = [pytest.mark.journey, pytest.mark.timeout(3600)]

COUNT = int(os.environ.get("BAD_MESSAGES", "10000"))
SEED = int(os.environ.get("BAD_MESSAGES_SEED", "1"))
REPORT = Path("build/bad-messages.json")


@pytest.fixture(scope="module")
async def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All messages sent, and read to the last: so no partition is stuck."""
    async with service(tmp_path_factory.mktemp("stack")) as stack:
        found = await deliver(stack, COUNT, seed=SEED)
    _report(found)
    return found


def test_every_bad_message_is_a_dead_letter_with_its_reason_and_every_good_one_is_handled(outcome: Outcome) -> None:
    assert _first(outcome.complaints) == []
    assert outcome.sent == COUNT
    assert outcome.bad <= outcome.dead_letters <= outcome.bad + outcome.open


def test_the_service_lives_through_all_of_them(outcome: Outcome) -> None:
    assert not outcome.restarted


def test_nothing_is_published_where_a_message_asks_for_an_answer(outcome: Outcome) -> None:
    assert outcome.replies == 0


def test_there_is_enough_of_everything() -> None:
    """Else the run would prove little: bad and good ones of most kinds, and few on which nobody has a rule."""
    messages = list(mutated(examples(READS), 5000, seed=SEED, reply_to="nowhere"))
    verdicts = Counter((one.kind, judge(one.value, list(one.headers), frozenset(READS)).good) for one in messages)
    both = [kind for kind in KINDS if verdicts[kind, True] and verdicts[kind, False]]
    assert len(both) >= 10
    assert {kind for kind, _ in verdicts} == set(KINDS)
    assert sum(verdicts[kind, None] for kind in KINDS) < len(messages) / 50
    for good in (True, False):
        assert sum(verdicts[kind, good] for kind in KINDS) > len(messages) / 4


def _report(found: Outcome) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    told = asdict(found) | {"seed": SEED, "rate": round(found.rate), "complaints": list(found.complaints)}
    REPORT.write_text(json.dumps(told, indent=2) + "\n")


def _first(complaints: Sequence[str]) -> list[str]:
    return sorted(complaints)[:20]
