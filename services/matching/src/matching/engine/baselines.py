"""What simpler ways of pairing would reach: by chance, and best pair first."""

import numpy as np

from .solver import UNMATCHED, Instance, Integers

RANDOM_ROUNDS = 20


def random_score(instance: Instance, seed: int) -> int:
    """The mean total of random possible pairings, rounded down; the same for the same seed."""
    chance = np.random.default_rng(seed)
    totals = [_random_total(instance, chance) for _ in range(RANDOM_ROUNDS)]
    return sum(totals) // RANDOM_ROUNDS


def _random_total(instance: Instance, chance: np.random.Generator) -> int:
    places = instance.places.copy()
    total = 0
    for row in chance.permutation(len(instance.scores)):
        possible = np.flatnonzero(instance.feasible[row] & (places > 0))
        if len(possible):
            column = possible[chance.integers(len(possible))]
            places[column] -= 1
            total += int(instance.scores[row, column])
    return total


def greedy(instance: Instance) -> Integers:
    """The best pair first, then the best of what is left: quick, and often short of the best whole."""
    partner = np.full(len(instance.scores), UNMATCHED, dtype=np.int64)
    places = instance.places.tolist()
    rows, columns = np.nonzero(instance.feasible)
    best_first = np.argsort(-instance.scores[rows, columns].astype(np.int64), kind="stable")
    left = min(len(partner), sum(places))
    for row, column in zip(rows[best_first].tolist(), columns[best_first].tolist(), strict=True):
        if left == 0:
            break
        if partner[row] == UNMATCHED and places[column] > 0:
            partner[row] = column
            places[column] -= 1
            left -= 1
    return partner
