"""A render that is cancelled, whenever that is, leaves no child and no file."""

import asyncio
import gc
import os
import random
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import child_process, encoders
from nemolocal_render.fonts import choose_fonts
from nemolocal_render.job import render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render

pytestmark = pytest.mark.ffmpeg

# The longest time that a render is left to run; about what it needs on an idle machine.
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
def plans(source: Callable[[str], MediaSource]) -> list[RenderPlan]:
    """A render of every way in which there are renders, and the encoder chosen before."""
    asyncio.run(encoders.choose_encoder())
    sources = {name: source(name) for name in ("sample.mp4", "music.m4a")}
    return [plan_render(draft_from_wire(draft), sources, OutputSpec()) for draft in DRAFTS]


class Children:
    """Every process that was started, and who hears of it before and after."""

    def __init__(self) -> None:
        self.started: list[asyncio.subprocess.Process] = []
        self.notify: Callable[[], None] = lambda: None
        self._start = asyncio.create_subprocess_exec

    async def start(self, *args: Any, **options: Any) -> asyncio.subprocess.Process:
        self.notify()
        self.started.append(await self._start(*args, **options))
        self.notify()
        return self.started[-1]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    created = Children()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", created.start)
    return created


def group_lives(child: asyncio.subprocess.Process) -> bool:
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True


async def cancelled_at(
    moment: int, plan: RenderPlan, folder: Path, children: Children
) -> tuple[bool, list[int]]:
    """Whether a render was ended when so many things had happened, and how far it was.

    What happens is that a child is about to start or has started, and that progress is told.
    """
    seen: list[int] = []
    moments = count()

    def happen() -> None:
        if next(moments) == moment:
            task.cancel()

    def report(percent: int) -> None:
        seen.append(percent)
        if percent < 100:
            happen()

    children.notify = happen
    work = render(plan, folder / "out.mp4", workdir=folder / "work", on_progress=report)
    task = asyncio.ensure_future(work)
    await asyncio.wait((task,))
    children.notify = lambda: None
    if not task.cancelled():
        task.result()
    return task.cancelled(), seen


def require_nothing_left(
    ended: bool, seen: list[int], folder: Path, children: Children, moment: float
) -> None:
    assert [child for child in children.started if child.returncode is None] == [], moment
    assert [child for child in children.started if group_lives(child)] == [], moment
    files = [path.name for path in folder.rglob("*") if path.is_file()]
    assert files == ([] if ended else ["out.mp4"]), moment
    assert list((folder / "work").glob("*")) == [], moment
    assert (seen[-1:] == [100]) is not ended, moment


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", [0, 1, 2, *(pytest.param(later, marks=pytest.mark.slow) for later in (3, 4))]
)
def test_nothing_is_left_of_a_render_that_was_cancelled(
    moment: int, plans: list[RenderPlan], children: Children, tmp_path: Path
) -> None:
    ended, seen = asyncio.run(cancelled_at(moment, plans[0], tmp_path, children))
    assert ended
    require_nothing_left(ended, seen, tmp_path, children, moment)


@pytest.mark.slow
@pytest.mark.parametrize("which", range(len(DRAFTS)))
def test_nothing_is_left_of_any_render_cancelled_at_any_of_its_moments(
    which: int, plans: list[RenderPlan], children: Children, tmp_path: Path
) -> None:
    for moment in count():
        folder = tmp_path / str(moment)
        ended, seen = asyncio.run(cancelled_at(moment, plans[which], folder, children))
        require_nothing_left(ended, seen, folder, children, moment)
        if not ended:
            break
    # The start of the render, and two of each child: an encoder or a copy, and the check.
    assert moment >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "jobs"), [(7, 50), pytest.param(None, 75, marks=pytest.mark.nightly)]
)
def test_nothing_is_left_of_a_render_that_was_cancelled_whenever_that_is(
    plans: list[RenderPlan], children: Children, tmp_path: Path, seed: int | None, jobs: int
) -> None:
    draw = random.Random(seed)
    for number in range(jobs):
        folder = tmp_path / str(number)
        moment = draw.uniform(0, LONGEST)
        plan = plans[number % len(plans)]
        ended, seen = asyncio.run(cancelled_after(moment, plan, folder))
        require_nothing_left(ended, seen, folder, children, moment)


def test_render_cancelled_twice_waits_for_the_thread_that_writes_its_titles(
    plans: list[RenderPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_writing, may_write = threading.Event(), threading.Event()

    def choose_late(text: str) -> Any:
        is_writing.set()
        assert may_write.wait(60)
        return choose_fonts(text)

    monkeypatch.setattr("nemolocal_render.job.choose_fonts", choose_late)
    failures: list[dict[str, Any]] = []

    async def cancel_twice() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, failed: failures.append(failed))
        folder = tmp_path / "work"
        work = render(plans[0], tmp_path / "out.mp4", workdir=folder, on_progress=lambda _: None)
        task = asyncio.ensure_future(work)
        assert await asyncio.to_thread(is_writing.wait, 60)
        for _ in range(2):
            task.cancel()
            await asyncio.wait((task,), timeout=0.05)
        was_done, left = task.done(), list(folder.glob("*"))
        may_write.set()
        await asyncio.wait((task,))
        assert task.cancelled()
        assert not was_done
        assert left

    asyncio.run(cancel_twice())
    gc.collect()
    assert failures == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def cancelled_after(seconds: float, plan: RenderPlan, folder: Path) -> tuple[bool, list[int]]:
    """Whether a render was ended after so many seconds, and how far it was."""
    seen: list[int] = []
    work = render(plan, folder / "out.mp4", workdir=folder / "work", on_progress=seen.append)
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return True, seen
    return False, seen


def uvloop_or_skip() -> asyncio.AbstractEventLoop:
    uvloop: Any = pytest.importorskip("uvloop")
    return uvloop.new_event_loop()  # type: ignore[no-any-return]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop_or_skip])
@pytest.mark.parametrize(
    "again", [None, *(pytest.param(steps, marks=pytest.mark.slow) for steps in range(4))]
)
def test_a_loop_may_close_after_any_cancellation(
    tmp_path: Path,
    children: Children,
    loop: Callable[[], asyncio.AbstractEventLoop],
    again: int | None,
) -> None:
    async def cancel(steps: int) -> None:
        work = child_process.run(
            ["/bin/sleep", "99"], folder=tmp_path, environment={}, timeout=99, on_line=print
        )
        task = asyncio.ensure_future(work)
        for pause in (steps, again):
            for _ in range(pause or 0):
                await asyncio.sleep(0)
            if pause is not None:
                task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(map(group_lives, children.started))

    for steps in range(12):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(cancel(steps))
