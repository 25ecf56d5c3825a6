"""The demo itself, small: it must run against today's interfaces, and tell the same story every time."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from demo.display import Display
from demo.figures import delivery
from demo.platform import Platform
from demo.play import Outcome, play
from demo.quiet import Rest, at_rest
from demo.summary import show
from local_stack import Stack
from rich.console import Console

from .world import PREFIX

pytestmark = pytest.mark.journey

PEOPLE = 24


@pytest.fixture(scope="module")
async def two_plays(stack: Stack, platform: Platform) -> tuple[Outcome, Outcome]:
    """The same demo in two organisations at the same time."""

    async def rest() -> Rest:
        return await at_rest(platform, stack.kafka_bootstrap, PREFIX)

    one, other = await asyncio.gather(_play(platform, rest), _play(platform, rest))
    return one, other


async def _play(platform: Platform, rest: Callable[[], Awaitable[Rest]]) -> Outcome:
    manager = {
        "X-Telemachus-Tenant": f"demo-{uuid4().hex[:12]}",
        "X-Telemachus-Subject": "manager",
        "X-Telemachus-Roles": "programme_manager",
    }
    return await play(platform.asked_by(manager), Display(Console(quiet=True)), rest, people=PEOPLE)


def test_two_plays_tell_the_same_story(two_plays: tuple[Outcome, Outcome]) -> None:
    one, other = two_plays
    assert one.figures == other.figures


def test_every_row_of_the_hr_export_is_taken_in_or_refused_with_its_reason(
    two_plays: tuple[Outcome, Outcome],
) -> None:
    figures = two_plays[0].figures
    assert (figures["people_imported"], figures["rows_refused"]) == (1100, 26)
    assert figures["people_imported_with_a_warning"] == 8
    assert figures["rows_refused_by_reason"] == {
        "bad_date": 5,
        "bad_email": 2,
        "bad_year": 2,
        "duplicate": 6,
        "formula": 3,
        "missing_value": 4,
        "unknown_time_zone": 3,
        "wrong_number_of_cells": 1,
    }


def test_the_story_holds_everything_that_it_promises(two_plays: tuple[Outcome, Outcome]) -> None:
    figures = two_plays[0].figures
    assert figures["volunteers"] == PEOPLE
    assert figures["pairs"] + figures["unmatched"] == 11
    assert figures["score"] > figures["random_baseline_score"]
    assert figures["pairs_locked"] == 2
    assert figures["pairs_at_risk"] >= 1
    assert figures["sessions_completed"] > 0.8 * (figures["pairs"] + figures["pairs_re_matched"]) * 6 - 6
    assert 1 <= figures["satisfaction"] <= 5


async def test_nothing_is_left_on_its_way_and_the_summary_can_be_read(
    two_plays: tuple[Outcome, Outcome], stack: Stack, platform: Platform
) -> None:
    left = await at_rest(platform, stack.kafka_bootstrap, PREFIX)
    outcome = two_plays[0]
    told: dict[str, Any] = delivery(left.census, left.outbox_pending, PREFIX)
    told |= {"broker": stack.broker, "database": stack.database, "seconds": 12.3}
    page = io.StringIO()
    show(Console(file=page, width=100), outcome, outcome.figures | told, stack.urls)
    assert (told["dead_letters"], told["outbox_pending"], told["consumer_lag"]) == (0, 0, 0)
    assert "One pair explained" in page.getvalue()
    assert stack.urls["matching"] in page.getvalue()
