"""Background tasks, which outlive the request that started them; failures are logged."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine

from .data.storage_errors import STORAGE_ERRORS, is_transient

_RETRY_SECONDS = 1.0

log = logging.getLogger("nemolocal")


class SessionTasks:
    """The running tasks of sessions; `close` cancels and awaits them all."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], str] = {}

    def start(
        self, session_id: str, work: Coroutine[None, None, None], on_defect: Callable[[], None]
    ) -> asyncio.Task[None]:
        """Run `work`; if it raises an exception, log it and call `on_defect`."""

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
        """Call `on_defect`, again and again if it cannot write to the store."""
        try:
            on_defect()
        except STORAGE_ERRORS:
            task = asyncio.get_running_loop().create_task(write_with_retry(on_defect))
            self._tasks[task] = session_id
            task.add_done_callback(lambda _: self._tasks.pop(task, None))

    @property
    def running_count(self) -> int:
        """The number of tasks."""
        return len(self._tasks)

    @property
    def active_sessions(self) -> set[str]:
        """The sessions with a running task."""
        return set(self._tasks.values())

    async def stop(self, sessions: Collection[str]) -> bool:
        """Cancel and await the tasks of these sessions; return whether there were any.

        If there were none, no other task has run meanwhile.
        """
        ran = False
        # New tasks may start while the others end.
        while tasks := [task for task, session in self._tasks.items() if session in sessions]:
            ran = True
            await _cancel(tasks)
        return ran

    async def close(self) -> None:
        """Cancel and await all tasks."""
        while self._tasks:
            await _cancel(list(self._tasks))


async def write_with_retry(write: Callable[[], None]) -> None:
    """Call `write` until it succeeds: a full disk is temporary."""
    is_logged = False
    while True:
        try:
            write()
        except STORAGE_ERRORS as error:
            if not is_transient(error):
                raise
            if not is_logged:
                log.warning("cannot write to the data folder, will retry: %s", error)
            is_logged = True
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Since Python 3.12 `gather` returns at once if all tasks have ended already. Their callbacks,
    # which remove them from `_tasks`, need an iteration of the loop, or `close` would never end.
    await asyncio.sleep(0)
