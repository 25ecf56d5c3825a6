"""Every way in which matching says no."""

from shared.contracts import Invalid, NotFound, Refusal


class UnknownTimeZone(Invalid):
    """The time zone of a volunteer is not one of the IANA zones."""


class UnknownProgramme(NotFound):
    """No programme of this name was published to the acting tenant."""


class UnknownVolunteer(NotFound):
    """No volunteer of this name takes part in the programme."""


class UnknownRun(NotFound):
    """There is no such match run."""


class UnknownPairing(NotFound):
    """There is no such pairing."""


class UnknownRestriction(NotFound):
    """There is no such lock or exclusion."""


class WrongRole(Invalid):
    """A mentor was named where a mentee belongs, or the other way round."""


class PoolTooLarge(Refusal):
    """More people than one run can match to proven optimality."""


class RuleForbidsPair(Refusal):
    """A hard rule of the programme forbids these two to be paired."""


class NoPlaceLeft(Refusal):
    """The person has as many pairings (or locks) as they offered places."""


class LockedPair(Refusal):
    """The two are locked together; unlock them first."""


class NotByChoice(Refusal):
    """In this programme mentees do not choose their mentor."""


class NotReady(Refusal):
    """The person has not done what the programme asks before pairing."""


class NotOnShortList(Refusal):
    """The mentor is not, or not any more, on the mentee's short list."""


class RunNotProposed(Refusal):
    """Only a run that holds a proposal can be approved."""


class ProposalRenewed(RunNotProposed):
    """Another run's proposal stands in place of this one; the refusal names it."""

    def __init__(self, detail: str, *, run_id: str) -> None:
        super().__init__(detail)
        self.extra = {"run_id": run_id}


class NoProposal(NotFound):
    """No proposal of the programme waits for a decision."""


class ResultsRemoved(NotFound):
    """The run is over, and its pairs were kept long enough; the run itself is still there."""


class RunNotHeld(Refusal):
    """Another replica holds the run, or it has ended."""


class PairingNotActive(Refusal):
    """The pairing has ended already, or never began."""


class UnknownStudy(NotFound):
    """There is no such simulation or study of sensitivity."""


class StudyEnded(Refusal):
    """A study that has ended cannot be cancelled."""


class UnknownUpload(NotFound):
    """Nobody was uploaded under this name, or the rows are no longer kept."""


class UploadUsed(Refusal):
    """Uploaded people serve one simulation; upload them again for another."""


class UnusablePolicies(Invalid):
    """The policies to simulate cannot be told apart."""


class UnusablePeople(Invalid):
    """The file of people cannot be read, or some of its rows cannot. Nobody of it is taken."""

    def __init__(self, detail: str, *, found: int = 0, findings: tuple[dict[str, str | int | None], ...] = ()) -> None:
        super().__init__(detail, field="body")
        self.extra = {"found": found, "findings": list(findings)}
        """How many faults there are, and the first of them by row and column."""
