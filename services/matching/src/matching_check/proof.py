"""The proof that no better choice of pairs exists: prices, and the order of aims.

One argument carries it. Where everybody has a price such that no possible pair is worth more than the two prices of its
people, no choice of pairs can be worth more than all prices together; a choice that is worth exactly that is the best.

Locked pairs are outside of the proof: their mentees are gone, and so are the places that they take.
"""

from collections.abc import Callable, Sequence
from typing import Any

Possible = dict[str, list[tuple[str, int]]]
"""Of each mentee who is free, every mentor whom the hard rules allow, with the pair's score."""


class Proof:
    """A certificate held against the free part of a choice. What is wrong is gathered in ``refusals``."""

    def __init__(
        self, certificate: Any, possible: Possible, chosen: dict[str, tuple[str, int]], room: dict[str, int]
    ) -> None:
        self.certificate = certificate
        self.possible = possible
        self.chosen = chosen
        """Of each mentee who is free and paired, the mentor and the score."""
        self.room = room
        """Of each mentor who could be paired, the places beside locked pairs."""
        self.factor: int = certificate["factor"]
        self.bonus: int = certificate["bonus"]
        self.floor: int = certificate["floor"]
        self.mentee_price: dict[str, int] = certificate["mentees"]
        self.mentor_price: dict[str, int] = certificate["mentors"]
        self.empty = dict(room)
        for mentor, _ in chosen.values():
            self.empty[mentor] -= 1
        self.refusals: list[str] = []
        self.words: list[str] = []

    def check(self, aims: Sequence[str]) -> None:
        """Everything, for a programme with this order of aims."""
        if self.check_that_everybody_has_a_price():
            self.check_all_pairs()
            self.check_slackness()
            self.check_sums()
        self.check_order(aims)

    def worth(self, score: int) -> int:
        """What a possible pair with this score is worth; below the floor it is out of the question."""
        return self.factor * score + self.bonus

    def check_that_everybody_has_a_price(self) -> bool:
        """Everybody who could be paired, nobody else, and never below zero."""
        strangers = (self.possible.keys() ^ self.mentee_price.keys()) | (self.room.keys() ^ self.mentor_price.keys())
        self.refusals += [f"{id_}: lacks a price, or has one and could not be paired" for id_ in sorted(strangers)]
        for id_, price in (*self.mentee_price.items(), *self.mentor_price.items()):
            if price < 0:
                self.refusals.append(f"{id_}: the price {price} is below zero")
        return not strangers

    def check_all_pairs(self) -> None:
        """Every possible pair at or above the floor: its worth is at most the two prices."""
        looked_at = violations = 0
        for mentee, pairs in self.possible.items():
            for mentor, score in pairs:
                if score >= self.floor:
                    looked_at += 1
                    prices = self.mentee_price[mentee] + self.mentor_price[mentor]
                    if self.worth(score) > prices:
                        violations += 1
                        self.refusals.append(
                            f"{mentor} and {mentee}: worth {self.worth(score)}, more than their prices, {prices}"
                        )
        self.compare("pairs_checked", looked_at)
        self.compare("violations", violations)
        self.words.append(
            f"Prices: of {looked_at:,} possible pairs with at least {self.floor:,} points none is worth more than its"
            " two prices."
        )

    def check_slackness(self) -> None:
        """Chosen pairs are worth their prices exactly, none is below the floor; who is left over costs nothing."""
        for mentee, (mentor, score) in self.chosen.items():
            if score < self.floor:
                self.refusals.append(f"{mentor} and {mentee}: the score {score} is below the floor {self.floor}")
            prices = self.mentee_price[mentee] + self.mentor_price[mentor]
            if self.worth(score) != prices:
                self.refusals.append(f"{mentor} and {mentee}: worth {self.worth(score)}, and the prices are {prices}")
        for mentee in sorted(self.possible.keys() - self.chosen.keys()):
            if self.mentee_price[mentee] != 0:
                self.refusals.append(f"{mentee}: has no pair, and a price that is not 0")
        for mentor in sorted(self.room):
            if self.empty[mentor] > 0 and self.mentor_price[mentor] != 0:
                self.refusals.append(f"{mentor}: has a place that nobody took, and a price that is not 0")

    def check_sums(self) -> None:
        """The worth of the chosen pairs is the sum of all prices: nothing can be worth more."""
        primal = sum(self.worth(score) for _, score in self.chosen.values())
        dual = sum(self.mentee_price.values())
        dual += sum(price * self.room[mentor] for mentor, price in self.mentor_price.items())
        self.compare("primal", primal)
        self.compare("dual", dual)
        if primal != dual:
            self.refusals.append(f"the chosen pairs are worth {primal}, and all prices together {dual}")
        self.words.append(f"Prices: the chosen pairs are worth {primal:,}, and so are all prices together.")

    def compare(self, name: str, counted: int) -> None:
        """Hold a number of the certificate against the one counted here."""
        if self.certificate[name] != counted:
            self.refusals.append(f"certificate: {name} is {counted}, not {self.certificate[name]}")

    def check_order(self, aims: Sequence[str]) -> None:
        """The measure of worth puts the aims in their order, and the floor is the one that the order asks for."""
        before_floor, (first, second) = order_of(aims)
        count, total = len(self.chosen), sum(score for _, score in self.chosen.values())
        # It is enough that any choice with more of the first aim would be worth more than this one, which is proven to
        # be worth the most: with one pair more, though all its scores be the lowest there are; or with one point more.
        if first == "participation":
            scores = [score for pairs in self.possible.values() for _, score in pairs if score >= self.floor]
            more = self.bonus * (count + 1) + self.factor * (count + 1) * min(scores, default=0)
            ordered = more > self.bonus * count + self.factor * total and self.factor > 0
        else:
            ordered = self.factor * (total + 1) > self.factor * total + self.bonus * count and self.bonus > 0
        if not ordered:
            measure = f"factor {self.factor} and bonus {self.bonus}"
            self.refusals.append(f"certificate: {measure} do not put {first} before {second}")
        lowest = min((score for _, score in self.chosen.values()), default=0)
        if before_floor is None:
            if self.floor != 0:
                self.refusals.append(f"certificate: the floor is {self.floor}, and the order of aims asks for none")
            self.words.append(f"Order: no choice is better by {first}, then {second}. The prices prove it.")
            return
        if self.floor != lowest:
            self.refusals.append(f"certificate: the floor is {self.floor}, and the lowest score {lowest}")
        self.check_floor(before_floor, count, total, lowest)
        self.words.append(
            f"Order: no choice is better by {', then '.join(before_floor)}; of those as good none has all scores above"
            f" {lowest:,}. This program found that by itself."
        )
        self.words.append(
            f"Order: of the choices with no score below {lowest:,} none is better by {first}, then {second}."
            " The prices prove it."
        )

    def check_floor(self, before: tuple[str, ...], count: int, total: int, lowest: int) -> None:
        """The aims before the floor lost nothing by it, and any higher floor would cost them something.

        The certificate says nothing of pairs below the floor. But where the choice is the best by the earlier aims
        over all possible pairs, prices exist that prove that; they are found here.
        """
        factor, bonus = {
            ("participation",): (0, 1),
            ("total",): (1, 0),
            ("participation", "total"): (1, total + 1),
            ("total", "participation"): (count + 1, 1),
        }[before]
        prices = lowest_prices(self.possible, self.chosen, self.room, lambda score: factor * score + bonus)
        if prices is None:
            self.refusals.append(
                f"a choice is better by {', then '.join(before)}, which counts before the worst served"
            )
            return
        if factor * total + bonus * count == 0:
            return  # nobody can be paired, or every score is zero: there is no higher floor
        # A choice is as good exactly where its pairs are worth their two prices and nobody with a price stays over.
        mentee_price, mentor_price = prices
        doors: dict[str, list[str]] = {mentee: [] for mentee in self.possible}
        back: dict[str, list[str]] = {mentor: [] for mentor in self.room}
        for mentee, pairs in self.possible.items():
            for mentor, score in pairs:
                if score > lowest and factor * score + bonus == mentee_price[mentee] + mentor_price[mentor]:
                    doors[mentee].append(mentor)
                    back[mentor].append(mentee)
        needed = [mentee for mentee, price in mentee_price.items() if price > 0]
        places = {
            (mentor, number): back[mentor]
            for mentor, price in mentor_price.items()
            if price > 0
            for number in range(self.room[mentor])
        }
        # Where one choice seats all those mentees and another fills all those places, one does both at once
        # (Mendelsohn and Dulmage, 1958).
        if can_seat(needed, doors, self.room) and can_seat([*places], places, dict.fromkeys(self.possible, 1)):
            self.refusals.append(f"a choice with all scores above {lowest} serves the aims before it just as well")


