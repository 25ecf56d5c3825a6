"""State, inbox and outbox in one document: writer W, consumer C and relay R.

The processes follow docs/decisions/0010 step by step; :class:`Design` names each rule that can be left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from .schedule import Actor, Steps, World, play

DOC = "aggregate"
BATCH = 3
BACKOFF = 4
NEVER = 10**9

LOST = "I1 an event was lost or stranded"
DISORDER = "I2 first occurrences are out of order"
GHOST = "I3 an event was published that the state does not hold"
NOT_ONCE = "I4 an effect was applied twice or never"
RESTLESS = "the outbox never comes to rest"


@dataclass(frozen=True)
class Design:
    """The rules of the protocol. Every mutant drops exactly one."""

    lease_apart_from_due: bool = True
    """Due time and lease are two fields, so a writer may set the one without knowing the other."""
    lease_checked: bool = True
    """The relay's last update is refused once another relay holds the lease."""
    clears_only_what_it_knows: bool = True
    """The array is emptied only when nothing was added since it was read; else by the numbers sent."""
    writer_spares_lease: bool = True
    stops_at_failed_send: bool = True
    claims_with_majority: bool = True
    """The relay sends only after its claim, and so everything before it, is on a majority."""
    reads_majority: bool = True
    """"Already done" is answered only from what no failover can take back."""
    compares_version: bool = True
    one_write: bool = True
    """The effect and the id of its cause are one atomic write."""
    remembers_ids: bool = True
    """The inbox holds ids, not the highest number seen."""
    commits_after_effect: bool = True
    remembers_commands: bool = True
    sends_from_outbox: bool = True
    """Events leave through the outbox and never straight from the writer."""
    leases_only_what_is_free: bool = True
    """A writer takes the lease with its write, for the relay beside it, only where nothing was pending."""


MUTANTS: dict[str, tuple[Design, str]] = {
    "one_field_as_due_time_and_lease": (Design(lease_apart_from_due=False), LOST),
    "outbox_update_without_the_token": (Design(lease_checked=False), RESTLESS),
    "whole_array_cleared_without_the_seq_test": (Design(clears_only_what_it_knows=False), LOST),
    "goes_on_after_a_failed_send": (Design(stops_at_failed_send=False), LOST),
    "claim_not_acknowledged_by_a_majority": (Design(claims_with_majority=False), GHOST),
    "duplicate_answered_from_a_local_read": (Design(reads_majority=False), NOT_ONCE),
    "write_without_comparing_the_version": (Design(compares_version=False), NOT_ONCE),
    "effect_and_inbox_in_two_writes": (Design(one_write=False), NOT_ONCE),
    "high_water_mark_for_an_inbox": (Design(remembers_ids=False), NOT_ONCE),
    "offset_committed_before_the_effect": (Design(commits_after_effect=False), NOT_ONCE),
    "command_key_not_stored": (Design(remembers_commands=False), NOT_ONCE),
    "writer_takes_a_lease_that_is_held": (Design(leases_only_what_is_free=False), LOST),
    "published_by_the_writer_after_its_write": (Design(sends_from_outbox=False), LOST),
}
"""What to leave out, and the invariant that breaks."""

RESETS_LEASE = Design(writer_spares_lease=False)
"""Safe, but sends more duplicates."""

DESIGNS: dict[str, Design] = {
    "as_designed": Design(),
    "writer_resets_the_lease": RESETS_LEASE,
    **{name: design for name, (design, _) in MUTANTS.items()},
}


class Doc(NamedTuple):
    """The aggregate. Version 0 stands for one that does not exist yet, and a write to it for an insert."""

    v: int = 0
    seq: int = 0
    outbox: tuple[tuple[int, int], ...] = ()
    emitted: tuple[int, ...] = ()
    """The cause of every event ever produced, in order: what the log is judged by. No process reads it."""
    effects: tuple[int, ...] = ()
    """Every cause that was applied, in order: the state."""
    seen: frozenset[int] = frozenset()
    """Inbox and command keys."""
    due: int | None = None
    tok: int | None = None
    until: int | None = None
    tries: int = 0


