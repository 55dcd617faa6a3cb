"""The clock that a test shares with its server: waits take no time, renders take real time."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nemolocal_contract.clock import ManualClock
from nemolocal_server.exports.render_executor import RenderExecutor


class RenderTracker:
    """Executes renders and counts the running ones, which take real time."""

    def __init__(self, execute: RenderExecutor) -> None:
        self._execute = execute
        self._running = 0
        self._changed = threading.Condition()

    async def __call__(
        self, plan: Any, destination: Path, on_progress: Callable[[int], None]
    ) -> Any:
        self._count(1)
        try:
            return await self._execute(plan, destination, on_progress)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._running += change
            self._changed.notify_all()

    def wait_until_idle(self) -> None:
        """Wait in real time until no render is running."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running)


class NemoClock:
    """A clock of the contract: waiting on it advances the server's clock, and so does `advance`.

    `ask` advances the server's clock by seconds.
    """

    def __init__(
        self, time: ManualClock, ask: Callable[[float], object], renders: RenderTracker
    ) -> None:
        self._time = time
        self._ask = ask
        self._renders = renders

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._time.time()

    def elapsed(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._time.elapsed()

    def advance(self, seconds: float) -> None:
        """Advance the time: everything that becomes due happens, and running renders finish."""
        self._renders.wait_until_idle()
        self._ask(seconds)
        self._renders.wait_until_idle()

    def wait(self, seconds: float) -> None:
        """Wait that long, without real time passing."""
        self.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait that long in an event loop, without real time passing."""
        await asyncio.to_thread(self.advance, seconds)
