from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from enrollment.domain.grids import MOST_RESULTS, GridResult, UnusableGridResult, newest
from enrollment.domain.people import UnknownPerson
from enrollment.domain.programmes import Requirements
from enrollment.domain.volunteers import (
    HasWithdrawn,
    Status,
    UnknownVolunteer,
    Volunteer,
    judge_by,
    record_grid_result,
    volunteer,
    withdraw,
)
from shared.contracts import AccessRole, Forbidden, Principal, Role, VolunteerUpdated, WithdrawalReason

from ..builders import MANAGER, NOW, TENANT, TODAY, a_participant, a_person, a_volunteer, an_application
from ..desk import Desk, command
from ..fakes import InMemoryPeople

LATER = NOW + timedelta(days=1)
GRID_ASKED = Requirements(version=2, charter=False, training=False, grid=True)
OFFICER = Principal(tenant=TENANT, subject="per_officer", roles=frozenset({AccessRole.PROGRAMME_OFFICER}))


def a_result(score: int = 82, **fields: Any) -> GridResult:
    given = {"score": score, "threshold": 60, "evaluated_by": "per_boss", "evaluated_on": TODAY}
    return GridResult(**(given | fields))


def judged(present: Volunteer, *results: GridResult) -> Volunteer:
    for result in results:
        present, _ = record_grid_result(present, result, at=LATER)
    return present


