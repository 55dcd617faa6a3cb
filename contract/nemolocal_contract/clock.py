"""The clocks of this project, which all code uses to read the time and to wait.

`WallClock` is real time, with waits divided by its `speed`. `ScaledClock` runs faster, so that
waits and lifetimes are shorter. `ManualClock` stands still until it is advanced, and wakes sleepers
in the order of their due times: minutes pass without real time, and always in the same order.
"""

import asyncio
import contextlib
import itertools
import math
import threading
import time
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeVar

_Result = TypeVar("_Result")

# Turns of the event loop in which woken tasks reach their next wait.
_SETTLE_TURNS = 12
# Sleepers that `wait_until` wakes, or pauses in which nothing sleeps, before it gives up.
_HANGS_AFTER = 20_000
# The default start of a manual clock: a fixed one makes runs reproducible.
MANUAL_CLOCK_START = 1_700_000_000.0


class Clock(Protocol):
    """The interface of a clock."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def elapsed(self) -> float:
        """Seconds since an arbitrary moment, at the speed of `sleep`."""

    async def sleep(self, seconds: float) -> None:
        """Wait in an event loop."""

    def wait(self, seconds: float) -> None:
        """Wait in a thread."""


class WallClock:
    """Real time; `sleep` and `wait` take `seconds / speed` of it."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed}")
        self.speed = speed

    def time(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


class ScaledClock:
    """A clock that runs `speed` times as fast as real time, from `start` on."""

    def __init__(self, speed: float, start: float | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed}")
        self.speed = speed
        self._origin = time.monotonic()
        self._start = time.time() if start is None else start

    def time(self) -> float:
        return self._start + (time.monotonic() - self._origin) * self.speed

    def elapsed(self) -> float:
        return self.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


class _Sleeper(NamedTuple):
    due: float
    number: int
    seconds: float
    woken: asyncio.Future[None]


class ManualClock:
    """Time that moves only when it is advanced or, with `autojump`, whenever everything sleeps.

    Tasks of one event loop sleep on it; any thread may call the other methods. `settle_turns` is
    the number of turns of the event loop in which woken tasks reach their next wait. With `grace`,
    all methods but `autojump` also give threads and sockets so many seconds of real time before
    they wake a sleeper, and wait until nothing holds the time.
    """

    def __init__(
        self,
        start: float = MANUAL_CLOCK_START,
        *,
        autojump: bool = False,
        settle_turns: int = _SETTLE_TURNS,
        grace: float = 0.0,
    ) -> None:
        self._now = start
        self._autojump = autojump
        self._settle_turns = settle_turns
        self._grace = grace
        self._sleepers: list[_Sleeper] = []
        self._order = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending_check: asyncio.Handle | None = None
        self._holds: list[float] = []
        self._released = threading.Condition()

    def time(self) -> float:
        return self._now

    def elapsed(self) -> float:
        return self._now

    async def attach(self) -> None:
        """Follow the running event loop before one of its tasks sleeps; its threads hold time."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(_HoldingExecutor(self))

    async def sleep(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        seconds = max(seconds, 0.0)
        woken: asyncio.Future[None] = self._loop.create_future()
        self._sleepers.append(_Sleeper(self._now + seconds, next(self._order), seconds, woken))
        self._schedule_check()
        await woken

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass, once nothing holds the time; sleepers wake as in `advance`."""
        self._wait_until_released()
        if (loop := self._other_loop()) is None:
            self._now += seconds
            return
        asyncio.run_coroutine_threadsafe(self.advance(seconds), loop).result()
        self._wait_until_released()

    def seconds_to_next(self) -> float | None:
        """Return the seconds until the next sleeper wakes; None if nobody sleeps."""
        due = [sleeper.due for sleeper in self._sleepers if not sleeper.woken.done()]
        return max(0.0, min(due) - self._now) if due else None

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: each sleeper wakes at its own due time, the earliest first."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: advance by 0 or more, not {seconds}")
        target = self._now + seconds
        await self._settle()
        while self._sleepers and min(self._sleepers).due <= target:
            self._wake_next()
            await self._settle()
        self._now = max(self._now, target)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine in the sleepers' loop, from another thread, while time passes."""
        loop = self._other_loop()
        assert loop is not None, "the clock has no running event loop"
        future = asyncio.run_coroutine_threadsafe(work, loop)
        self.wait_until(future.done)
        return future.result()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let time pass from one sleeper to the next until `condition` is true.

        Without another thread's loop time stands still, and this returns at once.
        """
        loop = self._other_loop()
        if loop is not None and not condition():
            asyncio.run_coroutine_threadsafe(self._pass_until(condition), loop).result()

    @contextlib.contextmanager
    def hold(self, at_least: float = 0.0) -> Iterator[None]:
        """Keep `autojump` from ending sleeps of at least so many seconds, for real work meanwhile.

        A hold of all sleeps also delays `wait` in other threads until it is released.
        """
        self._holds.append(at_least)
        try:
            yield
        finally:
            with self._released:
                self._holds.remove(at_least)
                self._released.notify_all()
            self.check_soon()

    def is_held(self) -> bool:
        """Whether no sleep may end by `autojump`; call `check_soon` when this changes."""
        return 0.0 in self._holds

    def check_soon(self) -> None:
        """Let `autojump` look again whether everything sleeps; from any thread."""
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._schedule_check)

    def _other_loop(self) -> asyncio.AbstractEventLoop | None:
        """The sleepers' loop where it runs in another thread."""
        loop = self._loop
        if loop is None or not loop.is_running():
            return None
        try:
            return None if asyncio.get_running_loop() is loop else loop
        except RuntimeError:  # no loop runs in this thread
            return loop

    def _wait_until_released(self) -> None:
        with self._released:
            self._released.wait_for(lambda: 0.0 not in self._holds)

    def _wake_next(self, shorter_than: float = math.inf) -> bool:
        """Wake the sleeper that is due first; return whether there is one."""
        free = [sleeper for sleeper in self._sleepers if sleeper.seconds < shorter_than]
        if not free:
            return False
        sleeper = min(free)
        self._sleepers.remove(sleeper)
        self._now = max(self._now, sleeper.due)
        if not sleeper.woken.done():
            sleeper.woken.set_result(None)
        return True

    def _schedule_check(self, turns: int | None = None) -> None:
        """Wake the next sleeper once the loop has turned so often without a new one."""
        if not self._autojump:
            return
        if self._pending_check is not None:
            self._pending_check.cancel()
        left = self._settle_turns if turns is None else turns
        self._pending_check = asyncio.get_running_loop().call_soon(self._check_idle, left)

    def _check_idle(self, turns: int) -> None:
        self._pending_check = None
        if self.is_held():
            return  # `check_soon` is called at its end.
        if turns:
            self._schedule_check(turns - 1)
        elif self._wake_next(shorter_than=min(self._holds, default=math.inf)):
            self._schedule_check()

    async def _pass_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(_HANGS_AFTER):
            if await self._settle(condition):
                return
            self._wake_next()
        raise TimeoutError("the event loop does nothing and nothing sleeps")

    async def _settle(self, condition: Callable[[], bool] = lambda: False) -> bool:
        """Let everything that is ready reach its next wait; return whether `condition` is true."""
        if await _turn_loop(self._settle_turns, condition):
            return True
        held = self._grace > 0
        while held:
            # Work of a thread, or bytes between two sockets, end in no turn of the loop. What is
            # released from here on has its turns in the next round.
            held = self.is_held()
            await asyncio.sleep(self._grace)
            if await _turn_loop(self._settle_turns, condition):
                return True
            held = held or self.is_held()
        return False


