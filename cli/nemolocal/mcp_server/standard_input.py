"""The lines of standard input for an event loop that may end before the next line comes.

A read of the SDK's own transport cannot be cancelled: after SIGTERM, the process would wait for one
more line.
"""

import asyncio
import contextlib
import os
import threading

MAX_LINE = 4 * 1024 * 1024
"""The longest message in bytes; a longer one is dropped, as what is no message."""
_MAX_WAITING = 16


class StandardInput:
    """Standard input as an async iterator of lines.

    It takes the descriptor away from the rest of the process: a child that reads standard input
    gets its end, not a message.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._free = threading.Semaphore(_MAX_WAITING)
        descriptor = os.dup(0)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        threading.Thread(
            target=self._read, args=(descriptor,), name="nemolocal-stdin", daemon=True
        ).start()

    def __aiter__(self) -> "StandardInput":
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if line is None:
            raise StopAsyncIteration
        self._free.release()
        return line

    def _read(self, descriptor: int) -> None:
        # The descriptor stays open: the thread may be in a read when the process ends.
        source = os.fdopen(descriptor, "rb", closefd=False)
        # The loop is closed, or the other end of a terminal is.
        with contextlib.suppress(RuntimeError, OSError):
            while line := source.readline(MAX_LINE + 1):
                if len(line) > MAX_LINE:
                    line = b"\n"
                    while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                        pass
                self._put(line.decode(errors="replace"))
        with contextlib.suppress(RuntimeError):
            self._put(None)

    def _put(self, line: str | None) -> None:
        self._free.acquire()
        self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
