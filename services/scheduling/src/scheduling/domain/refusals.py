"""Every reason for which scheduling says no, by name: the name becomes the problem's type."""

from shared.contracts import Forbidden, Invalid, NotFound, Refusal


class NoSuchSession(NotFound):
    """There is no such session for you."""


class NoSuchPlan(NotFound):
    """There is no such plan for you."""


class NoSuchPerson(NotFound):
    """There is no such person for you."""


class NoSuchFeed(NotFound):
    """There is no such calendar feed. The answer is the same for every wrong secret."""


class OnlyForYourself(Forbidden):
    """A participant accepts in their own name only."""


class SessionAlreadyCompleted(Refusal):
    """The session was held; it can be neither moved, nor cancelled, nor missed any more."""


class SessionAlreadyMissed(Refusal):
    """The session was recorded as missed; plan a further one instead."""


class SessionAlreadyCancelled(Refusal):
    """The session was cancelled; plan a further one instead."""


class SessionNotStarted(Refusal):
    """A session can only be missed once its time has come."""


class SessionBeingMoved(Refusal):
    """Somebody is moving this session right now; look again in a moment."""


class PersonAlreadyBooked(Refusal):
    """One of the two people has another session at that time."""


class ProposalGone(Refusal):
    """The proposed time was given up or replaced before it could be confirmed."""


class PairingEnded(Refusal):
    """The pairing has ended; nothing more is planned for it."""


class NotAParticipant(Invalid):
    """This person is neither the mentor nor the mentee of the session."""


class PairedWithThemself(Invalid):
    """A pairing needs two people."""


class ImplausibleTime(Invalid):
    """The time lies outside the years that a plan can reach."""


class StartedInTheFuture(Invalid):
    """A session cannot have started later than now."""


class StartedFarFromPlan(Invalid):
    """The session started too far from its planned time; move it there first."""
