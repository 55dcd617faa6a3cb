"""A child that stands still, as FFmpeg may when its threads wait for each other, is ended."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render import child_process, ffmpeg_cli

# Nobody waits so long unless the test has failed.
PATIENCE = 300.0


def run(code: str, folder: Path, idle: float) -> child_process.ChildProcessResult:
    """Run Python code as a child that may stand still for `idle` seconds."""
    work = child_process.run(
        [sys.executable, "-c", code],
        folder=folder,
        environment={**os.environ},
        timeout=PATIENCE,
        on_line=lambda _: None,
        idle=idle,
    )
    return asyncio.run(work)


class LooksEnded(Exception):
    """The watcher wanted to look once more."""


def looks_until_given_up(times: Sequence[float | None]) -> int | None:
    """After how many looks at these processor times a child has stood still; None if never."""
    left = list(times)

    def look() -> float | None:
        if not left:
            raise LooksEnded
        return left.pop(0)

    try:
        asyncio.run(child_process.wait_until_idle(look, 0))
    except LooksEnded:
        return None
    return len(times) - len(left)


@pytest.mark.parametrize(
    ("times", "given_up"),
    [
        ([1.0, 1.05], 2),
        ([1.0, 1.2, 1.25, 1.3], 3),
        ([1.0, 1.2, 1.4, 1.6], None),
        ([1.0, None, 1.0, 1.2], None),
        ([None, 1.0, None, 1.0, 1.0], 5),
        ([None, None, None], None),
    ],
)
def test_standing_still_is_two_looks_without_work_between_them(
    times: list[float | None], given_up: int | None
) -> None:
    assert looks_until_given_up(times) == given_up


@pytest.mark.slow
def test_a_child_that_stands_still_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(child_process.ChildProcessStalled):
        run("import time; time.sleep(600)", tmp_path, idle=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("watched", [True, False])
def test_a_child_that_works_or_cannot_be_watched_is_left_alone(
    watched: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, enough = child_process.idle_cpu_seconds, tmp_path / "enough"
    looks: list[float | None] = []

    def look(pid: int) -> float | None:
        looks.append(seen(pid) if watched else None)
        if len(looks) == 4:
            enough.touch()
        return looks[-1]

    monkeypatch.setattr(child_process, "idle_cpu_seconds", look)
    waiting = "pass" if watched else "time.sleep(0.01)"
    code = f"import os, time\nwhile not os.path.exists({str(enough)!r}): {waiting}"
    assert run(code, tmp_path, idle=0.1).returncode == 0
    assert len(looks) >= 4


@pytest.mark.slow
def test_a_thread_at_work_is_no_sleep() -> None:
    work = "print(flush=True)\nwhile True: pass"

    async def look() -> tuple[float | None, ...]:
        pipe = asyncio.subprocess.PIPE
        busy = await asyncio.create_subprocess_exec(sys.executable, "-c", work, stdout=pipe)
        idle = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
        assert busy.stdout
        assert idle.stdin
        try:
            await busy.stdout.readline()
            at_work = child_process.idle_cpu_seconds(busy.pid)
            while (asleep := child_process.idle_cpu_seconds(idle.pid)) is None:
                await asyncio.sleep(0.01)
        finally:
            busy.kill()
            idle.stdin.close()
            await asyncio.gather(busy.wait(), idle.wait())
        return at_work, asleep, child_process.idle_cpu_seconds(idle.pid)

    at_work, asleep, gone = asyncio.run(look())
    assert asleep is not None
    assert (at_work, gone) == (None, None)


@pytest.mark.parametrize("recovers", [True, False])
def test_ffmpeg_that_stands_still_is_started_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovers: bool
) -> None:
    starts = 0

    async def stand_still(*_: Any, **__: Any) -> child_process.ChildProcessResult:
        nonlocal starts
        starts += 1
        if recovers and starts == 2:
            return child_process.ChildProcessResult(0, "")
        raise child_process.ChildProcessStalled

    monkeypatch.setattr(child_process, "run", stand_still)
    work = ffmpeg_cli.run([], folder=tmp_path, timeout=PATIENCE)
    if recovers:
        asyncio.run(work)
    else:
        with pytest.raises(ffmpeg_cli.FFmpegFailed, match="stalled twice"):
            asyncio.run(work)
    assert starts == 2
