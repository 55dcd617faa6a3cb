"""A render that is cancelled, whenever that is, leaves no child and no file."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import encoders, process
from nemolocal_render.job import render
from nemolocal_render.plan import OutputSpec, RenderPlan, Source, plan_render

NIGHTLY = settings.default is not None and settings.default.max_examples > 500
JOBS = 500 if NIGHTLY else 50
# The longest time that a render is left to run; about what it needs here.
LONGEST = 0.6

TITLE = {"tt": 7, "sg": [{"s": 0, "d": 1000, "txt": "Soon gone"}]}
CLIPS = {
    "tt": 0,
    "sg": [
        {"s": 0, "d": 700, "src": "sample.mp4", "tr": {"type": "crossfade", "d": 200}},
        {"s": 700, "d": 700, "src": "sample.mp4", "ss": 2000},
    ],
}
MUSIC = {"tt": 1, "sg": [{"s": 0, "d": 1400, "src": "music.m4a"}]}
SMALL = {"width": 320, "height": 180, "fps": 30}
WHOLE = {"tt": 0, "sg": [{"s": 0, "d": 4000, "src": "sample.mp4"}]}
DRAFTS: list[dict[str, Any]] = [
    {"t": [CLIPS, MUSIC, TITLE], "m": SMALL},
    {"t": [WHOLE]},  # it is copied
    {"t": [WHOLE], "m": {**SMALL, "compress": {"mode": "size", "megabytes": 0.03}}},
]


@pytest.fixture(scope="module")
def plans(source: Callable[[str], Source]) -> list[RenderPlan]:
    """A render of every way in which there are renders, and the encoder chosen before."""
    asyncio.run(encoders.choose_encoder())
    sources = {name: source(name) for name in ("sample.mp4", "music.m4a")}
    return [plan_render(draft_from_wire(draft), sources, OutputSpec()) for draft in DRAFTS]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.subprocess.Process]:
    """Every process that was started."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def remember(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*args, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    return started


def group_lives(child: asyncio.subprocess.Process) -> bool:
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True


async def cancelled(plan: RenderPlan, folder: Path, seconds: float) -> tuple[bool, list[int]]:
    """Whether a render was ended after so many seconds, and how far it was."""
    seen: list[int] = []
    work = render(plan, folder / "out.mp4", workdir=folder / "work", on_progress=seen.append)
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return True, seen
    return False, seen


def test_nothing_is_left_of_a_render_that_was_cancelled(
    plans: list[RenderPlan], children: list[asyncio.subprocess.Process], tmp_path: Path
) -> None:
    draw = random.Random() if NIGHTLY else random.Random(7)
    reached: list[int] = []
    for number in range(JOBS):
        folder = tmp_path / str(number)
        moment = draw.uniform(0, LONGEST)
        ended, seen = asyncio.run(cancelled(plans[number % len(plans)], folder, moment))
        reached += seen[-1:] if ended else []
        assert [child for child in children if child.returncode is None] == [], moment
        assert [child for child in children if group_lives(child)] == [], moment
        files = [path.name for path in folder.rglob("*") if path.is_file()]
        assert files == ([] if ended else ["out.mp4"]), moment
        assert list((folder / "work").glob("*")) == [], moment
        assert (seen[-1] == 100) is not ended
    # Some were ended before anything was there, some in the middle of it.
    assert len(reached) > JOBS / 10
    assert min(reached) == 0
    assert len(children) > JOBS


def uvloop_or_skip() -> asyncio.AbstractEventLoop:
    uvloop: Any = pytest.importorskip("uvloop")
    return uvloop.new_event_loop()  # type: ignore[no-any-return]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop_or_skip])
@pytest.mark.parametrize("again", [None, *range(4)])
def test_a_loop_may_close_after_any_cancellation(
    tmp_path: Path,
    children: list[asyncio.subprocess.Process],
    loop: Callable[[], asyncio.AbstractEventLoop],
    again: int | None,
) -> None:
    async def cancel(steps: int) -> None:
        work = process.run(
            ["/bin/sleep", "9"], folder=tmp_path, environment={}, timeout=9, on_line=print
        )
        task = asyncio.ensure_future(work)
        for pause in (steps, again):
            for _ in range(pause or 0):
                await asyncio.sleep(0)
            if pause is not None:
                task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(map(group_lives, children))

    for steps in range(12):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(cancel(steps))
