"""The executor: so many renders at once as the cores carry, the others in their order."""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.job import RenderJobFailed
from nemolocal_render.planning.output_settings import QUALITY_SETTINGS
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_server.exports import render_executor
from nemolocal_server.exports.render_executor import LocalExecutor
from nemolocal_server.fair_semaphore import CURRENT_OWNER

AT_ONCE, NEVER = 0.0, 1e6
PLAN = RenderPlan(320, 180, Fraction(30), 30, 0, QUALITY_SETTINGS["low"])


class Renders:
    """Renders that end when the test says so."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self._ends: dict[str, asyncio.Future[str]] = {}

    async def __call__(self, _: RenderPlan, destination: Path, **options: Any) -> str:
        self.started.append((destination.name, options["cores"]))
        self._ends[destination.name] = asyncio.get_running_loop().create_future()
        return await self._ends[destination.name]

    def release(self, name: str) -> None:
        """End a render, of which nobody has heard yet."""
        self._ends[name].set_result(name)

    async def end(self, name: str, failure: Exception | None = None) -> None:
        if failure:
            self._ends[name].set_exception(failure)
        else:
            self._ends[name].set_result(name)
        await settle()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> Renders:
    created = Renders()
    monkeypatch.setattr(render_executor, "render", created)
    return created


def submit(local: LocalExecutor, names: str) -> "dict[str, asyncio.Task[Any]]":
    work = {name: local(PLAN, Path(name), lambda _: None) for name in names}
    return {name: asyncio.ensure_future(coroutine) for name, coroutine in work.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4)])
def test_half_as_many_as_cores_run_and_the_others_in_their_order(
    renders: Renders, cores: int, at_once: int
) -> None:
    async def work() -> None:
        tasks = submit(LocalExecutor(Path("work"), cores), "abcdef")
        for done, name in enumerate("abcdef"):
            await settle()
            running = "abcdef"[: done + at_once]
            assert "".join(started for started, _ in renders.started) == running
            await renders.end(name)
        assert [await task for task in tasks.values()] == [*"abcdef"]

    asyncio.run(work())


def test_the_cores_are_divided_among_those_that_run(renders: Renders) -> None:
    async def work() -> None:
        local = LocalExecutor(Path("work"), 9)
        submit(local, "abcd")
        await settle()
        assert renders.started == [("a", 9), ("b", 4), ("c", 3), ("d", 2)]
        for name in "abcd":
            await renders.end(name)
        submit(local, "e")
        await settle()
        assert renders.started[-1] == ("e", 9)
        await renders.end("e")

    asyncio.run(work())


def test_who_fails_or_is_cancelled_makes_room(renders: Renders) -> None:
    async def work() -> None:
        tasks = submit(LocalExecutor(Path("work"), 2), "abcd")
        await settle()
        tasks["b"].cancel()
        await renders.end("a", RenderJobFailed("the disk is full"))
        with pytest.raises(RenderJobFailed):
            await tasks["a"]
        assert [name for name, _ in renders.started] == ["a", "c"]
        tasks["c"].cancel()
        await settle()
        assert renders.started[-1] == ("d", 2)
        await renders.end("d")
        assert await tasks["d"] == "d"

    asyncio.run(work())


def test_the_cores_are_those_of_the_machine(
    renders: Renders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_executor, "usable_cores", lambda: 4)

    async def work() -> None:
        submit(LocalExecutor(Path("work")), "abc")
        await settle()
        assert renders.started == [("a", 4), ("b", 2)]
        for name in "abc":
            await renders.end(name)

    asyncio.run(work())


def owned(local: LocalExecutor, owner: str, names: str) -> None:
    """Submit renders of an owner."""
    token = CURRENT_OWNER.set(owner)
    submit(local, names)
    CURRENT_OWNER.reset(token)


def started(renders: Renders) -> str:
    return "".join(name for name, _ in renders.started)


def test_who_has_fewest_comes_next(renders: Renders) -> None:
    async def work() -> None:
        local = LocalExecutor(Path("work"), 4, NEVER)
        for owner, names in (("much", "abcdef"), ("some", "xy"), ("little", "z")):
            owned(local, owner, names)
        await settle()
        assert started(renders) == "ab"
        for name in "abxzcydef":
            await renders.end(name)
        assert started(renders) == "abxzcydef"

    asyncio.run(work())


def test_a_render_that_takes_long_holds_nobody_else_up(renders: Renders) -> None:
    async def work() -> None:
        local = LocalExecutor(Path("work"), 2, AT_ONCE)
        owned(local, "slow", "abc")
        await settle()
        assert started(renders) == "a"
        owned(local, "other", "xy")
        owned(local, "third", "z")
        await settle()
        # Beside what takes long each owner has one place, and the cores are shared.
        assert renders.started == [("a", 2), ("x", 1), ("z", 1)]
        await renders.end("x")
        assert started(renders) == "axzy"
        for name in "ayzbc":
            await renders.end(name)
        assert started(renders) == "axzybc"

    asyncio.run(work())


def test_not_everybody_renders_at_once(renders: Renders) -> None:
    async def work() -> None:
        local = LocalExecutor(Path("work"), 2, AT_ONCE)
        for name in "abcdefgh":
            owned(local, f"owner of {name}", name)
        await settle()
        assert started(renders) == "abcde"
        for name in "abcdefgh":
            await renders.end(name)
        assert started(renders) == "abcdefgh"

    asyncio.run(work())


def test_who_is_cancelled_when_let_in_leaves_the_place(renders: Renders) -> None:
    async def work() -> None:
        tasks = submit(LocalExecutor(Path("work"), 2, NEVER), "abc")
        await settle()
        renders.release("a")
        for _ in range(3):
            # Somewhere on its way in.
            tasks["b"].cancel()
            await asyncio.sleep(0)
        await settle()
        assert started(renders)[-1] == "c"
        await renders.end("c")

    asyncio.run(work())
