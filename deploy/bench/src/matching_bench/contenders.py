"""Who is compared, and what each needs to run. Nothing here imports a contender's packages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .people import Mode

TOP = 20
"""Mentors per mentee in the lists that a flow solver gets."""
MEGA = 2**20


class Kind(StrEnum):
    """What a contender's answer is worth."""

    ENGINE = "engine"
    ORACLE = "oracle"
    """Exact in doubles or whole numbers: its total must be ours."""
    SOLVER = "solver"
    """Promises the optimum, but in arithmetic that may lose it; told where it does."""
    LIVE = "live"
    """The engine's optimum, kept while people come and go; its total must be the engine's."""
    APPROXIMATE = "approximate"
    PASS = "pass"  # noqa: S105 a pass over all pairs
    """Scores only; chooses no pairs."""


@dataclass(frozen=True)
class Contender:
    """One way to choose pairs, or a part of one."""

    name: str
    title: str
    kind: Kind
    runner: str
    """``module:class`` in this package."""
    seconds: float
    """Expected with 10,000 people a side on one core of a server, for the estimate; seen, not promised."""
    growth: float
    """Power of the number of people with which its time is expected to grow."""
    needs: Callable[[int, int], int]
    """Bytes for so many mentees and seats."""
    package: str | None = None
    """Distribution to be installed, beyond those of the services."""
    largest: int | None = 10_000
    """It is not tried with more people than these."""
    why_not_larger: str = "compared up to 10,000 people"
    once_from: float = 5.0
    """Seconds from which it is measured once per size only: the medians of the others need the time more."""
    modes: tuple[Mode, ...] = tuple(Mode)


def _small(mentees: int, seats: int) -> int:
    return 200 * MEGA + 2_000 * (mentees + seats)


def _blocks(mentees: int, seats: int) -> int:
    return _small(mentees, seats) + 4 * 1_400 * (mentees + seats)


def _doubles(mentees: int, seats: int) -> int:
    return _small(mentees, seats) + 8 * mentees * seats


def _extended(mentees: int, seats: int) -> int:
    return _doubles(mentees, seats) + (8 * max(mentees, seats) ** 2 if mentees != seats else 0)


def _square_singles(mentees: int, seats: int) -> int:
    return _small(mentees, seats) + 4 * max(mentees, seats) ** 2


def _objects(mentees: int, seats: int) -> int:
    return 1_500 * mentees * seats


def _any_size(
    name: str, title: str, kind: Kind, runner: str, *, seconds: float, needs: Callable[[int, int], int] = _small
) -> Contender:
    """Measured at every size, and again where it takes less than a minute."""
    return Contender(name, title, kind, runner, seconds, 2.0, needs, largest=None, once_from=60.0)


CONTENDERS = (
    _any_size("engine", "this engine, exact and proven", Kind.ENGINE, "ours:Engine", seconds=0.8),
    Contender(
        "live", "this engine, kept up to date", Kind.LIVE, "events:Events", 8, 1.8, _small, largest=None,
    ),
    Contender("scipy", "NumPy + SciPy linear_sum_assignment", Kind.ORACLE, "solvers:SciPy", 35, 3.0, _doubles, "scipy"),
    Contender("lapjv", "NumPy + lapjv", Kind.SOLVER, "solvers:LapJV", 12, 2.6, _square_singles, "lapjv"),
    Contender("lap", "NumPy + lap", Kind.ORACLE, "solvers:Lap", 15, 2.6, _extended, "lap"),
    Contender(
        "flow-all", "NumPy + OR-Tools flow, all pairs", Kind.ORACLE, "solvers:FlowOnAll", 48, 2.5, _objects, "ortools",
        largest=2_000, why_not_larger="a flow over all possible pairs is compared up to 2,000 people",
    ),
    Contender(
        "flow-top", f"NumPy + OR-Tools flow, best {TOP} per mentee", Kind.APPROXIMATE, "solvers:FlowOnTop", 3.5, 2.0,
        _blocks, "ortools",
    ),
    Contender(
        "mentor-match", "mentor-match, given the scores", Kind.SOLVER, "solvers:MentorMatch", 27_000, 3.0, _objects,
        "mentor-match", largest=1_000, why_not_larger="it keeps an object per pair; compared up to 1,000 people",
        modes=(Mode.ONE_TO_ONE,),
    ),
    _any_size("pass", "this engine's look at all pairs, once", Kind.PASS, "ours:Pass", seconds=0.04),
    Contender("numpy", "NumPy scoring alone, in whole numbers", Kind.PASS, "passes:Rows", 2.5, 2.0, _small),
    Contender("blas", "NumPy scoring alone, matrix products and masks", Kind.PASS, "passes:Masked", 4.5, 2.0, _blocks),
    _any_size("sgemm", "one bare matrix product of the features", Kind.PASS, "passes:Bare", seconds=0.5, needs=_blocks),
)  # fmt: skip
BY_NAME = {contender.name: contender for contender in CONTENDERS}
