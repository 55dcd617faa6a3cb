"""Run a child process and make sure that it ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

KILL_GRACE_SECONDS = 2.0
# A child that uses less CPU time than `_LEAST` in this time is stalled.
IDLE_SECONDS = 20.0
_LEAST = 0.1
_TAIL = 8192
_CHUNK = 65536
_LINE_LIMIT = 1 << 20


class ChildProcessStalled(TimeoutError):
    """A child was ended because it used no CPU time for long."""


class ChildProcessResult(msgspec.Struct, frozen=True):
    """The exit status of a child (negative: a signal), and the end of its standard error."""

    returncode: int
    stderr_tail: str


async def run(
    argv: list[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
    on_line: Callable[[str], None],
    idle: float = IDLE_SECONDS,
    grace: float = KILL_GRACE_SECONDS,
) -> ChildProcessResult:
    """Run a program in a folder; `on_line` gets each line of its standard output.

    Raises TimeoutError after `timeout` seconds, and its subclass ChildProcessStalled when the child
    has used no CPU time for `idle` seconds. In every case, also if cancelled, the process group of
    the child is ended: SIGTERM, `grace` seconds, SIGKILL.
    """
    starting = asyncio.ensure_future(_start(argv, folder, environment))
    cancelled = await _wait_despite_cancel(starting)
    process = starting.result()
    look = partial(idle_cpu_seconds, process.pid)
    watch = asyncio.ensure_future(wait_until_idle(look, idle))
    outcome = asyncio.ensure_future(_outcome(process, on_line))
    try:
        if cancelled is not None:
            raise cancelled
        async with asyncio.timeout(timeout):
            await asyncio.wait((watch, outcome), return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done():
            raise ChildProcessStalled
        return outcome.result()
    finally:
        watch.cancel()
        outcome.cancel()
        await _end(process, grace)


async def _outcome(
    process: asyncio.subprocess.Process, on_line: Callable[[str], None]
) -> ChildProcessResult:
    _, stderr_tail = await asyncio.gather(
        _forward_lines(process.stdout, on_line), _tail(process.stderr)
    )
    return ChildProcessResult(await process.wait(), stderr_tail)


async def wait_until_idle(look: Callable[[], float | None], idle: float) -> None:
    """Return when two samples of CPU time, `idle` seconds apart, are almost equal.

    `look` returns None if the process works or cannot be observed: then it is not idle.
    """
    before = None
    while True:
        now = look()
        if before is not None and now is not None and now - before < _LEAST:
            return
        before = now
        await asyncio.sleep(idle)


def idle_cpu_seconds(pid: int) -> float | None:
    """Return the CPU time in seconds of a process whose threads all sleep.

    None if a thread runs, or waits for a CPU or a disk, or if this is not known.
    """
    try:
        stats = [_stat(path) for path in Path(f"/proc/{pid}/task").iterdir()]
        whole = _stat(Path(f"/proc/{pid}"))
    except OSError:
        return None
    if any(state != "S" for state, *_ in stats):
        return None
    return (int(whole[11]) + int(whole[12])) / os.sysconf("SC_CLK_TCK")


def _stat(folder: Path) -> list[str]:
    """Return the fields of /proc/…/stat from the state on."""
    return (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()


async def _start(
    argv: list[str], folder: Path, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
        limit=_LINE_LIMIT,
    )


async def _forward_lines(
    stream: asyncio.StreamReader | None, on_line: Callable[[str], None]
) -> None:
    assert stream is not None
    async for line in stream:
        on_line(line.decode(errors="replace").strip())


async def _tail(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    tail = b""
    while chunk := await stream.read(_CHUNK):
        tail = (tail + chunk)[-_TAIL:]
    return tail.decode(errors="replace")


async def _wait_despite_cancel(task: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait until a task is done, even if cancelled; return the last cancellation.

    While a child starts or ends nobody owns it, and an event loop that closes then would leak it.
    """
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        # Also if this is cancelled a second time during the grace period.
        if process.returncode is None:
            _signal(process, signal.SIGKILL)
        if (
            cancelled := await _wait_despite_cancel(asyncio.ensure_future(process.wait()))
        ) is not None:
            raise cancelled


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        # It has just ended.
        return
