"""Termination by a signal: in order, so that whatever is open is closed and removed."""

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

# SIGHUP is told by a terminal that closes; Windows has none.
TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
_SIGNALLED = 128


class Terminated(SystemExit):
    """A signal has told this process to end; the status is that of a shell for it."""

    def __init__(self, number: int) -> None:
        super().__init__(_SIGNALLED + number)
        self.name = signal.Signals(number).name


@contextlib.contextmanager
def graceful_termination() -> Iterator[None]:
    """Raise `Terminated` in the main thread when a signal comes, and say so in one line.

    Tasks that an event loop runs there are cancelled, as by Ctrl-C. A signal that is ignored stays
    so: whoever uses `nohup` wants that.
    """
    told: list[int] = []
    handle = functools.partial(_terminate, told)
    for number in TERMINATING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handle)
    try:
        yield
    except BaseException as error:
        if not told:
            raise
        end = error if isinstance(error, Terminated) else Terminated(told[0])
        # Where the terminal is gone nobody reads it.
        with contextlib.suppress(OSError):
            print(f"nemolocal: ended by {end.name}", file=sys.stderr, flush=True)
        raise end from None


def _terminate(told: list[int], number: int, frame: FrameType | None) -> None:
    del frame
    told.append(number)
    # `timeout` tells twice, and so may a terminal: the second must not break off what ends.
    if len(told) > 1:
        return
    try:
        loop = sys.modules["asyncio"].get_running_loop()
    except (KeyError, RuntimeError):
        raise Terminated(number) from None
    # Raised in a task it would be told as the failure of that one, and a child that is just being
    # started would be lost.
    loop.call_soon_threadsafe(_cancel, loop, number)


def _cancel(loop: "asyncio.AbstractEventLoop", number: int) -> None:
    """Cancel the task that the loop is run for, which ends those that it waits for."""
    if (first := _first_task(loop)) is None or not first.cancel():
        raise Terminated(number)


def _first_task(loop: "asyncio.AbstractEventLoop") -> "asyncio.Task[object] | None":
    import asyncio

    numbered = {
        int(found[1]): task
        for task in asyncio.all_tasks(loop)
        if (found := re.fullmatch(r"Task-(\d+)", task.get_name()))
    }
    return numbered[min(numbered)] if numbered else None
