"""Tasks in the background are stopped wherever they are, and whoever stops them goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from nemolocal_server.background_tasks import SessionTasks


@pytest.mark.slow
@pytest.mark.parametrize("stop", [SessionTasks.close, lambda tasks: tasks.stop({"a session"})])
@pytest.mark.parametrize("turns", range(4))
def test_a_task_that_has_just_ended_is_stopped_too(
    stop: Callable[[SessionTasks], Awaitable[object]], turns: int
) -> None:
    """Between the end of a task and its callbacks there is a turn of the loop."""
    background = SessionTasks()

    async def work() -> None:
        await asyncio.sleep(0)

    async def run() -> None:
        background.start("a session", work(), lambda: None)
        for _ in range(turns):
            await asyncio.sleep(0)
        await stop(background)

    asyncio.run(run())
    assert not background.running_count