def test_a_result_is_told_with_its_score_and_verdict() -> None:
    _, (event,) = record_grid_result(a_volunteer(), a_result(82), at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (event.version, event.grid_score, event.readiness.grid_passed) == (2, 82, True)


@pytest.mark.parametrize(("score", "passed"), [(60, True), (59, False), (0, False), (100, True)])
def test_the_threshold_itself_is_a_pass(score: int, passed: bool) -> None:
    assert judged(a_volunteer(), a_result(score)).grid_passed is passed


def test_without_a_result_there_is_no_verdict() -> None:
    assert (a_volunteer().grid_passed, a_volunteer().readiness.grid_passed) == (None, None)


def test_the_result_of_the_latest_day_counts_whenever_it_is_recorded() -> None:
    earlier = a_result(90, evaluated_on=TODAY - timedelta(days=9))
    present = judged(a_volunteer(), a_result(40), earlier)
    assert (present.grid_passed, len(present.grid_results)) == (False, 2)
    assert newest(present.grid_results) == a_result(40)


def test_of_one_day_the_last_recorded_counts_and_the_history_stays() -> None:
    first, corrected = a_result(40), a_result(70)
    present = judged(a_volunteer(), first, corrected)
    assert (present.grid_passed, present.grid_results) == (True, (first, corrected))
    assert judged(present, first).grid_results == (first, corrected, first)


def test_a_repeated_result_changes_nothing() -> None:
    present = judged(a_volunteer(), a_result())
    assert record_grid_result(present, a_result(), at=LATER) == (present, ())


def test_an_earlier_result_that_changes_nothing_public_is_kept_and_not_told() -> None:
    present = judged(a_volunteer(), a_result())
    kept, events = record_grid_result(present, a_result(10, evaluated_on=TODAY - timedelta(days=1)), at=LATER)
    assert (len(kept.grid_results), events) == (2, ())


def test_a_mentor_is_ready_only_once_the_grid_is_passed_where_the_programme_asks_it() -> None:
    present = a_volunteer(requirements=GRID_ASKED)
    assert (present.missing, present.status) == (("grid",), Status.WAITING)
    assert judged(present, a_result(59)).missing == ("grid",)
    ready = judged(present, a_result(82))
    assert (ready.missing, ready.status) == ((), Status.READY)
    failed_since = judged(ready, a_result(20, evaluated_on=TODAY + timedelta(days=1)))
    assert (failed_since.missing, failed_since.status) == (("grid",), Status.WAITING)


def test_a_mentee_needs_no_grid() -> None:
    mentee = a_volunteer(role=Role.MENTEE, requirements=GRID_ASKED)
    assert (mentee.missing, mentee.status) == ((), Status.READY)


def test_a_charter_that_asks_the_grid_from_now_on_is_applied() -> None:
    ready = a_volunteer(requirements=replace(GRID_ASKED, grid=False))
    waiting, (event,) = judge_by(ready, replace(GRID_ASKED, version=3), at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (waiting.status, event.readiness.ready) == (Status.WAITING, False)


@pytest.mark.parametrize(
    ("role", "result", "field"),
    [
        (Role.MENTEE, a_result(), "volunteer_id"),
        (Role.MENTOR, a_result(evaluated_by="per_1"), "evaluated_by"),
        (Role.MENTOR, a_result(evaluated_on=TODAY + timedelta(days=3)), "evaluated_on"),
        (Role.MENTOR, a_result(evaluated_on=TODAY.replace(year=1999)), "evaluated_on"),
    ],
)
def test_a_result_that_cannot_be_is_refused_and_names_the_field(role: Role, result: GridResult, field: str) -> None:
    with pytest.raises(UnusableGridResult) as refused:
        record_grid_result(a_volunteer(role=role), result, at=LATER)
    assert refused.value.field == field


def test_results_are_bounded() -> None:
    full = judged(a_volunteer(), *(a_result(number) for number in range(MOST_RESULTS)))
    with pytest.raises(UnusableGridResult, match="50"):
        record_grid_result(full, a_result(99), at=LATER)


def test_whoever_withdrew_is_not_judged_and_comes_back_with_their_results() -> None:
    gone, _ = withdraw(judged(a_volunteer(), a_result()), WithdrawalReason.NO_TIME, at=LATER)
    with pytest.raises(HasWithdrawn):
        record_grid_result(gone, a_result(90), at=LATER)
    back, (event,) = volunteer(gone, an_application(), at=LATER)
    assert (back.grid_results, event.model_dump()["grid_score"]) == ((a_result(),), 82)


# --- as asked for by people -----------------------------------------------------------------------------------


async def a_desk() -> tuple[Desk, str]:
    desk = Desk(people=InMemoryPeople(a_person("per_1"), a_person("per_boss")))
    return desk, (await desk.a_volunteer(await desk.a_published_programme(), "per_1")).id


@pytest.mark.parametrize("who", [MANAGER, OFFICER])
async def test_managers_and_officers_record_results(who: Principal) -> None:
    desk, mentor = await a_desk()
    by_hand = await desk.volunteers.record_grid_result(mentor, a_result(evaluated_by=who.subject), command(who))
    named = await desk.volunteers.record_grid_result(mentor, a_result(), command(who))
    assert [one.evaluated_by for one in named.grid_results] == [who.subject, "per_boss"]
    assert len(by_hand.grid_results) == 1


async def test_participants_record_no_result() -> None:
    desk, mentor = await a_desk()
    with pytest.raises(Forbidden):
        await desk.volunteers.record_grid_result(mentor, a_result(), command(a_participant("per_boss")))


async def test_an_evaluator_whom_nobody_knows_is_refused() -> None:
    desk, mentor = await a_desk()
    with pytest.raises(UnknownPerson) as refused:
        await desk.volunteers.record_grid_result(mentor, a_result(evaluated_by="per_none"), command())
    assert refused.value.field == "evaluated_by"


async def test_results_are_for_the_person_for_managers_and_for_officers() -> None:
    desk, mentor = await a_desk()
    await desk.volunteers.record_grid_result(mentor, a_result(), command())
    for who in (a_participant("per_1"), MANAGER, OFFICER):
        assert (await desk.volunteers.grid_results(who, mentor)).grid_results == (a_result(),)
    for who in (a_participant("per_boss"), replace(OFFICER, tenant="elsewhere")):
        with pytest.raises(UnknownVolunteer):
            await desk.volunteers.grid_results(who, mentor)
    with pytest.raises(UnknownVolunteer):
        await desk.volunteers.get(OFFICER, mentor)
