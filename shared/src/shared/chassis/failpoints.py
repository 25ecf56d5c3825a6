"""Places to die: named points in the delivery protocols at which a process can be told to kill or freeze itself.

They are compiled in and off: a point that is not armed costs one call and one comparison. ``TELEMACHUS_FAILPOINTS``
arms them, in the local profile only::

    relay.after_send=kill:0.05            die with a probability of 5 % at each pass
    consumer.after_effect=kill@3          die at the third pass
    relay.claimed=freeze@1,write.after=kill   several; without a number, at the first pass

``kill`` is SIGKILL to the own process: no handler, no ``finally``, nothing flushed. ``freeze`` is SIGSTOP; whoever
watches wakes it with SIGCONT. :class:`Failpoint` is the whole list; tests/failpoints dies at every one of them.
"""

import os
import random
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Failpoint(StrEnum):
    """Every place to die, in the order in which a command passes them."""

    REQUEST_BEGUN = "request.begun"
    """The Idempotency-Key is noted as running; nothing is done yet. Left behind: the note, until its lease ends."""
    WRITE_BEFORE = "write.before"
    """A decision is made, and not written. Left behind: nothing."""
    WRITE_AFTER = "write.after"
    """State, cause and events are written; the relay was not told. Left behind: ``ob.due``, and perhaps a lease."""
    REQUEST_DONE = "request.done"
    """The command had its effect; its answer is not stored. The aggregate remembers the key."""
    REQUEST_STORED = "request.stored"
    """The answer is stored, and the client has not seen it. The same key gives it again."""
    RESERVATION_BEFORE_CLAIM = "reservation.before_claim"
    """A holder is written as proposed; a participant is not claimed. A sweep finishes or aborts the proposal."""
    RESERVATION_AFTER_CLAIM = "reservation.after_claim"
    """A participant is claimed, the next is not, or the holder not confirmed. The sweep repeats the claims."""
    RESERVATION_AFTER_RELEASE = "reservation.after_release"
    """A claim of a holder that is over was released; the holder does not know. Releasing again does no harm."""
    RELAY_TAKEN_OVER = "relay.taken_over"
    """The relay has what the writer leased for it, and has sent nothing. Left behind: the writer's lease."""
    RELAY_CLAIMED = "relay.claimed"
    """The relay has claimed a document, and has sent nothing. Left behind: a lease."""
    RELAY_BETWEEN_SENDS = "relay.between_sends"
    """Kafka has acknowledged one event of a document and has not got the next. Both are sent again, in order."""
    RELAY_AFTER_SEND = "relay.after_send"
    """Kafka has acknowledged all; they are still in the outbox. They are sent again; inboxes drop them."""
    CONSUMER_BEFORE_EFFECT = "consumer.before_effect"
    """A record is read; nothing is done. It is read again."""
    CONSUMER_AFTER_EFFECT = "consumer.after_effect"
    """The handler is through; the offset is not noted. The record comes again; the inbox drops it."""
    CONSUMER_BEFORE_COMMIT = "consumer.before_commit"
    """Offsets are noted, and not committed. The records come again."""
    DEAD_LETTER_SENT = "dead_letter.sent"
    """The dead letter lies on its topic; the record's offset is not committed. A second dead letter names the same
    place."""


class BadFailpoint(ValueError):
    """The setting names no failpoint, or says nothing that can be done there."""


@dataclass(frozen=True)
class Arming:
    """What happens at a point: a signal to ourselves, at the ``at``-th pass or by chance."""

    signal: int
    at: int | None
    probability: float = 1.0

    def strikes(self, passed: int) -> bool:
        """Whether it happens at this pass, counted from one."""
        if self.at is not None:
            return passed == self.at
        return random.random() < self.probability  # noqa: S311 - when to die, not a secret


STRUCK = "failpoint struck: "
"""Written to standard error, with the point's name, before the signal."""

_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_FORM = re.compile(r"(?P<action>kill|freeze)(?:@(?P<at>[1-9]\d{0,8})|:(?P<chance>0?\.\d{1,9}|1(?:\.0*)?))?")

_armed: dict[Failpoint, Arming] | None = None
_passed: dict[Failpoint, int] = {}


def reach(point: Failpoint) -> None:
    """The process is at this point. Returns, unless it was told to end or stop here."""
    if _armed is not None:
        _strike(point, _armed)


def arm(armings: Mapping[Failpoint, Arming]) -> None:
    """Take these points, and no others, as armed from now on."""
    global _armed  # noqa: PLW0603 - one per process, like the signals that it sends
    _armed = dict(armings) or None
    _passed.clear()


def parse(text: str) -> dict[Failpoint, Arming]:
    """What ``TELEMACHUS_FAILPOINTS`` says; empty for an empty text.

    Raises:
        BadFailpoint: It names a point that is none, or one twice, or no known action.
    """
    armings: dict[Failpoint, Arming] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, action = (half.strip() for half in part.partition("="))
        if name not in set(Failpoint):
            raise BadFailpoint(f"there is no failpoint {name[:100]!r}; there are {', '.join(Failpoint)}")
        if Failpoint(name) in armings:
            raise BadFailpoint(f"{name} is armed twice")
        form = _FORM.fullmatch(action)
        if form is None:
            raise BadFailpoint(
                f"{name}={action[:100]!r}: kill or freeze, then nothing (the first pass), @3 (the third pass) "
                "or :0.05 (a probability above 0, up to 1)"
            )
        chance = float(form["chance"]) if form["chance"] else None
        if chance == 0:
            raise BadFailpoint(f"{name}={action}: a probability of 0 would never strike")
        at = int(form["at"]) if form["at"] else (None if chance else 1)
        armings[Failpoint(name)] = Arming(_SIGNALS[form["action"]], at, chance or 1.0)
    return armings


def _strike(point: Failpoint, armed: Mapping[Failpoint, Arming]) -> None:
    arming = armed.get(point)
    if arming is None:
        return
    _passed[point] = _passed.get(point, 0) + 1
    if arming.strikes(_passed[point]):
        os.write(2, f"{STRUCK}{point}\n".encode())  # whoever watches can tell this death from others
        os.kill(os.getpid(), arming.signal)
