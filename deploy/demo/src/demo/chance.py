"""Chance that repeats: every draw depends on what it is about, and on nothing else.

Python keeps no promise that ``random.shuffle`` or ``random.choice`` give the same results in the next
version, and one generator shared by many tasks makes each draw depend on who drew before. Here a draw is a
digest of its subject.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws about one subject, for instance one session of one mentee."""

    def __init__(self, *about: object) -> None:
        self._about = "|".join(str(part) for part in about)

    def share(self, what: object) -> float:
        """A number from 0 up to, but without, 1."""
        digest = sha256(f"{self._about}|{what}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def happens(self, what: object, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.share(what) < probability

    def whole(self, what: object, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.share(what) * (high - low + 1))

    def pick(self, what: object, among: Sequence[T]) -> T:
        """One of these, all equally likely."""
        return among[int(self.share(what) * len(among))]

    def weighted(self, what: object, weights: Mapping[T, int]) -> T:
        """One of these, each as likely as its weight."""
        left = self.share(what) * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        raise ValueError("there must be something to choose from")

    def some(self, what: object, among: Sequence[T], count: int) -> list[T]:
        """``count`` different ones of these, or all of them when there are fewer."""
        return sorted(among, key=lambda item: self.share(f"{what}|{item}"))[:count]
