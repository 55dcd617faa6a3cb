"""Blocking calls of an event loop in threads that do not keep the process alive.

Those of `asyncio.to_thread` do: at the end of the loop it waits for all of them, and a tool may
wait for a server that does not answer.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class WorkerThreads:
    """A thread for each call."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return the result of `work` in a thread; when cancelled, stop waiting for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                _post(loop, _settle, future, future.set_exception, error)
            else:
                _post(loop, _settle, future, future.set_result, result)
            finally:
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name="nemolocal-tool", daemon=True)
        self._threads.add(thread)
        thread.start()
        return await future

    def join(self, seconds: float) -> None:
        """Let running calls clean up, each for `seconds` at most."""
        for thread in list(self._threads):
            thread.join(seconds)


def _settle(future: "asyncio.Future[Any]", settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.done():
        settle(outcome)


def _post(loop: asyncio.AbstractEventLoop, work: Callable[..., object], *arguments: Any) -> None:
    # The loop may be closed by now.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work, *arguments)
