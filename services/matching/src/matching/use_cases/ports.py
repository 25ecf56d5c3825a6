"""What the use cases need from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.chassis.aggregates import Aggregates
from shared.chassis.clock import Clock
from shared.chassis.projections import Projections
from shared.chassis.reservations import Reservations
from shared.contracts import Role

from ..domain.candidate import Candidate, Programme
from ..domain.pairing import Pairing
from ..domain.proposal import ChosenPair, Problem, Proposal, StoredLeftOut, StoredPair
from ..domain.renewal import Renewal
from ..domain.restriction import Restriction
from ..domain.run import MatchRun
from ..domain.study import Study

Work = tuple[str, str]
"""A tenant, and the id of what waits for work."""


class Engine(Protocol):
    """Finds the best pairs, off the event loop."""

    async def propose(self, problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        """The best pairs. ``on_progress`` is told percents now and then.

        Raises:
            PoolTooLarge: More people than one run can match.
            EngineFailed: The computation died; trying again may help.
        """
        ...

    async def partner(self, problem: Problem) -> ChosenPair | None:
        """The best partner for the only mentor or the only mentee of this problem, who has a place for one; or None.

        The one that :meth:`propose` would choose, without waiting for any process; locks are not looked at.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class PoolFigures:
    """Who is known of one programme."""

    programme_id: str
    known: int
    """Volunteers of whom any event arrived, those who left included."""
    mentors: int
    mentees: int
    mentors_ready: int
    mentees_ready: int
    places: int
    """Places that ready mentors offer, taken or not."""
    paired: int
    """Active pairings."""


class Backlog(Protocol):
    """What waits for work, over all tenants, and sums that need no states."""

    async def runs_to_take(self, now: datetime) -> Sequence[Work]:
        """Runs that nobody works on, the oldest first."""
        ...

    async def studies_to_take(self, now: datetime) -> Sequence[Work]:
        """Studies that nobody works on, the oldest first."""
        ...

    async def renewals_to_take(self, now: datetime) -> Sequence[Work]:
        """Renewals that are due, or claimed and not settled."""
        ...

    async def programmes(self) -> Sequence[Work]:
        """Every published programme."""
        ...

    async def approvals_to_resume(self, now: datetime) -> Sequence[Work]:
        """Runs whose approval was begun and not finished in time."""
        ...

    async def runs_with_leftovers(self, before: datetime) -> Sequence[Work]:
        """Runs some of whose results nobody has needed since then; the longest first."""
        ...

    async def proposals_to_settle(self, now: datetime) -> Sequence[Work]:
        """Pairings that were proposed and neither confirmed nor aborted in time."""
        ...

    async def places_to_give_back(self) -> Sequence[Work]:
        """Pairings that are over and may still hold places."""
        ...

    async def places_taken(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        """How many pairings hold each volunteer at present; volunteers without any are not named."""
        ...

    async def pool(self, tenant: str, programme_id: str) -> PoolFigures:
        """The sums over one pool."""
        ...


class Results(Protocol):
    """Removes what runs have found."""

    async def remove(self, tenant: str, result: str, *, most: int) -> int:
        """Remove pairs and people left out of this result, so many at most; how many. Fewer: none is left."""
        ...


class Ready(Protocol):
    """People who may be paired, read often and changed seldom."""

    async def of_role(self, tenant: str, programme_id: str, role: Role) -> Sequence[Candidate]:
        """Everybody of this role who is ready and has not withdrawn, in the order of ids."""
        ...


@dataclass(frozen=True, kw_only=True)
class Upload:
    """People who were uploaded for one simulation."""

    id: str
    tenant: str
    mentors: int
    mentees: int
    until: datetime
    """Their rows are gone by then, whatever happens."""


class Uploads(Protocol):
    """Keeps uploaded people until their simulation has ended."""

    async def keep(self, upload: Upload, people: Sequence[Candidate]) -> None:
        """Keep all of them, or none that :meth:`find` would tell of."""
        ...

    async def find(self, tenant: str, id: str, now: datetime) -> Upload | None:
        """The upload, unless its time is over or it was deleted."""
        ...

    async def people(self, upload: Upload) -> tuple[Candidate, ...]:
        """Its people."""
        ...

    async def delete(self, tenant: str, id: str) -> None:
        """Forget the people. Repeatable."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Everything that the service keeps."""

    programmes: Projections[Programme]
    candidates: Projections[Candidate]
    ready: Ready
    """The same people, for whoever compares one with all of them."""
    pairings: Aggregates[Pairing]
    runs: Aggregates[MatchRun]
    renewals: Aggregates[Renewal]
    restrictions: Aggregates[Restriction]
    studies: Aggregates[Study]
    uploads: Uploads
    proposed: Projections[StoredPair]
    left_out: Projections[StoredLeftOut]
    results: Results
    """The two before, to be removed."""
    claims: Reservations
    """The arbiter of capacity: each pairing holds one claim on each of its two people."""
    backlog: Backlog
    clock: Clock
