"""The optimum kept while people come, go and change, one at a time.

Every operation leaves the best choice over all pairs of those who are there, with prices that prove it. Nothing is
random: the same snapshot and the same operations give the same state, so a snapshot and a log of operations restore it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .column import wishers
from .market import UNMATCHED, Int32, Int64, Market
from .optimum import Optimum, Pricing, Worth
from .scan import ANY_SCORE, BLOCK, NOBODY, OUT_OF_REACH, Scores
from .sight import Sight, backward, forward, highest_value, least_price, reprice, score_pair
from .sparse import State, leave, new_scratch, new_state, seat

PLAIN = Worth()


ABSENT = 2**40
"""The price of a mentor who has no places: nobody looks at them."""


@dataclass(frozen=True)
class Snapshot:
    """Everything that a live pool is, beside its market and its worth."""

    active: NDArray[np.bool_]
    places: Int64
    u: Int64
    v: Int64
    partner: Int32


class NotProven(AssertionError):
    """The prices do not prove the choice: the state must not be used."""


class Live:
    """A pool whose best choice is always known.

    Rows are mentees and columns are mentors, as in the market, which holds everybody who may ever come. Somebody
    changes by leaving, :meth:`use` of a market that has them as they are now, and coming back.
    """

    def __init__(self, market: Market, worth: Worth = PLAIN, snapshot: Snapshot | None = None) -> None:
        """Nobody is there yet and no mentor has a place; or everything is as it was at the snapshot."""
        self._worth = worth
        rows, mentors = market.rows, len(market.places)
        narrow = not market.wide and worth.bonus <= worth.factor
        self.state = _state(rows, mentors) if snapshot is None else _restored(snapshot)
        self._active = np.zeros(rows, dtype=np.bool_) if snapshot is None else snapshot.active.copy()
        self._scratch = new_scratch(mentors, mentors * 8)
        self._small: Scores = np.zeros(mentors, np.int16) if narrow else np.zeros(mentors, np.int32)
        self._room: Scores = np.empty(BLOCK, np.int16) if narrow else np.empty(BLOCK, np.int32)
        self._touched = np.empty(mentors, dtype=np.int32)
        self.use(market)
        for column in range(mentors):
            reprice(self._sight, self.state, column)

    @classmethod
    def of(cls, market: Market, optimum: Optimum) -> "Live":
        """Everybody of the market is there, matched as in its optimum."""
        absent = optimum.state.places <= 0
        snapshot = Snapshot(
            active=np.ones(market.rows, dtype=np.bool_),
            places=optimum.state.places,
            u=optimum.state.u,
            v=np.where(absent, ABSENT, optimum.state.v),
            partner=optimum.state.partner,
        )
        return cls(market, optimum.worth, snapshot)

    @property
    def partner(self) -> Int32:
        """For each row its column, or ``UNMATCHED``. Not to be changed."""
        return self.state.partner

    @property
    def total(self) -> int:
        """What the chosen pairs are worth together: what the prices add up to."""
        return int(self.state.u.sum() + (self.state.v * self.state.places).sum())

    def snapshot(self) -> Snapshot:
        """As it is now."""
        state = self.state
        return Snapshot(self._active.copy(), state.places.copy(), state.u.copy(), state.v.copy(), state.partner.copy())

    def use(self, market: Market) -> None:
        """Go on with a market of the same shape, in which only those who are not there are different."""
        self._market = market
        columns = market.columns
        self._sight = Sight(
            columns=columns,
            active=self._active,
            factor=self._worth.factor,
            bonus=self._worth.bonus,
            lowest=ANY_SCORE if self._worth.lowest is None else max(self._worth.lowest, ANY_SCORE),
            small_prices=self._small,
            scores=np.empty(BLOCK, np.int32) if market.wide else np.empty(BLOCK, np.int16),
            work=np.empty((2, BLOCK), dtype=np.uint8),
            room=self._room,
            touched=self._touched,
            wishers=wishers(columns),
            hopes=np.empty(market.rows, dtype=np.int64),
        )

    def arrive(self, row: int) -> int:
        """A mentee comes. Returns the mentor they get, or ``UNMATCHED``; others may have moved."""
        if not self._active[row]:
            self._active[row] = True
            self.state.u[row] = highest_value(self._sight, self.state, row)
            self._seek(row)
        return int(self.state.partner[row])

    def depart(self, row: int) -> None:
        """A mentee goes."""
        if self._active[row]:
            column = leave(self.state, row) if self.state.partner[row] != UNMATCHED else UNMATCHED
            self._active[row] = False
            self.state.u[row] = 0
            if column != UNMATCHED:
                self._fill(column)

    def offer(self, column: int, places: int) -> None:
        """A mentor comes, goes (0 places), or has another number of places."""
        state = self.state
        if state.places[column] <= 0 < places:
            state.places[column] = places
            state.v[column] = least_price(self._sight, state, column)
            reprice(self._sight, state, column)
        state.places[column] = places
        moved = []
        while state.load[column] > places:
            row = int(state.first[column])
            leave(state, row)
            moved.append(row)
        if places <= 0:
            state.v[column] = ABSENT
            reprice(self._sight, state, column)
            for row in moved:
                state.u[row] = highest_value(self._sight, state, row)
        for row in moved:
            self._seek(row)
        self._fill(column)

    def certify(self) -> None:
        """Look at all pairs. Raises: NotProven."""
        state, worth = self.state, self._worth
        there = np.where(self._active, state.u - worth.bonus, NOBODY)
        prices = np.where(state.places > 0, state.v, OUT_OF_REACH * max(worth.factor, 1) + worth.bonus)
        found = Pricing(self._market, worth).look(prices, there, 1)
        matched = np.flatnonzero(state.partner != UNMATCHED)
        loose = [row for row in matched.tolist() if not self._tight(row)]
        lonely = np.flatnonzero(self._active & (state.partner == UNMATCHED) & (state.u != 0))
        unfilled = np.flatnonzero((state.places > 0) & (state.load < state.places) & (state.v != 0))
        if len(found.row) or loose or len(lonely) or len(unfilled) or (state.u < 0).any() or (state.v < 0).any():
            raise NotProven(
                f"{len(found.row)} pairs are worth more than their prices, {len(loose)} chosen pairs less; "
                f"{len(lonely)} unmatched rows and {len(unfilled)} free columns have a price"
            )

    def _tight(self, row: int) -> bool:
        column = int(self.state.partner[row])
        score = score_pair(self._sight, row, column)
        worth = self._worth.factor * score + self._worth.bonus
        return bool(score >= self._sight.lowest and worth == self.state.u[row] + self.state.v[column])

    def _seek(self, row: int) -> None:
        if self.state.partner[row] == UNMATCHED and self.state.u[row] > 0:
            forward(self._sight, self.state, self._scratch, row)

    def _fill(self, column: int) -> None:
        state = self.state
        while 0 <= state.load[column] < state.places[column] and state.v[column] > 0:
            backward(self._sight, state, self._scratch, column)


def _state(rows: int, mentors: int) -> State:
    state = new_state(rows, np.zeros(mentors, dtype=np.int64))
    state.v[:] = ABSENT
    return state


def _restored(snapshot: Snapshot) -> State:
    state = new_state(len(snapshot.u), snapshot.places.copy())
    state.u[:], state.v[:] = snapshot.u, snapshot.v
    for row in np.flatnonzero(snapshot.partner != UNMATCHED).tolist():
        seat(state, row, int(snapshot.partner[row]))
    return state
