"""Tasks in the background are stopped wherever they are, and whoever stops them goes on."""

import asyncio
import contextlib
import errno
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from nemolocal_server import background_tasks
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


def test_a_write_is_tried_again_until_the_disk_has_room_but_a_mistake_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background_tasks, "_RETRY_SECONDS", 0.0)
    failures: list[Exception] = [OSError(errno.ENOSPC, "full")] * 3
    written = []

    def write() -> None:
        if failures:
            raise failures.pop()
        written.append(True)

    asyncio.run(background_tasks.write_with_retry(write))
    assert written == [True]
    assert caplog.text.count("cannot write to the data folder, will retry") == 1
    with contextlib.closing(sqlite3.connect(":memory:")) as db:

        def mistake() -> None:
            db.execute("DELETE FROM missing")

        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            asyncio.run(background_tasks.write_with_retry(mistake))
