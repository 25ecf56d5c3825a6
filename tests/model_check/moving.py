"""A holder that moves: a session that has a time, proposes another one, and gives the first back.

The session is never without its confirmed time while it moves. Each proposal claims under a name of its own, the
session's id with its version; a name that is neither proposed nor booked any more never becomes valid again, so
whoever meets a claim under such a name may drop it.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .reservation import Claim, Participant, no_overlap
from .schedule import Actor, Steps, World, play

DOUBLE_BOOKED = "a person is in two sessions at once"
UNBACKED = "a booked session lost its claim"
STUCK = "a proposal, or a claim to be released, was left for ever"

PARTICIPANTS = ("a", "b")
HOURS = 4


@dataclass(frozen=True)
class Design:
    """The rules of the protocol. Every mutant drops exactly one."""

    names_each_proposal: bool = True
    confirms_its_own_proposal: bool = True
    """Whoever confirms says under which name it has claimed."""
    keeps_the_old_time_until_confirmed: bool = True
    decides_before_releasing: bool = True
    reads_the_session_after_the_claim: bool = True
    """A claim is a stray only if the session, read after it, does not stand behind it."""
    keeps_only_the_claimed_time: bool = True
    """A plan may renew a session in its place only if the place is still the one that is claimed."""
    sweeps: bool = True


MUTANTS: dict[str, tuple[Design, str]] = {
    "one_name_for_every_proposal": (Design(names_each_proposal=False), UNBACKED),
    "confirms_any_proposal": (Design(confirms_its_own_proposal=False), UNBACKED),
    "gives_the_old_time_back_first": (Design(keeps_the_old_time_until_confirmed=False), UNBACKED),
    "releases_before_giving_up": (Design(decides_before_releasing=False), UNBACKED),
    "reads_the_session_before_the_claim": (Design(reads_the_session_after_the_claim=False), UNBACKED),
    "renews_a_session_that_has_moved": (Design(keeps_only_the_claimed_time=False), UNBACKED),
    "nothing_is_swept": (Design(sweeps=False), STUCK),
}
"""What to leave out, and what breaks."""

DESIGNS: dict[str, Design] = {
    "as_designed": Design(),
    **{name: design for name, (design, _) in MUTANTS.items()},
}


class Taken(NamedTuple):
    """A time under a holder name; ``until`` is when somebody else may finish a proposal."""

    holder: str
    start: int
    until: int = 0


class Session(NamedTuple):
    """Version 0 stands for a session that does not exist yet."""

    v: int = 0
    booking: Taken | None = None
    proposal: Taken | None = None
    stale: tuple[str, ...] = ()

    def stands_behind(self, holder: str) -> bool:
        """Whether a claim under this name is good."""
        return any(taken is not None and taken.holder == holder for taken in (self.booking, self.proposal))


def session_of(holder: str) -> str:
    """The session to which a holder name belongs."""
    return holder.partition(".")[0]


class Moving:
    """Three sessions of two people, placed, moved and renewed at once, with two sweepers."""

    __slots__ = ("actors", "broken", "design", "patience", "sessions", "world")

    def __init__(self, seed: int, design: Design, *, trace: Callable[[str], None] | None = None) -> None:
        self.world = world = World(seed, trace=trace)
        self.design = design
        self.patience = 10 + int(world.random() * 80)
        self.broken: set[str] = set()
        self.sessions = ("s0", "s1", "s2")
        for key, doc in [(on, Participant()) for on in PARTICIPANTS] + [(key, Session()) for key in self.sessions]:
            world.store.write(key, doc)
        world.store.replicate()
        self.actors = [
            Actor(f"{work.__name__}/{session}", partial(work, session))
            for session in self.sessions
            for work in (self.mover, self.mover, self.mover, self.renewer)
        ]
        for actor in self.actors:
            actor.awake_at = int(world.random() * 150)
        self.actors += [Actor(f"sweeper/{n}", self.sweeper) for n in (1, 2)]

    def _session(self, key: str) -> Session:
        found: Session = self.world.store.durable[key]
        return found

    def _participant(self, key: str) -> Participant:
        found: Participant = self.world.store.durable[key]
        return found

    # -- processes ----------------------------------------------------------------------------------------

    def mover(self, key: str) -> Steps:
        """Propose a time, for the first time or instead of the present one, unless somebody is at it."""
        skew = self.world.clock()
        if self._session(key).proposal is not None and self.world.random() < 0.5:
            return  # perhaps its own, from before it was killed; whoever asked has given up
        start = int(self.world.random() * HOURS)
        now = self.world.now + skew

        def propose(session: Session) -> Session:
            if session.proposal is not None and session.proposal.until > now:
                return session
            dropped = session.stale if session.proposal is None else (*session.stale, session.proposal.holder)
            holder = f"{key}.{session.v + 1}" if self.design.names_each_proposal else key
            return Session(session.v + 1, session.booking, Taken(holder, start, now + self.patience), dropped)

        proposed = yield from self._change(key, propose)
        if not self.design.keeps_the_old_time_until_confirmed and proposed.booking is not None:
            yield from self._release(proposed.booking.holder)
        yield from self._finish(key)

    def renewer(self, key: str) -> Steps:
        """A plan was changed, and the session shall stay where it is: its entry is written again."""
        seen = self._session(key)
        yield "chose to keep the time"
        if seen.booking is None:
            return
        kept = seen.booking.start

        def renew(session: Session) -> Session:
            if session.booking is None:
                return session
            if self.design.keeps_only_the_claimed_time and session.booking.start != kept:
                return session
            return session._replace(v=session.v + 1, booking=session.booking._replace(start=kept))

        yield from self._change(key, renew)

    def sweeper(self) -> Steps:
        """Finish proposals past their time, and release what sessions need no more."""
        skew = self.world.clock()
        while True:
            yield "idle"
            for key in self.sessions if self.design.sweeps else ():
                session = self._session(key)
                late = session.proposal is not None and session.proposal.until <= self.world.now + skew
                if late:
                    yield f"found a proposal of {key} lying"
                    yield from self._finish(key)
                elif session.stale:
                    yield from self._tidy(key, session)

    # -- steps of the protocol ----------------------------------------------------------------------------

    def _finish(self, key: str) -> Steps:
        session = self._session(key)
        proposal = session.proposal
        if proposal is None:
            yield from self._tidy(key, session)
            return
        claim = Claim(proposal.holder, proposal.start, proposal.start + 1)
        for participant in PARTICIPANTS:
            acquired = yield from self._acquire(participant, claim)
            if not acquired:
                yield from self._drop_strays(participant, claim)
                acquired = yield from self._acquire(participant, claim)
            if not acquired:
                yield from self._give_up(key, proposal)
                return
        yield from self._confirm(key, proposal)

    def _confirm(self, key: str, claimed: Taken) -> Steps:
        own = self.design.confirms_its_own_proposal

        def confirm(session: Session) -> Session:
            proposal = session.proposal
            if proposal is None or (own and proposal.holder != claimed.holder):
                return session
            stale = session.stale
            if session.booking is not None:
                stale = (*stale, session.booking.holder)
            return Session(session.v + 1, proposal, None, stale)

        session = yield from self._change(key, confirm)
        if not session.stands_behind(claimed.holder):  # given up or replaced meanwhile
            yield from self._release(claimed.holder)
        yield from self._tidy(key, session)

    def _give_up(self, key: str, proposal: Taken) -> Steps:
        if not self.design.decides_before_releasing:
            yield from self._release(proposal.holder)

        def give_up(session: Session) -> Session:
            if session.proposal is None or session.proposal.holder != proposal.holder:
                return session
            return Session(session.v + 1, session.booking, None, (*session.stale, proposal.holder))

        session = yield from self._change(key, give_up)
        yield from self._tidy(key, session)

    def _tidy(self, key: str, session: Session) -> Steps:
        if not session.stale:
            return
        for holder in session.stale:
            yield from self._release(holder)

        def released(present: Session) -> Session:
            left = tuple(holder for holder in present.stale if holder not in session.stale)
            return present if left == present.stale else present._replace(v=present.v + 1, stale=left)

        yield from self._change(key, released)

    def _acquire(self, participant: str, claim: Claim) -> Generator[str, None, bool]:
        store = self.world.store
        while True:
            read = self._participant(participant)
            yield f"read {participant}"
            if claim in read.claims:
                return True
            others = [other for other in read.claims if session_of(other.holder) != session_of(claim.holder)]
            if not no_overlap(others, claim):
                return False
            if store.docs[participant].v != read.v:
                yield "lost the race"
                continue
            ticket = store.write(participant, Participant(read.v + 1, (*read.claims, claim)))
            yield f"claimed {participant} as {claim.holder}"
            if self.world.acknowledged(ticket):
                return True

    def _drop_strays(self, participant: str, wanted: Claim) -> Steps:
        early = {key: self._session(key) for key in self.sessions}
        if not self.design.reads_the_session_after_the_claim:
            yield "read the sessions"
        for claim in self._participant(participant).claims:
            if not no_overlap([claim], wanted):
                yield f"met the claim of {claim.holder}"
                key = session_of(claim.holder)
                late = self._session(key) if self.design.reads_the_session_after_the_claim else early[key]
                if not late.stands_behind(claim.holder):
                    yield from self._release_on(participant, claim.holder)

    def _release(self, holder: str) -> Steps:
        for participant in PARTICIPANTS:
            yield from self._release_on(participant, holder)

    def _release_on(self, participant: str, holder: str) -> Steps:
        store = self.world.store
        while True:
            current: Participant = store.docs[participant]
            left = tuple(claim for claim in current.claims if claim.holder != holder)
            if len(left) == len(current.claims):
                return
            ticket = store.write(participant, Participant(current.v + 1, left))
            yield f"released {participant} from {holder}"
            if self.world.acknowledged(ticket):
                return

    def _change(self, key: str, decide: Callable[[Session], Session]) -> Generator[str, None, Session]:
        """Load, decide, one compare-and-set. Every decision here may be made twice."""
        store = self.world.store
        while True:
            read = self._session(key)
            yield f"read {key}"
            changed = decide(read)
            if changed is read:
                return read
            if store.docs[key] != read:
                yield "lost the race"
                continue
            ticket = store.write(key, changed)
            self._judge()
            yield f"wrote {key}"
            if self.world.acknowledged(ticket):
                return changed

    # -- judgement ----------------------------------------------------------------------------------------

    def quiet(self) -> bool:
        """Nothing proposed, nothing to release."""
        return all(
            session.proposal is None and not session.stale
            for session in (self.world.store.docs[key] for key in self.sessions)
        )

    def violations(self) -> set[str]:
        """What was seen after each write, and what is left at the end."""
        broken = set(self.broken)
        if not self.quiet():
            broken.add(STUCK)
        return broken

    def _judge(self) -> None:
        """Booked sessions never meet, and each has its claim with both people."""
        docs = self.world.store.docs
        booked = [session.booking for session in (docs[key] for key in self.sessions) if session.booking is not None]
        if len({taken.start for taken in booked}) < len(booked):
            self.broken.add(DOUBLE_BOOKED)
        for taken in booked:
            claim = Claim(taken.holder, taken.start, taken.start + 1)
            if any(claim not in docs[on].claims for on in PARTICIPANTS):
                self.broken.add(UNBACKED)

    @property
    def booked(self) -> int:
        """How many sessions have a time at the end."""
        return sum(self._session(key).booking is not None for key in self.sessions)


def check(seed: int, design: Design, *, trace: Callable[[str], None] | None = None) -> tuple[set[str], Moving]:
    """Play one seed against one design."""
    model = Moving(seed, design, trace=trace)
    return play(model, 300, longest_sleep=200), model