class Outbox:
    """One document, three commands, a topic of events coming in, two relays, and the topic that goes out."""

    __slots__ = (
        "actors",
        "causes",
        "commands",
        "committed",
        "consumers_done",
        "design",
        "events_of",
        "handed",
        "inbound",
        "late",
        "lease",
        "log",
        "remembered",
        "tokens",
        "unanswered",
        "world",
    )

    def __init__(
        self, seed: int, design: Design, *, calm: bool = False, trace: Callable[[str], None] | None = None
    ) -> None:
        self.world = world = World(seed, calm=calm, trace=trace)
        self.design = design
        self.lease = NEVER if calm else 8 + int(world.random() * 50)
        world.store.write(DOC, Doc())
        world.store.replicate()
        self.log: list[tuple[int, int]] = []
        self.late: list[tuple[int, int]] = []
        self.tokens = 0
        self.handed: list[tuple[Doc, int, int]] = []
        self.remembered = Doc()
        self.committed = 0
        self.commands = [1, 2, 3, 4]
        fresh = [11, 12, 13]
        world.rng.shuffle(fresh)  # a re-driven dead letter comes late
        self.inbound = [*fresh, fresh[int(world.random() * 3)]]  # and a resent event twice
        self.causes = self.commands + fresh
        self.events_of = {cause: 1 + int(world.random() * 2) for cause in self.causes}
        self.unanswered = set(self.commands)
        self.consumers_done = 0
        # The first command is sent twice at once: its client gave up waiting and tried again.
        self.actors = [Actor(f"W{cause}", partial(self.writer, cause)) for cause in (1, 1, 2, 3, 4)]
        # Two consumers: one of them lost the partition and does not know it yet.
        self.actors += [Actor(f"C{n}", self.consumer) for n in (1, 2)]
        for actor in self.actors:
            actor.awake_at = 0 if calm else int(world.random() * 150)
        self.actors += [Actor(f"R{n}", self.relay) for n in (1, 2)]

    # -- W and C ---------------------------------------------------------------------------------------------

    def writer(self, key: int) -> Steps:
        """A command, repeated with the same key until it is answered."""
        yield from self._change(key, remember=self.design.remembers_commands)
        self.unanswered.discard(key)

    def consumer(self) -> Steps:
        """A member of the group: handles from the committed offset on, and commits after each."""
        position = self.committed
        while position < len(self.inbound):
            cause = self.inbound[position]
            position += 1
            if not self.design.commits_after_effect:
                self.committed = position
                yield "committed"
            yield from self._change(cause, remember=True)
            self.committed = position
            yield "committed"

    def _change(self, cause: int, *, remember: bool) -> Steps:
        """Load, decide, one compare-and-set; on an unknown outcome read again and look for the cause."""
        world, store, design = self.world, self.world.store, self.design
        skew = world.clock()
        guess = self._guess(cause)
        while True:
            read, guess = guess or self._read(), None
            yield "read"
            if self._already(read, cause):
                return
            current: Doc = store.docs[DOC]
            if current.v != read.v and design.compares_version:
                yield "lost the race"
                continue
            written = self._changed(read, current, cause, world.now + skew, remember=remember)
            ticket = store.write(DOC, written)
            yield "wrote"
            if not world.acknowledged(ticket):
                continue
            self._hand_over(current, written)
            if remember and not design.one_write:
                current = store.docs[DOC]
                ticket = store.write(DOC, current._replace(v=current.v + 1, seen=current.seen | {cause}))
                yield "remembered"
                if not world.acknowledged(ticket):
                    continue
            if not design.sends_from_outbox:
                events = store.docs[DOC].emitted[read.seq : read.seq + self.events_of[cause]]
                for n, event in enumerate(events, read.seq + 1):
                    self._send(n, event)
                    yield "sent"
            return

    def _read(self) -> Doc:
        store = self.world.store
        self.remembered = (store.durable if self.design.reads_majority else store.docs)[DOC]
        return self.remembered

    def _guess(self, cause: int) -> Doc | None:
        """What was last seen here may carry a write. "Already done" is never answered from it."""
        usable = self.world.random() < 0.5 and not self._already(self.remembered, cause)
        return self.remembered if usable else None

    def _hand_over(self, before: Doc, written: Doc) -> None:
        """Leave what was written under a lease to the relay of the same process."""
        self.remembered = written
        if written.tok is not None and written.tok != before.tok and written.until is not None:
            added = written._replace(outbox=written.outbox[len(before.outbox) :])
            self.handed.append((added, written.tok, written.until))

    def _already(self, read: Doc, cause: int) -> bool:
        if self.design.remembers_ids or cause < 10:
            return cause in read.seen
        return any(cause <= seen for seen in read.seen if seen > 10)

    def _changed(self, read: Doc, current: Doc, cause: int, now: int, *, remember: bool) -> Doc:
        design = self.design
        count = self.events_of[cause]
        numbered = tuple((read.seq + 1 + n, cause) for n in range(count))
        due, tok, until = current.due, current.tok, current.until
        if not design.lease_apart_from_due:
            due = now if read.due is None else due  # what it read may be stale by now: the relay leaves v alone
        else:
            due = now if due is None or now < due else due  # $min
        if not design.writer_spares_lease:
            tok = until = None
        if design.lease_apart_from_due and (read.due is None or not design.leases_only_what_is_free):
            self.tokens += 1
            tok, until = self.tokens, now + self.lease
        return Doc(
            current.v + 1,
            current.seq + count,
            current.outbox + numbered if design.sends_from_outbox else (),
            current.emitted + (cause,) * count,
            (*read.effects, cause),
            current.seen | {cause} if remember and design.one_write else current.seen,
            due if design.sends_from_outbox else None,
            tok,
            until,
            current.tries,
        )

    # -- R ---------------------------------------------------------------------------------------------------

    def relay(self) -> Steps:
        """Claim by lease, send one at a time, then forget what was sent."""
        world, store, design = self.world, self.world.store, self.design
        skew = world.clock()
        while True:
            yield "idle"
            if self.handed:
                yield from self._drain(*self.handed.pop(0), skew)
                continue
            now = world.now + skew
            doc: Doc = store.docs[DOC]
            if doc.due is None or doc.due > now or (doc.until is not None and doc.until > now):
                continue
            self.tokens += 1
            token, until = self.tokens, now + self.lease
            if design.lease_apart_from_due:
                doc = doc._replace(tok=token, until=until)
            else:
                doc = doc._replace(tok=token, due=until)
            ticket = store.write(DOC, doc)
            yield "claimed"
            if design.claims_with_majority and not world.acknowledged(ticket):
                continue
            yield from self._drain(doc, token, until, skew)

    def _drain(self, doc: Doc, token: int, until: int, skew: int) -> Steps:
        world, store, design = self.world, self.world.store, self.design
        last, failed = 0, False
        for n, cause in doc.outbox[:BATCH]:
            now = world.now + skew
            if now > until - self.lease // 2 and design.lease_apart_from_due:
                current: Doc = store.docs[DOC]
                if current.tok != token:
                    return
                until = now + self.lease
                ticket = store.write(DOC, current._replace(until=until))
                yield "renewed"
                if not world.acknowledged(ticket):
                    return
            sent = self._send(n, cause)
            yield f"sent {n}" if sent else f"failed to send {n}"
            if sent or not design.stops_at_failed_send:
                last = n
            else:
                failed = True
                break
        current = store.docs[DOC]
        if design.lease_checked and current.tok != token:
            return
        if not failed and (current.seq == last or not design.clears_only_what_it_knows):
            cleared = current._replace(outbox=(), due=None, tok=None, until=None, tries=0)
            world.acknowledged(store.write(DOC, cleared))
            yield "emptied the outbox"
            return
        world.acknowledged(
            store.write(
                DOC,
                current._replace(
                    outbox=tuple(entry for entry in current.outbox if entry[0] > last),
                    tok=None,
                    until=None,
                    due=world.now + skew + (BACKOFF if failed else 0),
                    tries=current.tries + failed,
                ),
            )
        )
        yield "gave the lease back"

    def _send(self, n: int, cause: int) -> bool:
        """Hand an event to the broker. Of the sends that fail, half are stored anyway, some of them later."""
        random = self.world.random
        if self.late and random() < 0.2:
            self.log.append(self.late.pop())
        dice = random()
        failing = self.world.failing_sends
        if dice >= failing:
            self.log.append((n, cause))
            return True
        if dice < failing / 4:
            self.late.append((n, cause))
        elif dice < failing / 2:
            self.log.append((n, cause))
        return False

    # -- judgement -------------------------------------------------------------------------------------------

    def quiet(self) -> bool:
        """Every command answered, every event of the topic handled, nothing pending."""
        doc: Doc = self.world.store.docs[DOC]
        return not self.unanswered and self.committed == len(self.inbound) and not doc.outbox and doc.due is None

    def violations(self) -> set[str]:
        """Judge the topic by the state, after a late arrival of what the network still held."""
        doc: Doc = self.world.store.durable[DOC]
        broken: set[str] = set() if self.quiet() else {RESTLESS}
        firsts: list[int] = []
        known: set[int] = set()
        for n, cause in self.log + self.late:
            if n > doc.seq or doc.emitted[n - 1] != cause:
                broken.add(GHOST)
            if n not in known:
                known.add(n)
                firsts.append(n)
        if doc.outbox or any(n not in known for n in range(1, doc.seq + 1)):
            broken.add(LOST)
        if any(later < earlier for earlier, later in pairwise(firsts)):
            broken.add(DISORDER)
        if sorted(doc.effects) != sorted(self.causes):
            broken.add(NOT_ONCE)
        return broken

    @property
    def duplicates(self) -> int:
        """How many sends the consumers' inboxes will have to drop."""
        return len(self.log) - len({n for n, _ in self.log})


def check(seed: int, design: Design, *, trace: Callable[[str], None] | None = None) -> tuple[set[str], Outbox]:
    """Play one seed against one design."""
    model = Outbox(seed, design, trace=trace)
    return play(model, 250, longest_sleep=150), model


def check_calm(seed: int) -> tuple[set[str], Outbox]:
    """Play one seed with every process well and every lease long."""
    model = Outbox(seed, Design(), calm=True)
    return play(model, 250, longest_sleep=0), model
