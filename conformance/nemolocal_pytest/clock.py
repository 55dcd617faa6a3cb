"""The clock that a test shares with its server: waits take no time, renders take real time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nemolocal_contract.clock import ManualClock
from nemolocal_server.exports.render_executor import RenderExecutor


class NemoClock:
    """A clock of the contract: waiting on it advances the server's clock, and so does `advance`."""

    def __init__(self, server_clock: ManualClock) -> None:
        self._server_clock = server_clock

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._server_clock.time()

    def elapsed(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._server_clock.elapsed()

    def advance(self, seconds: float) -> None:
        """Advance the time: everything that becomes due happens, and running renders finish."""
        self._server_clock.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Wait that long, without real time passing."""
        self.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait that long in an event loop, without real time passing."""
        await asyncio.to_thread(self.advance, seconds)


def hold_while_rendering(clock: ManualClock, execute: RenderExecutor) -> RenderExecutor:
    """Return an executor that holds the clock while a render runs, which takes real time."""

    async def render(plan: Any, destination: Path, on_progress: Callable[[int], None]) -> Any:
        with clock.hold():
            return await execute(plan, destination, on_progress)

    return render
