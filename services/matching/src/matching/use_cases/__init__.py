"""What the matching service can do: its table of contents."""

from dataclasses import dataclass

from .approval import Approval
from .explanations import PATIENCE_SECONDS, Explanations
from .newcomers import Newcomers
from .pairings import Pairings
from .places import Places
from .pool import Pool
from .ports import Backlog, Engine, PoolFigures, Stores, Uploads
from .restrictions import Restrictions
from .runs import Runs
from .studies import Studies


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Every use case of the service."""

    pool: Pool
    restrictions: Restrictions
    runs: Runs
    studies: Studies
    approval: Approval
    explanations: Explanations
    pairings: Pairings
    newcomers: Newcomers
    places: Places

    @classmethod
    def of(cls, stores: Stores, engine: Engine, *, replica: str, patience: float = PATIENCE_SECONDS) -> "Matching":
        """The use cases on these stores.

        ``replica`` names the process that holds the runs it works on; ``patience`` is how many seconds a request for
        an explanation waits for the engine.
        """
        places = Places(stores)
        newcomers = Newcomers(stores, places, engine)
        approval = Approval(stores, places)
        runs = Runs(stores, engine, replica=replica)
        return cls(
            pool=Pool(stores, places),
            restrictions=Restrictions(stores),
            runs=runs,
            studies=Studies(stores, engine, runs, replica=replica),
            approval=approval,
            explanations=Explanations(stores, engine, patience=patience),
            pairings=Pairings(stores, places, newcomers),
            newcomers=newcomers,
            places=places,
        )


__all__ = ["Backlog", "Engine", "Matching", "PoolFigures", "Stores", "Uploads"]
