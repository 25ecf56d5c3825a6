"""The other solvers, each used as its documentation shows and with the least memory that it allows.

All get the same scores, computed by :class:`matching_bench.dense.Columns`, and the right to leave people unpaired: a
pair of no worth stands for staying alone. A mentor with several places stands in several columns.
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contenders import TOP
from .dense import Columns
from .people import Integers, Pool
from .watch import Watch

UNMATCHED = -1


class _Dense:
    """A solver that wants the whole matrix of costs."""

    dtype: type[np.floating[Any]] = np.float64
    square = False

    def assign(self, costs: NDArray[Any]) -> Integers:
        """The column of each row, or any number for none."""
        raise NotImplementedError(type(self))

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        with watch.phase("score"):
            seats = pool.seats
            side = max(pool.mentees, len(seats))
            costs = np.zeros((side, side) if self.square else (pool.mentees, len(seats)), dtype=self.dtype)
            for row, worth in enumerate(Columns(pool).worths()):
                np.negative(worth.take(seats), out=costs[row, : len(seats)], casting="unsafe")
        with watch.phase("solve"):
            taken = self.assign(costs)[: pool.mentees]
            rows = np.flatnonzero((taken >= 0) & (taken < len(seats)))
            rows = rows[costs[rows, taken[rows]] < 0]
            partner = np.full(pool.mentees, UNMATCHED, dtype=np.int64)
            partner[rows] = seats[taken[rows]]
        return {"partner": partner}


class SciPy(_Dense):
    """``scipy.optimize.linear_sum_assignment``, given costs so that it need not turn the matrix round."""

    def __init__(self) -> None:
        self._assign = import_module("scipy.optimize").linear_sum_assignment

    def assign(self, costs: NDArray[Any]) -> Integers:
        """Exact in doubles."""
        rows, columns = self._assign(costs)
        taken = np.full(len(costs), UNMATCHED, dtype=np.int64)
        taken[rows] = columns
        return taken


class LapJV(_Dense):
    """``lapjv``: square matrices only; 32-bit floats, its fastest."""

    dtype = np.float32
    square = True

    def __init__(self) -> None:
        self._assign = import_module("lapjv").lapjv

    def assign(self, costs: NDArray[Any]) -> Integers:
        """Exact as long as 32-bit floats tell the sums apart."""
        taken, _, _ = self._assign(costs)
        return np.asarray(taken, dtype=np.int64)


class Lap(_Dense):
    """``lap``: another implementation of the same algorithm, in doubles."""

    def __init__(self) -> None:
        self._assign = import_module("lap").lapjv

    def assign(self, costs: NDArray[Any]) -> Integers:
        """Exact in doubles; it extends the matrix to a square by itself."""
        taken, _ = self._assign(costs, extend_cost=costs.shape[0] != costs.shape[1], return_cost=False)
        return np.asarray(taken, dtype=np.int64)


class _Flow:
    """OR-Tools' minimum cost flow on a list of pairs."""

    def __init__(self) -> None:
        self._flow = import_module("ortools.graph.python.min_cost_flow").SimpleMinCostFlow

    def pairs(self, worth: NDArray[np.int16]) -> Integers:
        """The mentors that a mentee's list holds."""
        raise NotImplementedError(type(self))

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        with watch.phase("score"):
            lists, worths = [], []
            for worth in Columns(pool).worths():
                lists.append(self.pairs(worth))
                worths.append(worth[lists[-1]])
        with watch.phase("solve"):
            row = np.repeat(np.arange(pool.mentees), [len(columns) for columns in lists])
            column = np.concatenate(lists)
            sink = pool.mentees + pool.mentors
            everybody, mentors = np.arange(pool.mentees), pool.mentees + np.arange(pool.mentors)
            flow = self._flow()
            arcs = flow.add_arcs_with_capacity_and_unit_cost(
                np.concatenate((row, everybody, mentors)),
                np.concatenate((pool.mentees + column, np.full(sink, sink))),
                np.concatenate((np.ones(len(row) + pool.mentees, dtype=np.int64), pool.places)),
                np.concatenate((-np.concatenate(worths).astype(np.int64), np.zeros(sink, dtype=np.int64))),
            )
            flow.set_nodes_supplies(everybody, np.ones(pool.mentees, dtype=np.int64))
            flow.set_node_supply(sink, -pool.mentees)
            status = flow.solve()
            if status != flow.OPTIMAL:
                raise RuntimeError(f"the flow solver ended with {status}")
            chosen = flow.flows(arcs[: len(row)]) > 0
            partner = np.full(pool.mentees, UNMATCHED, dtype=np.int64)
            partner[row[chosen]] = column[chosen]
        return {"partner": partner, "listed_pairs": len(row)}


class FlowOnAll(_Flow):
    """Exact: every possible pair is an arc."""

    def pairs(self, worth: NDArray[np.int16]) -> Integers:
        """All that no rule forbids."""
        return np.flatnonzero(worth)


class FlowOnTop(_Flow):
    """What is often done instead: each mentee's best few, which need not hold the optimum."""

    def pairs(self, worth: NDArray[np.int16]) -> Integers:
        """The best by score."""
        if len(worth) <= TOP:
            return np.flatnonzero(worth)
        best: Integers = np.argpartition(worth, len(worth) - TOP)[len(worth) - TOP :]
        return best[worth[best] > 0]


class MentorMatch:
    """The algorithm of ``mentor-match``: an object per pair, scored by rules, then the Hungarian method.

    Its rules look the scores up, which is kinder to it than rules that compute them.
    """

    def __init__(self) -> None:
        self._process = import_module("matching.process")
        self._rules = import_module("matching.rules.rule")
        self._mentor = import_module("matching.mentor").Mentor
        self._mentee = import_module("matching.mentee").Mentee

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """One round, as it gives one mentor to one mentee."""
        rules = self._rules
        with watch.phase("score"):
            worths = [row.tolist() for row in Columns(pool).worths()]

        class Points(rules.Rule):  # type: ignore[misc, name-defined]
            """The points of a pair."""

            def evaluate(self, match: Any) -> int:
                """Look them up."""
                return int(worths[match.mentee.at][match.mentor.at])

            def apply(self, match: Any) -> int:
                """As many as it has."""
                return self.evaluate(match)

        with watch.phase("solve"):
            mentors = [self._person(self._mentor, at, "mentor") for at in range(pool.mentors)]
            mentees = [self._person(self._mentee, at, "mentee") for at in range(pool.mentees)]
            forbidden = rules.Disqualify(lambda match: not worths[match.mentee.at][match.mentor.at])
            self._process.process_data(mentors, mentees, [[Points(), forbidden]])
            partner = np.array(
                [mentee.mentors[0].at if mentee.mentors else UNMATCHED for mentee in mentees], dtype=np.int64
            )
        return {"partner": partner}

    def _person(self, kind: Any, at: int, side: str) -> Any:
        person = kind(grade=0, email=f"{side}{at}")
        person.at = at
        return person
