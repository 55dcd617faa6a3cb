"""Graceful termination by a signal: what is open is closed, and temporary files are removed."""

import contextlib
import functools
import re
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# A terminal that closes sends SIGHUP; Windows has none.
TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
_SIGNALLED = 128


class Terminated(SystemExit):
    """A signal ended this process; the exit status is that of a shell."""

    def __init__(self, number: int) -> None:
        super().__init__(_SIGNALLED + number)
        self.name = signal.Signals(number).name


@contextlib.contextmanager
def graceful_termination() -> Iterator[None]:
    """Raise `Terminated` in the main thread when a signal comes, and say so in one line.

    Tasks of a running event loop are cancelled, as by Ctrl-C. An ignored signal stays ignored, as
    `nohup` needs it.
    """
    received: list[int] = []
    handle = functools.partial(_terminate, received)
    for number in TERMINATING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handle)
    try:
        yield
    except BaseException as error:
        if not received:
            raise
        end = error if isinstance(error, Terminated) else Terminated(received[0])
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            print(f"nemolocal: ended by {end.name}", file=sys.stderr, flush=True)
        raise end from None


def _terminate(received: list[int], number: int, frame: FrameType | None) -> None:
    del frame
    received.append(number)
    # `timeout` and terminals may send two signals: the second must not interrupt the clean-up.
    if len(received) > 1:
        return
    try:
        loop = sys.modules["asyncio"].get_running_loop()
    except (KeyError, RuntimeError):
        raise Terminated(number) from None
    # Raised inside a task, it would look like a failure of that task, and a child process that is
    # just being started would be lost.
    loop.call_soon_threadsafe(_cancel, loop, number)


def _cancel(loop: "asyncio.AbstractEventLoop", number: int) -> None:
    """Cancel the main task of the loop, which ends the tasks that it awaits."""
    if (main := _main_task(loop)) is None or not main.cancel():
        raise Terminated(number)


def _main_task(loop: "asyncio.AbstractEventLoop") -> "asyncio.Task[object] | None":
    import asyncio

    numbered = {
        int(found[1]): task
        for task in asyncio.all_tasks(loop)
        if (found := re.fullmatch(r"Task-(\d+)", task.get_name()))
    }
    return numbered[min(numbered)] if numbered else None