def order_of(aims: Sequence[str]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The aims that count before the worst served (None: no floor is asked for), and the order of the other two.

    Where the worst served come first, the most pairs count before them all the same: otherwise leaving people out
    would be the easiest way to serve the worst-served better. What the order leaves open, the total settles.
    """
    before: tuple[str, ...] | None = None
    order: list[str] = []
    for aim in aims:
        if aim == "worst_served":
            order = order or ["participation"]
            before = tuple(order)
        elif aim not in order:
            order.append(aim)
    return before, (*order, *(aim for aim in ("total", "participation") if aim not in order))


def lowest_prices(
    possible: dict[str, list[tuple[str, int]]],
    chosen: dict[str, tuple[str, int]],
    room: dict[str, int],
    worth: Callable[[int], int],
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Prices of mentees and of places that prove the chosen pairs to be worth the most; None where they are not.

    A mentee gains a pair's worth less the price of the place. Prices of places rise until nobody would gain more
    elsewhere. For the best choice that ends within as many rounds as there are mentors; for another it never does.
    """
    place = dict.fromkeys(room, 0)
    gain = {}
    looking = list(possible)
    for _ in range(len(room) + 2):
        dearer = set()
        for mentee in looking:
            gain[mentee] = worth(chosen[mentee][1]) - place[chosen[mentee][0]] if mentee in chosen else 0
            for mentor, score in possible[mentee]:
                asked = worth(score) - gain[mentee]
                if asked > place[mentor]:
                    place[mentor] = asked
                    dearer.add(mentor)
        looking = [mentee for mentee, (mentor, _) in chosen.items() if mentor in dearer]
        if not looking:
            break
    seats = dict(room)
    for mentor, _ in chosen.values():
        seats[mentor] -= 1
    if looking or min(gain.values(), default=0) < 0 or any(seats[mentor] > 0 and place[mentor] > 0 for mentor in room):
        return None
    return gain, place


def can_seat(people: Sequence[Any], doors: dict[Any, list[Any]], room: dict[Any, int]) -> bool:
    """Whether all these people find a seat behind one of their doors, each with so much room: by augmenting paths."""
    seat: dict[Any, Any] = {}
    seated: dict[Any, list[Any]] = {door: [] for door in room}
    for person in people:
        asked_by: dict[Any, Any] = {}
        queue, free = [person], None
        for asker in queue:  # grows while it is read
            for door in doors[asker]:
                if door not in asked_by:
                    asked_by[door] = asker
                    queue.extend(seated[door])
                    if len(seated[door]) < room[door]:
                        free = door
                        break
            if free is not None:
                break
        if free is None:
            return False
        while free is not None:  # everybody on the way moves up by one door
            asker = asked_by[free]
            left = seat.get(asker)
            if left is not None:
                seated[left].remove(asker)
            seat[asker] = free
            seated[free].append(asker)
            free = left
    return True
