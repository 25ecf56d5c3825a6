"""Two documents at once: holders, participants, and the sweeper that finishes or aborts what was left lying.

A holder (a pairing, a session) is written as ``proposed`` first, then claims its participants one by one, and
is then confirmed with its event. An abort is decided on the holder first, and only then are its claims let
go. What a participant can take is a pure function of its claims, so the same protocol serves one pairing per
mentee, several per mentor, and the hours of a calendar.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .schedule import Actor, Steps, World, play

DOUBLE_BOOKED = "a participant was given more than it can take"
STUCK = "a proposal or a claim was left for ever"
UNBACKED = "a confirmed holder lost its claim"
NOT_ONCE = "a holder was announced twice"

PROPOSED, CONFIRMED, ABORTED, ENDED = "proposed", "confirmed", "aborted", "ended"
OVER = (ABORTED, ENDED)


@dataclass(frozen=True)
class Design:
    """The rules of the protocol. Every mutant drops exactly one."""

    decides_abort_before_release: bool = True
    confirms_only_proposed: bool = True
    claims_by_compare_and_set: bool = True
    finishing_claims_again: bool = True
    """A sweeper that finishes a proposal acquires every claim before it confirms."""
    frees_orphans: bool = True
    """A sweeper frees the claims of holders that are aborted or ended: a frozen proposer may add one late."""
    sweeps_proposals: bool = True
    retires_aborted_holders: bool = True
    """An aborted holder is never proposed again under its id: a late release would hit its new claims."""
    reads_majority: bool = True
    """A release follows an abort that no failover can take back."""
    checks_fit: bool = True


MUTANTS: dict[str, tuple[Design, str]] = {
    "releases_before_deciding_the_abort": (Design(decides_abort_before_release=False), DOUBLE_BOOKED),
    "confirms_without_testing_proposed": (Design(confirms_only_proposed=False), DOUBLE_BOOKED),
    "claims_without_comparing_the_version": (Design(claims_by_compare_and_set=False), DOUBLE_BOOKED),
    "sweeper_finishes_without_claiming": (Design(finishing_claims_again=False), DOUBLE_BOOKED),
    "aborted_holder_proposed_again": (Design(retires_aborted_holders=False), DOUBLE_BOOKED),
    "acts_on_a_local_read": (Design(reads_majority=False), UNBACKED),
    "claims_without_asking_whether_it_fits": (Design(checks_fit=False), DOUBLE_BOOKED),
    "orphaned_claims_left": (Design(frees_orphans=False), STUCK),
    "proposals_not_swept": (Design(sweeps_proposals=False), STUCK),
}
"""What to leave out, and what breaks."""

DESIGNS: dict[str, Design] = {
    "as_designed": Design(),
    **{name: design for name, (design, _) in MUTANTS.items()},
}


class Claim(NamedTuple):
    """A holder's place on one participant; hours count for calendars only."""

    holder: str
    start: int = 0
    end: int = 0


class Participant(NamedTuple):
    """The document that is fought over."""

    v: int = 0
    claims: tuple[Claim, ...] = ()


class Holder(NamedTuple):
    """A pairing or session; ``until`` is when a sweeper may take a proposal over."""

    state: str
    until: int
    announced: int = 0


ABSENT = Holder("absent", 0)

Fits = Callable[[Sequence[Claim], Claim], bool]


def one_each(claims: Sequence[Claim], claim: Claim) -> bool:
    """One pairing per person."""
    return not claims


def two_each(claims: Sequence[Claim], claim: Claim) -> bool:
    """Two pairings per person."""
    return len(claims) < 2


def no_overlap(claims: Sequence[Claim], claim: Claim) -> bool:
    """No two sessions of a person at one time."""
    return all(claim.end <= other.start or other.end <= claim.start for other in claims)


FITS: dict[str, Fits] = {"pairing": one_each, "capacity": two_each, "calendar": no_overlap}


