"""Looks at all pairs that choose none: what scoring alone costs."""

from typing import Any

import numpy as np

from .dense import Columns, Products
from .people import Pool
from .watch import Watch

ROWS_AT_A_TIME, COLUMNS_AT_A_TIME = 1_024, 8_192


class Rows:
    """Whole numbers, a mentee against all mentors at a time; keeps the best score so that nothing is left undone."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """Score every pair."""
        with watch.phase("score"):
            best = max(int(row.max()) for row in Columns(pool).worths())
        return {"best": best}


class Masked:
    """Matrix products of 32-bit floats, then masks for the hard rules."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """Score every pair."""
        with watch.phase("score"):
            products = Products(pool)
            starts = range(0, pool.mentees, ROWS_AT_A_TIME)
            best = max(float(products.block(slice(start, start + ROWS_AT_A_TIME)).max()) for start in starts)
        return {"best": best, "features": products.features}


class Bare:
    """One product, without masks, caps or the choice of anything; the features are prepared outside the clock."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """Multiply, block by block into the same memory."""
        mentees, mentors = Products(pool).bare()
        blocks = [
            np.ascontiguousarray(mentors[:, low : low + COLUMNS_AT_A_TIME])
            for low in range(0, pool.mentors, COLUMNS_AT_A_TIME)
        ]
        room = np.empty(ROWS_AT_A_TIME * COLUMNS_AT_A_TIME, dtype=np.float32)
        with watch.phase("score"):
            for block in blocks:
                for low in range(0, pool.mentees, ROWS_AT_A_TIME):
                    rows = mentees[low : low + ROWS_AT_A_TIME]
                    out = room[: len(rows) * block.shape[1]].reshape(len(rows), block.shape[1])
                    np.matmul(rows, block, out=out)
        return {"features": mentees.shape[1]}
