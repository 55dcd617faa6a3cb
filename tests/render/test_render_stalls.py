"""A child that stands still, as FFmpeg may when its threads wait for each other, is ended."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from nemolocal_render import ffmpeg, process


def run(code: str, folder: Path) -> process.Outcome:
    """Run Python code as a child."""
    work = process.run(
        [sys.executable, "-c", code],
        folder=folder,
        environment={**os.environ},
        timeout=50,
        on_line=lambda _: None,
    )
    return asyncio.run(work)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second without work is standing still."""
    monkeypatch.setattr(process, "_IDLE", 0.5)


@pytest.mark.usefixtures("patience")
def test_a_child_that_stands_still_is_stopped(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(process.Stalled):
        run("import time; time.sleep(60)", tmp_path)
    assert time.monotonic() - begun < 20


@pytest.mark.usefixtures("patience")
def test_a_child_that_works_or_cannot_be_watched_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = "import time; end = time.process_time() + 1.5\nwhile time.process_time() < end: pass"
    assert run(work, tmp_path).status == 0
    monkeypatch.setattr(process, "_slept_at", lambda _: None)
    assert run("import time; time.sleep(1.2)", tmp_path).status == 0


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
            at_work = process._slept_at(busy.pid)
            while (asleep := process._slept_at(idle.pid)) is None:
                await asyncio.sleep(0.01)
        finally:
            busy.kill()
            idle.stdin.close()
            await asyncio.gather(busy.wait(), idle.wait())
        return at_work, asleep, process._slept_at(idle.pid)

    at_work, asleep, gone = asyncio.run(look())
    assert asleep is not None
    assert (at_work, gone) == (None, None)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("recovers", [True, False])
def test_ffmpeg_that_stands_still_is_started_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovers: bool
) -> None:
    stuck = tmp_path / "stuck"
    script = tmp_path / "ffmpeg"
    again = "exit 0" if recovers else ":"
    script.write_text(f"#!/bin/sh\n[ -e {stuck} ] && {again}\ntouch {stuck}\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv(ffmpeg.BINARY_VARIABLE, str(script))
    work = ffmpeg.run([], folder=tmp_path, timeout=50)
    if recovers:
        asyncio.run(work)
        return
    with pytest.raises(ffmpeg.FFmpegFailed, match="stood still"):
        asyncio.run(work)
