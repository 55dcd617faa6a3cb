"""Tasks that outlive the request that started them, and are not forgotten when they fail."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine

from .data.storage_errors import STORAGE_ERRORS, is_transient

# Between two tries to write something down.
_AGAIN = 1.0

log = logging.getLogger("nemolocal")


class SessionTasks:
    """The tasks that run, each for a session; `close` cancels and awaits them all."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], str] = {}

    def start(
        self, session_id: str, work: Coroutine[None, None, None], on_defect: Callable[[], None]
    ) -> asyncio.Task[None]:
        """Run `work`; should it end in an exception of its own, log it and call `on_defect`."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.pop(task, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a background task failed", exc_info=error)
                self._settle(session_id, on_defect)

        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = session_id
        task.add_done_callback(ended)
        return task

    def _settle(self, session_id: str, on_defect: Callable[[], None]) -> None:
        """Call it; where it cannot write down what it has to, again and again until it can."""
        try:
            on_defect()
        except STORAGE_ERRORS:
            task = asyncio.get_running_loop().create_task(write_with_retry(on_defect))
            self._tasks[task] = session_id
            task.add_done_callback(lambda _: self._tasks.pop(task, None))

    @property
    def running_count(self) -> int:
        """How many tasks there are."""
        return len(self._tasks)

    @property
    def active_sessions(self) -> set[str]:
        """The sessions for which something runs."""
        return set(self._tasks.values())

    async def stop(self, sessions: Collection[str]) -> bool:
        """Cancel what runs for these sessions and wait until it has stopped; did anything run?

        Only where nothing did has no other task had its turn meanwhile.
        """
        ran = False
        # Whatever was started in the meantime is stopped too.
        while tasks := [task for task, session in self._tasks.items() if session in sessions]:
            ran = True
            await _cancel(tasks)
        return ran

    async def close(self) -> None:
        """Cancel what runs and wait until it has stopped."""
        while self._tasks:
            await _cancel(list(self._tasks))


async def write_with_retry(write: Callable[[], None]) -> None:
    """Call `write` until the machine lets it: a full disk is a matter of time."""
    told = False
    while True:
        try:
            write()
        except STORAGE_ERRORS as error:
            if not is_transient(error):
                raise
            if not told:
                log.warning("cannot write to the data folder, and will try again: %s", error)
            told = True
            await asyncio.sleep(_AGAIN)
        else:
            return


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Since Python 3.12 `gather` does not wait where all have ended already. Their callbacks, which
    # take them out of `_tasks`, need a turn of the loop, or who waits for that waits for ever.
    await asyncio.sleep(0)
