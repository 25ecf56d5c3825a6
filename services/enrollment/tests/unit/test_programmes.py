from datetime import date, timedelta

import pytest
from enrollment.domain.catalogue import UnknownGoal, UnknownMetric
from enrollment.domain.programmes import (
    Programme,
    ProgrammeNotPublished,
    ProgrammeStatus,
    UnusableCharter,
    changed,
    checked,
    copied,
    draft,
    edit,
    publish,
)
from shared.contracts import Cadence, Goal, MatchPolicy, Objective, ProgrammePublished, SessionPlan

from ..builders import CATALOGUE, NOW, TENANT, a_charter


def a_draft(**fields: object) -> Programme:
    return draft("prg_1", TENANT, a_charter(**fields), catalogue=CATALOGUE, at=NOW)


def test_a_draft_tells_nobody() -> None:
    programme = a_draft()
    assert programme.status is ProgrammeStatus.DRAFT
    with pytest.raises(ProgrammeNotPublished):
        _ = programme.requirements


def test_publishing_tells_the_whole_charter() -> None:
    goal = Goal(code="digital_skills", metric="skill_gain", target=1.5, due_on=date(2026, 7, 31))
    plan = SessionPlan(cadence=Cadence.FORTNIGHTLY)
    programme, (event,) = publish(a_draft(goals=(goal,), plan=plan, ends_on=date(2026, 8, 31)), at=NOW)
    assert programme.status is ProgrammeStatus.PUBLISHED
    assert event == ProgrammePublished(
        version=2,
        occurred_at=NOW,
        programme_id="prg_1",
        title="Digital for leaders",
        starts_on=date(2026, 2, 2),
        ends_on=date(2026, 8, 31),
        goals=(goal,),
        plan=plan,
    )


def test_publishing_twice_tells_once() -> None:
    programme, _ = publish(a_draft(), at=NOW)
    assert publish(programme, at=NOW) == (programme, ())


def test_an_edit_waits_until_it_is_published_and_is_then_told_with_a_newer_version() -> None:
    programme, _ = publish(a_draft(), at=NOW)
    policy = MatchPolicy(require_training=False)
    edited = edit(programme, changed(programme.charter, {"policy": policy.model_dump()}), catalogue=CATALOGUE)
    assert edited.requirements.training
    assert edited.has_unpublished_changes
    republished, (event,) = publish(edited, at=NOW)
    assert not republished.requirements.training
    assert event.version == republished.version == republished.requirements.version == 4


def test_an_edit_that_changes_nothing_is_none() -> None:
    programme = a_draft()
    assert edit(programme, programme.charter, catalogue=CATALOGUE) is programme


def test_only_a_publication_after_the_first_asks_for_the_volunteers_to_be_judged_again() -> None:
    programme, _ = publish(a_draft(), at=NOW)
    assert programme.volunteers_checked
    again, _ = publish(edit(programme, a_charter(title="Other"), catalogue=CATALOGUE), at=NOW)
    assert not again.volunteers_checked
    assert checked(again, published_version=2) is again
    done = checked(again, published_version=4)
    assert done.volunteers_checked
    assert not done.has_unpublished_changes
    assert checked(done, published_version=4) is done


def test_parts_of_plan_policy_and_weights_change_one_by_one() -> None:
    charter = a_charter(plan=SessionPlan(sessions=12, minutes=90))
    given = {"plan": {"minutes": 45}, "policy": {"age_gap_target": 25, "weights": {"skills": 1}}}
    result = changed(charter, given)
    assert result.plan == SessionPlan(sessions=12, minutes=45)
    assert result.policy.age_gap_target == 25
    assert (result.policy.weights.skills, result.policy.weights.age_gap) == (1, 1500)


def test_a_copy_moves_its_dates_with_the_start() -> None:
    goal = Goal(code="inclusion", metric="satisfaction", target=4, due_on=date(2026, 6, 30))
    copy = copied(a_charter(ends_on=date(2026, 8, 1), goals=(goal,)), title="Again", starts_on=date(2027, 2, 2))
    year = timedelta(days=365)
    assert copy.ends_on == date(2026, 8, 1) + year
    assert copy.goals[0].due_on == date(2026, 6, 30) + year
    assert (copy.title, copy.starts_on) == ("Again", date(2027, 2, 2))


def test_a_copy_that_would_leave_the_calendar_is_refused() -> None:
    with pytest.raises(UnusableCharter):
        copied(a_charter(ends_on=date.max), title="Never", starts_on=date(2100, 1, 1))


GOAL = Goal(code="inclusion", metric="satisfaction", target=4)


@pytest.mark.parametrize(
    ("fields", "field", "refusal"),
    [
        ({"starts_on": date(1999, 12, 31)}, "starts_on", UnusableCharter),
        ({"starts_on": date(2101, 1, 1)}, "starts_on", UnusableCharter),
        ({"ends_on": date(2026, 2, 1)}, "ends_on", UnusableCharter),
        ({"ends_on": date.max}, "ends_on", UnusableCharter),
        ({"languages": ("fr", "en", "fr")}, "languages.2", UnusableCharter),
        ({"goals": (GOAL, GOAL)}, "goals.1", UnusableCharter),
        ({"goals": (Goal(code="world_peace", metric="trust", target=1),)}, "goals.0.code", UnknownGoal),
        ({"goals": (GOAL, Goal(code="inclusion", metric="mood", target=1))}, "goals.1.metric", UnknownMetric),
        (
            {"goals": (Goal(code="inclusion", metric="trust", target=1, due_on=date(2026, 1, 1)),)},
            "goals.0.due_on",
            UnusableCharter,
        ),
        ({"policy": MatchPolicy(objective=(Objective.TOTAL, Objective.TOTAL))}, "policy.objective.1", UnusableCharter),
    ],
)
def test_a_charter_that_contradicts_itself_is_refused_and_names_the_field(
    fields: dict[str, object], field: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal) as refused:
        a_draft(**fields)
    assert refused.value.field == field  # type: ignore[attr-defined] # every refusal has it