class Reservation:
    """Proposals over few participants, so that they meet; each has two workers, and two sweepers go round."""

    __slots__ = ("actors", "broken", "claims", "design", "fits", "participants", "patience", "world")

    def __init__(self, seed: int, kind: str, design: Design, *, trace: Callable[[str], None] | None = None) -> None:
        self.world = world = World(seed, trace=trace)
        self.design = design
        self.fits = FITS[kind]
        self.patience = 10 + int(world.random() * 80)
        self.broken: set[str] = set()
        self.participants = participants = "abcd" if kind == "pairing" else "ab"
        for participant in participants:
            world.store.write(participant, Participant())
        world.store.replicate()
        self.claims = {
            holder: self._claims(holder, participants, calendar=kind == "calendar")
            for holder in ("h0", "h1", "h2", "h3")
        }
        self.actors = []
        for holder in self.claims:
            # Two workers on one proposal: an approval that timed out and was repeated.
            self.actors += [Actor(f"{holder}/{worker}", partial(self.proposer, holder)) for worker in (1, 2)]
        self.actors.append(Actor("ender", partial(self.ender, "h0")))
        for actor in self.actors:
            actor.awake_at = int(world.random() * 120)
        self.actors += [Actor(f"sweeper/{n}", self.sweeper) for n in (1, 2)]

    def _claims(self, holder: str, participants: str, *, calendar: bool) -> tuple[tuple[str, Claim], ...]:
        random = self.world.random
        start = end = 0
        if calendar:
            start = int(random() * 4)
            end = start + 1 + int(random() * 2)
        first = int(random() * len(participants))
        second = (first + 1 + int(random() * (len(participants) - 1))) % len(participants)
        claim = Claim(holder, start, end)
        return ((participants[first], claim), (participants[second], claim))

    def _holder(self, holder: str) -> Holder:
        store = self.world.store
        found: Holder = (store.durable if self.design.reads_majority else store.docs).get(holder, ABSENT)
        return found

    def _participant(self, participant: str) -> Participant:
        store = self.world.store
        found: Participant = (store.durable if self.design.reads_majority else store.docs)[participant]
        return found

    # -- processes -------------------------------------------------------------------------------------------

    def proposer(self, holder: str) -> Steps:
        """Propose, acquire, confirm; or abort. Whoever repeats it may also have given up."""
        world, store = self.world, self.world.store
        skew = world.clock()
        if holder in store.docs and world.random() < 0.3:
            return
        while True:
            read = self._holder(holder)
            yield "read the holder"
            if read != ABSENT and (read.state != ABORTED or self.design.retires_aborted_holders):
                break
            if store.docs.get(holder, ABSENT) != read:
                yield "lost the race"
                continue
            ticket = store.write(holder, Holder(PROPOSED, world.now + skew + self.patience))
            yield "proposed"
            if world.acknowledged(ticket):
                read = Holder(PROPOSED, 0)
                break
        if read.state == PROPOSED:
            yield from self._finish(holder)

    def sweeper(self) -> Steps:
        """Finish or abort proposals past their time, and free what aborted and ended holders still claim."""
        world, design = self.world, self.design
        skew = world.clock()
        while True:
            yield "idle"
            for holder in self.claims if design.sweeps_proposals else ():
                read = self._holder(holder)
                if read.state != PROPOSED or read.until > world.now + skew:
                    continue
                yield f"found {holder} lying"
                if world.random() < 0.5:
                    yield from self._abort(holder)
                elif design.finishing_claims_again:
                    yield from self._finish(holder)
                else:
                    yield from self._confirm(holder)
            for participant in self.participants if design.frees_orphans else ():
                for claim in self._participant(participant).claims:
                    if self._holder(claim.holder).state in OVER:
                        yield f"found an orphan of {claim.holder} on {participant}"
                        yield from self._release_on(participant, claim.holder)

    def ender(self, holder: str) -> Steps:
        """End a confirmed holder: decided on the holder first, like an abort."""
        store = self.world.store
        while True:
            read = self._holder(holder)
            yield "idle"
            if read.state in (ABSENT.state, PROPOSED):
                continue
            if read.state != CONFIRMED:
                return
            if store.docs.get(holder, ABSENT) != read:
                continue
            ticket = store.write(holder, read._replace(state=ENDED))
            yield "ended"
            if self.world.acknowledged(ticket):
                break
        yield from self._release(holder)

    # -- steps of the protocol -------------------------------------------------------------------------------

    def _finish(self, holder: str) -> Steps:
        for participant, claim in self.claims[holder]:
            acquired = yield from self._acquire(participant, claim)
            if not acquired:
                yield from self._abort(holder)
                return
        yield from self._confirm(holder)

    def _acquire(self, participant: str, claim: Claim) -> Generator[str, None, bool]:
        store, design = self.world.store, self.design
        while True:
            read = self._participant(participant)
            yield f"read {participant}"
            if claim in read.claims:
                return True
            if design.checks_fit and not self.fits(read.claims, claim):
                return False
            current: Participant = store.docs[participant]
            if current.v != read.v and design.claims_by_compare_and_set:
                yield "lost the race"
                continue
            ticket = store.write(participant, Participant(current.v + 1, (*current.claims, claim)))
            yield f"claimed {participant}"
            if self.world.acknowledged(ticket):
                return True

    def _confirm(self, holder: str) -> Steps:
        store, design = self.world.store, self.design
        while True:
            read = self._holder(holder)
            yield "read the holder"
            if read.state == CONFIRMED:
                return
            if design.confirms_only_proposed and read.state != PROPOSED:
                yield from self._release(holder)
                return
            current: Holder = store.docs.get(holder, ABSENT)
            if design.confirms_only_proposed and current != read:
                yield "lost the race"
                continue
            ticket = store.write(holder, Holder(CONFIRMED, read.until, current.announced + 1))
            self._judge_booking(holder)
            yield "confirmed"
            if self.world.acknowledged(ticket):
                return

    def _abort(self, holder: str) -> Steps:
        store, design = self.world.store, self.design
        if not design.decides_abort_before_release:
            yield from self._release(holder)
        while True:
            read = self._holder(holder)
            yield "read the holder"
            if read.state != PROPOSED:
                break
            if store.docs.get(holder, ABSENT) != read:
                yield "lost the race"
                continue
            ticket = store.write(holder, read._replace(state=ABORTED))
            yield "aborted"
            if self.world.acknowledged(ticket):
                read = read._replace(state=ABORTED)
                break
        if read.state in OVER:
            yield from self._release(holder)

    def _release(self, holder: str) -> Steps:
        for participant, _ in self.claims[holder]:
            yield from self._release_on(participant, holder)

    def _release_on(self, participant: str, holder: str) -> Steps:
        store = self.world.store
        while True:
            current: Participant = store.docs[participant]
            left = tuple(claim for claim in current.claims if claim.holder != holder)
            if len(left) == len(current.claims):
                return
            ticket = store.write(participant, Participant(current.v + 1, left))
            yield f"released {participant}"
            if self.world.acknowledged(ticket):
                return

    # -- judgement -------------------------------------------------------------------------------------------

    def quiet(self) -> bool:
        """Every holder decided, and only confirmed ones hold anything."""
        docs = self.world.store.docs
        for holder in self.claims:
            if docs.get(holder, ABSENT).state == PROPOSED:
                return False
        for participant in self.participants:
            for claim in docs[participant].claims:
                if docs.get(claim.holder, ABSENT).state != CONFIRMED:
                    return False
        return True

    def violations(self) -> set[str]:
        """What was seen when holders were confirmed, and what is left at the end."""
        docs = self.world.store.durable
        broken = set(self.broken)
        if not self.quiet():
            broken.add(STUCK)
        for holder, claims in self.claims.items():
            end: Holder = docs.get(holder, ABSENT)
            if end.announced > 1:
                broken.add(NOT_ONCE)
            if end.state == CONFIRMED and any(claim not in docs[on].claims for on, claim in claims):
                broken.add(UNBACKED)
        return broken

    def _judge_booking(self, holder: str) -> None:
        """Each participant must be able to take its confirmed holders all at once."""
        docs = self.world.store.docs
        for participant, _ in self.claims[holder]:
            taken: list[Claim] = []
            for other, claims in self.claims.items():
                if docs.get(other, ABSENT).state != CONFIRMED:
                    continue
                for on, claim in claims:
                    if on == participant:
                        if not self.fits(taken, claim):
                            self.broken.add(DOUBLE_BOOKED)
                        taken.append(claim)

    @property
    def confirmed(self) -> int:
        """How many holders were confirmed at the end, ended ones included."""
        docs = self.world.store.durable
        return sum(docs.get(holder, ABSENT).state in (CONFIRMED, ENDED) for holder in self.claims)


def check(
    seed: int, kind: str, design: Design, *, trace: Callable[[str], None] | None = None
) -> tuple[set[str], Reservation]:
    """Play one seed against one design."""
    model = Reservation(seed, kind, design, trace=trace)
    return play(model, 300, longest_sleep=200), model
