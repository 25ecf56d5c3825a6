"""``python -m matching.engine``: compile every loop ahead, so that nobody's first run waits for the compiler.

Compiled code is kept where numba keeps it: beside the source, or under ``NUMBA_CACHE_DIR``. Numba looks at the source
of a function alone, not at what that calls in other files; so code from before any change of the engine is removed
here first.
"""

import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from shared.contracts import Objective

from . import scan
from .baselines import greedy_score, random_score
from .live import Live
from .market import HIGHEST_NARROW_SCORE, Market, from_scores
from .objective import solve
from .optimum import Worth, optimum

ORDERS = (
    (Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL),
    (Objective.TOTAL, Objective.WORST_SERVED, Objective.PARTICIPATION),
)
NOTE = "sources.sha256"
"""Names the loops that the compiled code was made of."""


def main() -> None:
    """Solve tiny markets of every kind, and say how long that took."""
    began = time.perf_counter()
    folder = _cache()
    _forget_older_code(folder)
    for market in (_market(1_000, places=3), _market(HIGHEST_NARROW_SCORE, places=1), _market(30_000, places=3)):
        for order in ORDERS:
            solve(market, order)
        greedy_score(market)
        random_score(market, seed=1)
        for worth in (Worth(), Worth(bonus=market.highest)):
            _live_through(Live.of(market, optimum(market, worth)))
    seconds = time.perf_counter() - began
    sys.stdout.write(f"The matching engine is compiled into {folder}: {seconds:.1f} s\n")


def _market(highest: int, *, places: int) -> Market:
    """Twelve mentees, three mentors: with one place each, prices leave 16 bits though scores do not."""
    scores = np.random.default_rng(1).integers(highest // 2, highest, size=(12, 3), endpoint=True)
    possible = np.ones(scores.shape, dtype=np.bool_)
    possible[0, 0] = False
    return from_scores(scores, possible, np.full(3, places, dtype=np.int64))


def _live_through(live: Live) -> None:
    """Everything that can happen to a pool."""
    live.depart(0)
    live.arrive(0)
    for places in (0, 2, 1):
        live.offer(0, places)
    live.certify()


def _cache() -> Path:
    dispatcher: Any = scan.look
    return Path(dispatcher.stats.cache_path)


def _forget_older_code(folder: Path) -> None:
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        text = path.read_bytes()
        if b"\n@compiled\n" in text or path.name in {"compiled.py", "market.py"}:
            sources.update(text)
    note = folder / NOTE
    if note.exists() and note.read_text() == sources.hexdigest():
        return
    for path in folder.glob("*.nb[ic]"):
        path.unlink(missing_ok=True)
    note.write_text(sources.hexdigest())


if __name__ == "__main__":
    main()
