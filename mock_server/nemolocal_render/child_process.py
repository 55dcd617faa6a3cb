"""One child process, from its start to its certain end."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

KILL_GRACE_SECONDS = 2.0
# A child that gets less processor time than this in so long waits for what never comes.
IDLE_SECONDS = 20.0
_LEAST = 0.1
_TAIL = 8192
_CHUNK = 65536
_LINE_LIMIT = 1 << 20


class ChildProcessStalled(TimeoutError):
    """A child stood still, without any work of its own, until it was ended."""


class ChildProcessResult(msgspec.Struct, frozen=True):
    """How a child ended: exit status (negative: a signal), the end of what it complained about."""

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
    """Run a program in a folder and hand on each line that it prints.

    Raises TimeoutError after `timeout` seconds, and Stalled, one of those, when the child has done
    nothing for `idle` seconds. However this ends, by cancellation too, the child's whole process
    group has ended with it: SIGTERM, `grace` seconds, SIGKILL.
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
    _, complaint = await asyncio.gather(
        _forward_lines(process.stdout, on_line), _tail(process.stderr)
    )
    return ChildProcessResult(await process.wait(), complaint)


async def wait_until_idle(look: Callable[[], float | None], idle: float) -> None:
    """Return when two looks, `idle` seconds apart, tell of almost no work between them.

    A look is None where there is work, or where nobody can see: that is never standing still.
    """
    before = None
    while True:
        now = look()
        if before is not None and now is not None and now - before < _LEAST:
            return
        before = now
        await asyncio.sleep(idle)


def idle_cpu_seconds(pid: int) -> float | None:
    """The processor time, in seconds, of a process of which every thread sleeps.

    None while one is at work or waits for a processor or a disk, and where nobody tells.
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
    """What Linux tells of a process or thread, from its state on."""
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
    """Wait until a task is done, however often we are cancelled; the last time that we were.

    A child that starts or ends is nobody's for a moment, and a loop that closes then loses it.
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
        # Also when somebody cancels a second time while the child has its two seconds.
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
        # It has ended in this very moment.
        return
