"""Where the local stack keeps things: the checkout, its data folder, and the cache outside it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
KAFKA_FILES = CHECKOUT / "deploy" / "local" / "kafka"


def data_folder() -> Path:
    """The one folder that holds everything a running stack writes (``TELEMACHUS_DATA`` moves it)."""
    return Path(os.environ.get("TELEMACHUS_DATA") or CHECKOUT / ".local").absolute()


def cache_folder() -> Path:
    """Where downloads live, outside the checkout, so that every checkout shares them."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "telemachus"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the kernel frees it when the holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
