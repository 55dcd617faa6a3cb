"""Where renders run: one small interface, and the local way to fill it."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nemolocal_render.job import RenderResult, render
from nemolocal_render.plan import RenderPlan


class RenderExecutor(Protocol):
    """Makes files from plans; raises `RenderFailed`, and stops when it is cancelled."""

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        """Make the file at `destination`, telling percent as it goes."""


class LocalExecutor:
    """Renders on this machine, at most half as many at once as there are cores."""

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir
        self._places = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        async with self._places:
            return await render(plan, destination, workdir=self._workdir, on_progress=on_progress)
