"""Where renders run: one small interface, and the local way to fill it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.planner import RenderPlan

from ..fair_semaphore import CURRENT_OWNER, OVERDUE_SECONDS, FairSemaphore


class RenderExecutor(Protocol):
    """Makes files from plans; raises `RenderFailed`, and stops when it is cancelled."""

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        """Make the file at `destination`, telling percent as it goes."""


class LocalExecutor:
    """Renders on this machine, at most half as many at once as there are cores.

    Whoever comes later waits, fairly between owners (`places.py`). A render gets its share of the
    cores as they are divided when it begins: alone, it gets all.
    """

    def __init__(
        self, workdir: Path, cores: int | None = None, patience: float = OVERDUE_SECONDS
    ) -> None:
        self._workdir = workdir
        self._cores = cores or usable_cores()
        self._slots = FairSemaphore(max(1, self._cores // 2), patience)

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        async with self._slots.slot(CURRENT_OWNER.get()):
            return await render(
                plan,
                destination,
                workdir=self._workdir,
                on_progress=on_progress,
                cores=max(self._cores // self._slots.in_use, 1),
            )
