"""Runs renders: an interface, and its implementation on this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nemolocal_contract.plurals import pluralize
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_render.render_log import write_log

from ..fair_semaphore import CURRENT_OWNER, OVERDUE_SECONDS, FairSemaphore


class RenderExecutor(Protocol):
    """Renders plans; raises `RenderJobFailed`, and stops when it is cancelled."""

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        """Render to `destination`; call `on_progress` with percent."""


class LocalExecutor:
    """Renders on this machine, at most half as many at once as there are cores.

    Others wait, fairly between owners (`fair_semaphore.py`). When a render begins, it gets an equal
    share of the cores: all of them if no other render runs.
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
            cores = max(self._cores // self._slots.in_use, 1)
            write_log(f"begins with {pluralize(cores, 'core')}")
            return await render(
                plan, destination, workdir=self._workdir, on_progress=on_progress, cores=cores
            )
