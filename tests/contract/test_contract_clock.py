"""The clock: time that is moved by hand wakes sleepers in the order in which they fall due."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from nemolocal_contract import clock as clocks
from nemolocal_contract.clock import ManualClock, ScaledClock, WallClock, iso8601


def test_advance_runs_what_falls_due_in_order_each_at_its_own_time() -> None:
    clock = ManualClock(0.0)
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *waits: float) -> None:
        for wait in waits:
            await clock.sleep(wait)
            seen.append((name, clock.time()))

    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleeper("a", 30, 30))
            tasks.create_task(sleeper("b", 20, 20, 100))
            await asyncio.sleep(0)
            await clock.advance(60)
            assert seen == [("b", 20), ("a", 30), ("b", 40), ("a", 60)]
            assert clock.time() == 60
            await clock.advance(7 * 86_400)

    asyncio.run(scene())
    assert seen[-1] == ("b", 140)
    assert clock.time() == 60 + 7 * 86_400


def test_who_is_about_to_sleep_when_time_moves_sleeps_from_before() -> None:
    clock = ManualClock(0.0)

    async def scene() -> float:
        async def sleeper() -> float:
            await clock.sleep(5)
            return clock.time()

        task = asyncio.ensure_future(sleeper())
        await clock.advance(10)
        return await task

    assert asyncio.run(scene()) == 5


def test_a_cancelled_sleeper_does_not_stop_the_others() -> None:
    clock = ManualClock(0.0)

    async def scene() -> None:
        doomed = asyncio.ensure_future(clock.sleep(1))
        other = asyncio.ensure_future(clock.sleep(2))
        await asyncio.sleep(0)
        doomed.cancel()
        await clock.advance(5)
        await other
        assert doomed.cancelled()

    asyncio.run(scene())


def test_autojump_moves_time_when_everybody_sleeps() -> None:
    clock = ManualClock(0.0, autojump=True)
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.time())

    async def scene() -> None:
        await asyncio.gather(sleeper(900), sleeper(15), sleeper(30))

    asyncio.run(scene())
    assert woken == [15, 30, 900]


def test_waiting_in_a_thread_moves_a_manual_clock() -> None:
    clock = ManualClock(100.0)
    clock.wait(30)
    assert clock.time() == 130


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def attach(clock: ManualClock, loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(clock.attach(), loop).result()


def start_sleeper(
    clock: ManualClock, loop: asyncio.AbstractEventLoop, *seconds: float
) -> Callable[[], list[float]]:
    """Sleep in the loop; the result returns the times at which the sleeps have ended."""
    woken: list[float] = []
    sleeping = threading.Event()

    async def sleep() -> None:
        loop.call_soon(sleeping.set)
        for duration in seconds:
            await clock.sleep(duration)
            woken.append(clock.time())

    future = asyncio.run_coroutine_threadsafe(sleep(), loop)
    sleeping.wait()
    return lambda: (future.result(), woken)[1]


def test_wait_in_a_thread_wakes_the_sleepers_of_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    clock = ManualClock(0.0)
    woken = start_sleeper(clock, loop, 10, 20)
    clock.wait(60)
    assert (woken(), clock.time()) == ([10, 30], 60)


def test_wait_until_moves_time_no_further_than_needed(loop: asyncio.AbstractEventLoop) -> None:
    clock = ManualClock(0.0, grace=0.001)
    attach(clock, loop)
    woken = start_sleeper(clock, loop, 10, 20, 30)
    clock.wait_until(lambda: clock.time() >= 30)
    assert clock.time() == 30
    clock.wait_until(lambda: clock.time() >= 60)
    assert woken() == [10, 30, 60]


def test_wait_until_waits_for_a_thread_of_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    """The work of a thread takes no time of the clock, however long it really takes."""
    clock = ManualClock(0.0, grace=0.001)
    attach(clock, loop)
    released = threading.Event()
    looks = iter(range(1_000))

    async def work() -> float:
        sleeper = asyncio.ensure_future(clock.sleep(600))
        await asyncio.to_thread(released.wait)
        sleeper.cancel()
        return clock.time()

    def condition() -> bool:
        if next(looks) == 100:
            released.set()
        return future.done()

    future = asyncio.run_coroutine_threadsafe(work(), loop)
    clock.wait_until(condition)
    assert future.result() == 0


def test_run_returns_the_result_of_a_coroutine(loop: asyncio.AbstractEventLoop) -> None:
    clock = ManualClock(0.0)
    attach(clock, loop)

    async def work() -> float:
        await clock.sleep(900)
        return clock.time()

    assert clock.run(work()) == 900


def test_held_time_does_not_jump(loop: asyncio.AbstractEventLoop) -> None:
    clock = ManualClock(0.0, autojump=True)
    attach(clock, loop)
    with clock.hold(100):
        long, short = start_sleeper(clock, loop, 600), start_sleeper(clock, loop, 5, 10)
        assert (short(), clock.time()) == ([5, 15], 15)
    assert long() == [600]
    with clock.hold():
        held = start_sleeper(clock, loop, 5)
        assert clock.time() == 600
    assert held() == [605]


def test_wait_in_a_thread_begins_when_time_is_released() -> None:
    clock = ManualClock(0.0, autojump=True)
    waiter = threading.Thread(target=clock.wait, args=(10,))
    with clock.hold():
        waiter.start()
        assert clock.time() == 0
    waiter.join()
    assert clock.time() == 10


def test_wall_clock_divides_waits_by_its_speed_and_leaves_the_time_alone() -> None:
    clock = WallClock(speed=1_000_000)
    before = clock.time()
    clock.wait(600)
    asyncio.run(clock.sleep(600))
    assert clock.time() - before < 60


def test_scaled_clock_passes_the_time_that_was_slept() -> None:
    clock = ScaledClock(1_000_000, start=100.0)
    before = clock.elapsed()
    asyncio.run(clock.sleep(600))
    assert before >= 100
    assert clock.elapsed() - before >= 600
    assert clock.time() >= clock.elapsed() - 1_000_000


def test_wait_until_gives_up_where_nothing_can_happen(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "_HANGS_AFTER", 3)
    clock = ManualClock(0.0)
    attach(clock, loop)
    with pytest.raises(TimeoutError, match="nothing sleeps"):
        clock.wait_until(lambda: False)
    assert clock.time() == 0


def test_error_of_a_thread_reaches_who_waits_for_it_and_releases_the_time() -> None:
    clock = ManualClock(0.0, autojump=True)

    def fail() -> None:
        assert clock.is_held()
        raise ValueError("in a thread")

    async def scene() -> None:
        await clock.attach()
        with pytest.raises(ValueError, match="in a thread"):
            await asyncio.to_thread(fail)
        assert not clock.is_held()

    asyncio.run(scene())


def test_work_that_nobody_waits_for_any_more_releases_the_time() -> None:
    clock = ManualClock(0.0)
    begun, ends = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        ends.wait()

    executor = clocks._HoldingExecutor(clock)
    result = executor.submit(work)
    begun.wait()
    assert result.cancel()
    assert clock.is_held()
    ends.set()
    executor.shutdown()
    assert not clock.is_held()


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be greater than 0"):
        WallClock(speed)


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        asyncio.run(ManualClock().advance(-1))


def test_time_stamps_are_utc_with_a_z() -> None:
    assert iso8601(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"