class _HoldingExecutor(ThreadPoolExecutor):
    """Threads of an event loop (`asyncio.to_thread`) that hold a clock while they work."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(thread_name_prefix="nemolocal-clock")
        self._clock = clock

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Run a function in a thread; time is held until the event loop knows its result."""
        result: Future[Any] = Future()
        hold = self._clock.hold()
        hold.__enter__()

        def finish(worked: Future[Any]) -> None:
            if result.set_running_or_notify_cancel():
                if (error := worked.exception()) is None:
                    result.set_result(worked.result())
                else:
                    result.set_exception(error)
            hold.__exit__(None, None, None)

        super().submit(work, *arguments, **named).add_done_callback(finish)
        return result


@types.coroutine
def _turn_loop(turns: int, condition: Callable[[], bool]) -> Generator[None, None, bool]:
    """Give the event loop so many turns, until `condition` is true; return whether it is."""
    for _ in range(turns):
        yield
        if condition():
            return True
    return False


def get_wait_speed(clock: Clock) -> float | None:
    """Return the seconds of waiting per second of a clock's time; None if the clock stands still.

    Only a wall clock divides waits; on a scaled clock a wait takes its full time of the clock.
    """
    if isinstance(clock, WallClock):
        return clock.speed
    return 1.0 if isinstance(clock, ScaledClock) else None


_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def iso8601(seconds: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, to the millisecond (AUTH-1).

    Times after the year 9999 become its last second.
    """
    stamp = datetime.fromtimestamp(min(seconds, _LAST_MOMENT), UTC).isoformat(
        timespec="milliseconds"
    )
    return stamp.replace("+00:00", "Z")
