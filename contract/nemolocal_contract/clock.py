"""Time as an object: the one place where this project asks what time it is and waits.

`WallClock` is the real time; waits that a cloud would make are divided by its `speed`.
`ScaledClock` is a time that runs faster: waits and life times alike.
`ManualClock` stands still until it is advanced and wakes sleepers in the order in which they fall
due, so that minutes of protocol pass in no wall time and always in the same order.
"""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime
from typing import Protocol

# Turns of the event loop that woken tasks get to reach their next wait before time moves on.
_SETTLE_TURNS = 12
# Where a manual clock begins: any time would do, a fixed one makes runs the same.
MANUAL_CLOCK_START = 1_700_000_000.0


class Clock(Protocol):
    """What everything that depends on time is given."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def elapsed(self) -> float:
        """Seconds since some moment, as `sleep` counts them: only differences mean anything."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long in an event loop."""

    def wait(self, seconds: float) -> None:
        """Wait that long in a thread."""


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
    """Time itself runs `speed` times as fast, from `start` on: everything that follows it does."""

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


class ManualClock:
    """Time that moves only when told to, or, with `autojump`, whenever everybody sleeps.

    `wait` belongs to single-threaded callers: nobody else could move the time, so it moves it.
    """

    def __init__(self, start: float = MANUAL_CLOCK_START, *, autojump: bool = False) -> None:
        self._now = start
        self._autojump = autojump
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._watch: asyncio.Handle | None = None

    def time(self) -> float:
        return self._now

    def elapsed(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        due = self._now + max(seconds, 0.0)
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        if self._autojump:
            self._watch_for_idleness()
        await woken

    def seconds_to_next(self) -> float | None:
        """Seconds until the next sleeper wakes; None where nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():  # given up
            heapq.heappop(self._sleepers)
        return max(0.0, self._sleepers[0][0] - self._now) if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: each sleeper wakes at its own due time, the earliest first."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: advance by 0 or more, not {seconds}")
        target = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            self._wake_next()
            await _settle()
        self._now = max(self._now, target)

    def _wake_next(self) -> None:
        due, _, woken = heapq.heappop(self._sleepers)
        self._now = max(self._now, due)
        if not woken.done():
            woken.set_result(None)

    def _watch_for_idleness(self, turns: int = _SETTLE_TURNS) -> None:
        """Wake the next sleeper once the loop has turned so often without a new one."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_soon(self._turn, turns)

    def _turn(self, turns: int) -> None:
        self._watch = None
        if turns:
            self._watch_for_idleness(turns - 1)
        elif self._sleepers:
            self._wake_next()
            self._watch_for_idleness()


async def _settle() -> None:
    """Let whoever is ready reach their next wait."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)


def get_wait_speed(clock: Clock) -> float | None:
    """How many seconds of waiting pass in a second of a clock's time; None where that stands still.

    Only a wall clock divides waits: where time itself runs faster, they take as long as they say.
    """
    if isinstance(clock, WallClock):
        return clock.speed
    return 1.0 if isinstance(clock, ScaledClock) else None


_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def iso8601(seconds: float) -> str:
    """`seconds` since the epoch as ISO 8601 in UTC, to the millisecond (AUTH-1).

    Moments after the year 9999, which ISO 8601 has no digits for, are its last one.
    """
    stamp = datetime.fromtimestamp(min(seconds, _LAST_MOMENT), UTC).isoformat(
        timespec="milliseconds"
    )
    return stamp.replace("+00:00", "Z")
