"""Telling processes apart, and making sure that none outlives its purpose."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

import psutil
from pydantic import BaseModel, ConfigDict

_PR_SET_PDEATHSIG = 1
_SAME_START = 2.0
"""Seconds: the boot time from which start times are counted may be corrected a little by the clock."""


class ProcessId(BaseModel):
    """A process for good: the number alone is given to somebody else once the process is gone."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process that has this number now, if there is one."""
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > _SAME_START:
                return False
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def memory(self) -> int:
        """Resident bytes, 0 when it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0


def output_of(*argv: str | os.PathLike[str], seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
    """What a short command says; one that cannot run, or does not end, is a failed one."""
    try:
        return subprocess.run(  # noqa: S603 - the commands are ours
            argv, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        return subprocess.CompletedProcess(argv, returncode=-1, stdout="", stderr=str(failed))


def die_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A function for the child, between fork and exec: the kernel ends it when its parent is gone.

    The kernel watches the parent's *thread*, so spawn from a thread that lives as long as the process.
    Elsewhere than on Linux it does nothing: there the next start ends what a killed keeper left.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os.kill(os.getpid(), how)

    return in_child


def follow_make() -> None:
    """Under ``make``, end (SIGTERM) when make is killed; a shell may leave its jobs running on purpose."""
    if "MAKELEVEL" in os.environ:
        die_with_parent(os.getppid(), signal.SIGTERM)()


def kill_group(leader: int) -> None:
    """Kill a process together with the processes it started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def end_orphans(leaders: Iterable[ProcessId], patience: float = 15.0) -> None:
    """End processes whose keeper was killed, and their groups: politely, then for certain."""
    orphans = [leader for leader in leaders if leader.alive()]
    for orphan in orphans:
        os.kill(orphan.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(orphan.alive() for orphan in orphans) and time.monotonic() < deadline:
        time.sleep(0.05)
    for orphan in orphans:
        kill_group(orphan.pid)
