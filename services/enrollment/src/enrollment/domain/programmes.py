"""A programme and its charter: drafted, published, changed and published again, copied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.contracts import (
    Event,
    Goal,
    Invalid,
    MatchPolicy,
    NotFound,
    ProgrammePublished,
    Refusal,
    SessionPlan,
)

from .catalogue import Catalogue

EARLIEST = date(2000, 1, 1)
LATEST = date(2100, 12, 31)


class UnknownProgramme(NotFound):
    """There is no such programme for you."""


class ProgrammeNotPublished(Refusal):
    """The programme is still a draft: nobody can volunteer for it yet."""


class UnusableCharter(Invalid):
    """The charter contradicts itself."""


class ProgrammeStatus(StrEnum):
    """How far a programme is."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, kw_only=True)
class Charter:
    """What a programme promises and asks for (0-11, 4-01)."""

    title: str
    starts_on: date
    ends_on: date | None = None
    languages: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    plan: SessionPlan = field(default_factory=SessionPlan)
    policy: MatchPolicy = field(default_factory=MatchPolicy)
    anonymity_floor: int = 5


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a programme asks of volunteers before they may be paired; of two, the newer version holds."""

    version: int
    """The programme's version that asks it."""
    charter: bool
    training: bool
    grid: bool = False
    """Of mentors."""


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A programme. People see the published charter; the working charter is the manager's until it is published."""

    id: str
    tenant: str
    version: int
    created_at: datetime
    charter: Charter
    published: Charter | None = None
    published_version: int | None = None
    published_at: datetime | None = None
    cloned_from: str | None = None
    is_published: bool = False
    """Kept beside the charter, so that lists can be filtered by it."""
    volunteers_checked: bool = True
    """False from a publication until every volunteer was judged by it."""

    @property
    def status(self) -> ProgrammeStatus:
        """Published once, published for good; later edits wait beside the published charter."""
        return ProgrammeStatus.PUBLISHED if self.is_published else ProgrammeStatus.DRAFT

    @property
    def has_unpublished_changes(self) -> bool:
        """Whether publishing again would tell anything new."""
        return self.charter != self.published

    @property
    def requirements(self) -> Requirements:
        """What is asked of volunteers now. Raises: ProgrammeNotPublished."""
        if self.published is None or self.published_version is None:
            raise ProgrammeNotPublished("the programme is not published yet", field="programme_id")
        policy = self.published.policy
        return Requirements(
            version=self.published_version,
            charter=policy.require_charter,
            training=policy.require_training,
            grid=policy.require_grid,
        )


def draft(
    id: str,
    tenant: str,
    charter: Charter,
    *,
    catalogue: Catalogue,
    at: datetime,
    cloned_from: str | None = None,
) -> Programme:
    """A new programme that only its managers see. Raises: UnusableCharter, UnknownGoal, UnknownMetric."""
    check(charter, catalogue)
    return Programme(id=id, tenant=tenant, version=1, created_at=at, charter=charter, cloned_from=cloned_from)


def edit(programme: Programme, charter: Charter, *, catalogue: Catalogue) -> Programme:
    """Change the working charter. What is published stays so until it is published again."""
    check(charter, catalogue)
    if charter == programme.charter:
        return programme
    return replace(programme, version=programme.version + 1, charter=charter)


def publish(programme: Programme, *, at: datetime) -> tuple[Programme, Sequence[Event]]:
    """Make the working charter the one that holds. Without a change since the last time nothing happens."""
    if not programme.has_unpublished_changes:
        return programme, ()
    version = programme.version + 1
    charter = programme.charter
    published = replace(
        programme,
        version=version,
        published=charter,
        published_version=version,
        published_at=at,
        is_published=True,
        volunteers_checked=programme.published is None,
    )
    event = ProgrammePublished(
        version=version,
        occurred_at=at,
        programme_id=programme.id,
        title=charter.title,
        starts_on=charter.starts_on,
        ends_on=charter.ends_on,
        languages=charter.languages,
        goals=charter.goals,
        plan=charter.plan,
        policy=charter.policy,
        anonymity_floor=charter.anonymity_floor,
    )
    return published, (event,)


def checked(programme: Programme, *, published_version: int) -> Programme:
    """Every volunteer was judged by this publication; a newer one asks for another round."""
    if programme.volunteers_checked or programme.published_version != published_version:
        return programme
    return replace(programme, version=programme.version + 1, volunteers_checked=True)


def changed(charter: Charter, given: Mapping[str, Any]) -> Charter:
    """The charter with the given fields; parts of the plan and of the policy change one by one."""
    fields = dict(given)
    if "plan" in fields:
        fields["plan"] = SessionPlan.model_validate({**charter.plan.model_dump(), **fields["plan"]})
    if "policy" in fields:
        policy = dict(fields["policy"])
        weights = {**charter.policy.weights.model_dump(), **policy.pop("weights", {})}
        fields["policy"] = MatchPolicy.model_validate({**charter.policy.model_dump(), **policy, "weights": weights})
    return replace(charter, **fields)


def copied(charter: Charter, *, title: str, starts_on: date) -> Charter:
    """The same charter for another cohort: its end and its goals move with its start (1-35)."""
    shift = starts_on - charter.starts_on
    try:
        return replace(
            charter,
            title=title,
            starts_on=starts_on,
            ends_on=charter.ends_on + shift if charter.ends_on else None,
            goals=tuple(
                goal.model_copy(update={"due_on": goal.due_on + shift}) if goal.due_on else goal
                for goal in charter.goals
            ),
        )
    except OverflowError:
        raise UnusableCharter("the dates would leave the calendar", field="starts_on") from None


def check(charter: Charter, catalogue: Catalogue) -> None:
    """Refuse a charter that contradicts itself or that nothing could measure, naming the field."""
    _within_calendar(charter.starts_on, field="starts_on")
    if charter.ends_on is not None:
        _within_calendar(charter.ends_on, field="ends_on")
        if charter.ends_on < charter.starts_on:
            raise UnusableCharter("a programme cannot end before it starts", field="ends_on")
    _all_different(charter.languages, field="languages")
    _all_different(charter.policy.objective, field="policy.objective")
    for index, goal in enumerate(charter.goals):
        catalogue.require_goal(goal.code, field=f"goals.{index}.code")
        catalogue.require_metric(goal.metric, field=f"goals.{index}.metric")
        if goal.due_on is not None:
            _within_calendar(goal.due_on, field=f"goals.{index}.due_on")
            if goal.due_on < charter.starts_on:
                raise UnusableCharter("a goal cannot be due before the programme starts", field=f"goals.{index}.due_on")
    _all_different([(goal.code, goal.metric) for goal in charter.goals], field="goals")


def _within_calendar(day: date, *, field: str) -> None:
    if not EARLIEST <= day <= LATEST:
        raise UnusableCharter(f"dates lie between {EARLIEST} and {LATEST}", field=field)


def _all_different(values: Sequence[object], *, field: str) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise UnusableCharter("stands in the list already", field=f"{field}.{index}")
