"""The process that owns a stack: it starts the others, and none of them outlives it.

It ends, and stops everything in order, on SIGTERM, when told to, and when its owner is gone. If it is
killed itself, the kernel kills its children (Linux); elsewhere the next start ends what it finds recorded.
It restarts nothing on its own: a component that died is reported, and stays dead until somebody asks.
"""

import asyncio
import contextlib
import fcntl
import hmac
import json
import logging
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from .errors import StackError
from .processes import ProcessId, die_with_parent, kill_group
from .readiness import kafka_answers, mongo_answers, mongo_version, until_ready
from .record import Component, Failure, Record, last_lines, log_path, read_record, record_path, write_record
from .topics import create_all

_OWNER_CHECK_SECONDS = 0.25
_log = logging.getLogger("keeper")


class Keeper:
    """One stack's processes."""

    def __init__(self, data: Path, record: Record) -> None:
        self._data = data
        self._record = record
        self._running: dict[str, Process] = {}
        self._ending: set[int] = set()
        """Processes whose end was asked for."""
        self._reapers: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Bring everything up, serve commands until the end is asked for, bring everything down."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        for ignored in (signal.SIGINT, signal.SIGHUP):  # the terminal's; the owner decides what they mean
            signal.signal(ignored, signal.SIG_IGN)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._record.control_port = server.sockets[0].getsockname()[1]
        self._record.keeper = ProcessId.of(os.getpid())
        self._save()
        owner = asyncio.create_task(self._end_with_owner())
        try:
            await self._unless_stopped(self._start_everything())
            self._record.state = "ready"
            self._save()
            await self._stop.wait()
            self._record.state = "stopping"
        except StackError as failure:
            _log.error("%s", failure)
            self._record.failure = Failure(what=failure.what, next_step=failure.next_step)
        finally:
            self._save()
            owner.cancel()
            await self._stop_everything()
        server.close()
        if self._record.failure:
            self._record.state = "failed"  # kept on disk: whoever asked for the stack reads why
            self._save()
            return 1
        record_path(self._data).unlink(missing_ok=True)
        return 0

    # --- starting ---------------------------------------------------------------------------------

    async def _start_everything(self) -> None:
        components = self._record.components
        back_ends = [self._start(each) for each in components.values() if each.stage == "back-end"]
        if "mongodb" not in components:
            back_ends.append(self._answers("MongoDB", mongo_answers(self._record.mongo_uri)))
        if "kafka" not in components:
            back_ends.append(self._use_foreign_broker())
        await _together(back_ends)
        self._record.database = f"MongoDB {await mongo_version(self._record.mongo_uri)}"
        await _together([self._start(each) for each in components.values() if each.stage == "service"])

    async def _use_foreign_broker(self) -> None:
        await self._answers("Kafka", kafka_answers(self._record.kafka_bootstrap))
        await self._declare_topics()

    async def _answers(self, what: str, asking: Coroutine[Any, Any, bool]) -> None:
        if not await asking:
            raise StackError(
                f"{what} does not answer at the address that the environment gives.",
                "start it, or unset TELEMACHUS_MONGO_URI / TELEMACHUS_KAFKA_BOOTSTRAP to have it started here.",
            )

    async def _start(self, component: Component) -> None:
        if component.prepare and component.prepared and not component.prepared.exists():
            preparation = await self._spawn(component, component.prepare)
            if await preparation.wait() != 0:
                raise self._broken(component, "could not be prepared")
        process = await self._spawn(component, component.argv)
        self._running[component.name] = process
        component.state, component.exit_code = "starting", None
        component.process = ProcessId.of(process.pid)
        self._save()
        self._in_background(self._reap(component, process))
        await self._become_ready(component, process)
        if component.name == "kafka":
            await self._declare_topics()
        component.state = "ready"
        self._save()

    async def _spawn(self, component: Component, argv: list[str]) -> Process:
        log = log_path(self._data, component.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=DEVNULL,
                stdout=out,
                stderr=STDOUT,
                env=os.environ | component.env,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),
            )

    async def _become_ready(self, component: Component, process: Process) -> None:
        ready = asyncio.create_task(until_ready(component))
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=component.patience, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise self._broken(component, f"ended with code {process.returncode} while it started")
            if not ready.done():
                raise self._broken(component, f"was not ready after {component.patience:.0f} seconds")
            ready.result()
        finally:
            ready.cancel()
            ended.cancel()

    async def _declare_topics(self) -> None:
        if not self._record.create_topics:
            return
        try:
            new = await create_all(self._record.kafka_bootstrap, self._record.topic_prefix)
        except Exception as failed:
            raise StackError(f"The topics could not be created: {failed!r}", "see `make logs`.") from failed
        _log.info("%d topics created", len(new))

    def _broken(self, component: Component, how: str) -> StackError:
        log = log_path(self._data, component.name)
        return StackError(
            f"{component.name} {how}. The end of {log}:\n{last_lines(log)}",
            "repair what the log says; `make clean` starts with empty data.",
        )

    # --- living -----------------------------------------------------------------------------------

    async def _reap(self, component: Component, process: Process) -> None:
        code = await process.wait()
        kill_group(process.pid)  # what it may have left behind
        if self._running.get(component.name) is process:
            del self._running[component.name]
        asked_for = process.pid in self._ending
        component.state = "stopped" if asked_for else "died"
        component.exit_code, component.process = code, None
        if not asked_for:
            _log.warning("%s ended with code %s", component.name, code)
        self._save()

    async def _end_with_owner(self) -> None:
        owner = self._record.owner
        while owner is None or owner.alive():  # noqa: ASYNC110 - the end of a stranger raises no event
            await asyncio.sleep(_OWNER_CHECK_SECONDS)
        _log.info("the owner is gone")
        self._stop.set()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        doing, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not doing.done():
            doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing

    # --- stopping ---------------------------------------------------------------------------------

    async def _stop_everything(self) -> None:
        """Services first, since they still write; then the broker; the database last."""
        async with self._one_at_a_time:
            components = self._record.components
            await asyncio.gather(*(self._end(each) for each in components.values() if each.stage == "service"))
            for name in ("kafka", "mongodb"):
                if name in components:
                    await self._end(components[name])

    async def _end(self, component: Component, grace: float | None = None) -> None:
        """Stop it, orderly while its grace lasts, and whatever it started with it."""
        process = self._running.get(component.name)
        if process is None:
            return
        self._ending.add(process.pid)
        grace = component.grace if grace is None else grace
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            if grace:
                if component.stop:
                    await (await self._spawn(component, component.stop)).wait()
                else:
                    process.terminate()
                    process.send_signal(signal.SIGCONT)  # a frozen process hears nothing
                await asyncio.wait_for(process.wait(), grace)
        kill_group(process.pid)
        await process.wait()
        if component.halt:
            await (await self._spawn(component, component.halt)).wait()

    # --- commands ---------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            if hmac.compare_digest(str(request["key"]).encode(), self._record.control_key.encode()):
                writer.write(json.dumps(await self._answer(request)).encode() + b"\n")
                await writer.drain()
        except (ValueError, KeyError, TypeError, OSError):
            _log.warning("a malformed command was refused")
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "shut down":
            self._stop.set()
            return {}
        try:
            async with self._one_at_a_time:
                await self._unless_stopped(self._do(request))
        except StackError as failure:
            return {"what": failure.what, "next_step": failure.next_step}
        return {}

    async def _do(self, request: dict[str, Any]) -> None:
        if request["do"] == "add":
            await self._add([Component.model_validate(new) for new in request["components"]])
            return
        component = self._record.components.get(request["component"])
        if component is None:
            known = ", ".join(self._record.components)
            raise StackError(f"This stack runs no {request['component']}.", f"name one of: {known}.")
        if request["do"] == "kill":
            await self._end(component, grace=0)
        elif request["do"] == "end":
            await self._end(component)
        elif request["do"] == "restart":
            await self._end(component)
            await self._start(component)
        elif request["do"] == "start" and component.name not in self._running:
            await self._start(component)

    async def _add(self, components: list[Component]) -> None:
        new = [component for component in components if component.name not in self._record.components]
        self._record.components |= {component.name: component for component in new}
        await _together([self._start(component) for component in new])

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._reapers.add(task)
        task.add_done_callback(self._reapers.discard)

    def _save(self) -> None:
        write_record(self._data, self._record)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; when one part fails, give up the others and tell of the first failure."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def only_keeper(data: Path) -> BinaryIO | None:
    """The right to keep this data folder, held until this process ends; None when another has it."""
    lock = (data / "keeper.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def main() -> int:
    """Keep the stack that the record in the given data folder plans."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it reports every try before the broker is up
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    data = Path(sys.argv[1])
    lock, record = only_keeper(data), read_record(data)
    if lock is None or record is None:
        _log.error("nothing to keep in %s, or another process keeps it", data)
        return 1
    with lock:
        code = asyncio.run(Keeper(data, record).run())
    if code == 0 and not record.keeps_data:
        shutil.rmtree(data, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
