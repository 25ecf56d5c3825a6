"""What the matching service can do: its table of contents."""

from dataclasses import dataclass
from datetime import timedelta

from .approval import Approval
from .choices import Choices
from .explanations import PATIENCE_SECONDS, Explanations
from .leftovers import Leftovers
from .newcomers import Newcomers
from .pairings import Pairings
from .places import Places
from .pool import Pool
from .ports import Backlog, Engine, PoolFigures, Stores, Uploads
from .recertification import Recertification
from .renewals import Renewals, Tell
from .restrictions import Restrictions
from .runs import Runs
from .studies import Studies


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Every use case of the service."""

    pool: Pool
    restrictions: Restrictions
    runs: Runs
    renewals: Renewals
    leftovers: Leftovers
    recertification: Recertification
    studies: Studies
    approval: Approval
    choices: Choices
    explanations: Explanations
    pairings: Pairings
    newcomers: Newcomers
    places: Places

    @classmethod
    def of(
        cls,
        stores: Stores,
        engine: Engine,
        *,
        replica: str,
        patience: float = PATIENCE_SECONDS,
        renew_after: float = 5.0,
        recertify_hour: int = 2,
        keep_results: timedelta = timedelta(days=7),
        tell: Tell = lambda _outcome, _nightly: None,
    ) -> "Matching":
        """The use cases on these stores.

        ``replica`` names the process that holds the runs it works on; ``patience`` is how many seconds a request for
        an explanation waits for the engine; ``renew_after`` how many seconds a pool must be quiet before its proposal
        is renewed (0: never); ``recertify_hour`` (UTC) when all are looked at anew (-1: never); ``keep_results`` how
        long results are kept that nobody needs any more (0: for ever); ``tell`` hears how renewals ended.
        """
        places = Places(stores)
        newcomers = Newcomers(stores, places, engine)
        approval = Approval(stores, places)
        renewals = Renewals(stores, wait=timedelta(seconds=renew_after), tell=tell)
        runs = Runs(stores, engine, renewals, replica=replica)
        return cls(
            pool=Pool(stores, places, renewals),
            restrictions=Restrictions(stores, renewals),
            runs=runs,
            renewals=renewals,
            leftovers=Leftovers(stores, keep=keep_results),
            recertification=Recertification(stores, hour=recertify_hour),
            studies=Studies(stores, engine, runs, replica=replica),
            approval=approval,
            choices=Choices(stores, places, renewals),
            explanations=Explanations(stores, engine, patience=patience),
            pairings=Pairings(stores, places, newcomers, renewals),
            newcomers=newcomers,
            places=places,
        )


__all__ = ["Backlog", "Engine", "Matching", "PoolFigures", "Stores", "Uploads"]
