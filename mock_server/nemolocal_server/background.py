"""Tasks that outlive the request that started them, and are not forgotten when they fail."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger("nemolocal")


class Background:
    """A set of running tasks; `close` cancels and awaits them all."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None], on_defect: Callable[[], None]) -> None:
        """Run `work`; should it end in an exception of its own, log it and call `on_defect`."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a background task failed", exc_info=error)
                on_defect()

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def close(self) -> None:
        """Cancel what runs and wait until it has stopped."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
