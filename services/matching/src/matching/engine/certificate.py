"""A proof of optimality that anybody can check: prices for both sides that no pair beats."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..domain.proposal import Certificate

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Proof(NamedTuple):
    """What the check found, and the prices that anybody can check again."""

    certificate: Certificate
    row_prices: Integers
    column_prices: Integers


def certify(weights: Integers, allowed: Flags, places: Integers, partner: Integers) -> Proof:
    """Prices for the chosen pairs, and how many of all allowed pairs are worth more than their two prices.

    ``partner`` gives each row's column, negative where there is none. Zero violations and primal = dual prove that
    no choice within ``places`` is worth more.
    """
    matched = np.flatnonzero(partner >= 0)
    worth = np.zeros(len(weights), dtype=np.int64)
    worth[matched] = weights[matched, partner[matched]]
    column_prices = _column_prices(weights, allowed, partner, worth)
    row_prices = np.zeros(len(weights), dtype=np.int64)
    row_prices[matched] = worth[matched] - column_prices[partner[matched]]
    beaten = allowed & (weights > row_prices[:, None] + column_prices[None, :])
    negative = int((row_prices < 0).sum() + (column_prices < 0).sum())
    certificate = Certificate(
        primal=int(worth.sum()),
        dual=int(row_prices.sum() + (column_prices * places).sum()),
        pairs_checked=int(allowed.sum()),
        violations=int(beaten.sum()) + negative,
    )
    return Proof(certificate, row_prices, column_prices)


def _column_prices(weights: Integers, allowed: Flags, partner: Integers, worth: Integers) -> Integers:
    """The lowest prices at which every row keeps what it has, or stays alone, by its own choice.

    Only rows whose own column has become dearer look again. For a choice that is not optimal prices would rise for
    ever; they then stop after as many rounds as an optimal one can need, and the check finds the violations.
    """
    rows, columns = weights.shape
    prices = np.zeros(columns, dtype=np.int64)
    matched = partner >= 0
    looking = np.arange(rows)
    for _ in range(columns + 1):
        if not len(looking) or not columns:
            break
        kept = np.where(matched[looking], worth[looking] - prices[partner[looking]], 0)
        bids = np.where(allowed[looking], weights[looking] - kept[:, None], 0).max(axis=0)
        dearer = bids > prices
        prices = np.maximum(prices, bids)
        looking = np.flatnonzero(matched & dearer[partner])
    return prices
