"""Render long plans on the farm, all others on this machine; and set a server up for it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette

from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.encoders import SOFTWARE_ENCODER, choose_encoder
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_log import write_log
from nemolocal_server.app import use_executor
from nemolocal_server.data.data_folder import PARTS_FOLDER
from nemolocal_server.exports.render_executor import LocalExecutor
from nemolocal_server.fair_semaphore import CURRENT_OWNER, FairSemaphore
from nemolocal_server.services import Services

from .engine import Engine, EngineOptions, EngineUnreachable
from .farm import Farm, FarmLimits
from .farm_build import queue_name
from .farm_key import FarmSetupError
from .farm_parts import FarmParts
from .part_store import PartStore
from .part_tasks import CORES_OF_A_PART
from .source_ranges import SourceRanges
from .transfer_app import build_transfer_app

_log = logging.getLogger(__name__)

_DEFAULT_LIMITS = FarmLimits()
# Renders of which parts are on the farm at once, at least: this machine makes their sound, joins
# and checks them.
_LEAST_AT_ONCE = 4


class FarmExecutor:
    """A `RenderExecutor` that has the parts of long renders encoded by workers.

    Short ones are rendered here, and so are all while there is no engine or no worker.
    """

    def __init__(
        self, options: EngineOptions, store: PartStore, workdir: Path, limits: FarmLimits
    ) -> None:
        self._options = options
        self._store = store
        self._workdir = workdir
        self._limits = limits
        self._cores = usable_cores()
        self._local = LocalExecutor(workdir)
        self._slots = FairSemaphore(max(self._cores, _LEAST_AT_ONCE))
        self._farm: Farm | None = None

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        farm = await self._farm_for(plan, destination.stem)
        if farm is None:
            return await self._local(plan, destination, on_progress)
        async with self._slots.slot(CURRENT_OWNER.get()):
            write_log("begins on the farm")
            parts = FarmParts(farm, CURRENT_OWNER.get())
            with self._store.rendering(destination.stem), contextlib.closing(parts):
                return await render(
                    plan,
                    destination,
                    workdir=self._workdir,
                    on_progress=on_progress,
                    cores=self._cores,
                    parts=parts,
                )

    async def _farm_for(self, plan: RenderPlan, name: str) -> Farm | None:
        """Return the farm if it can render parts of this plan now, or has rendered some."""
        if plan.copy_source is not None:
            return None
        parts = await asyncio.to_thread(split_by_seconds, plan, self._limits.part)
        if len(parts) < 2:
            return None
        if not plan.encoding.max_bytes and (await choose_encoder()).is_hardware:
            write_log("not on the farm: the hardware encoder of this machine is used")
            return None
        try:
            farm = await self._connected()
            if await farm.engine.workers_of(farm.queue):
                return farm
            reason = "it has no worker of this version"
        except (EngineUnreachable, FarmSetupError) as error:
            reason = str(error)
        if self._farm is not None and self._store.has_begun(name):
            # Its finished parts are kept, and the file is the same as without the restart.
            write_log(f"goes on with the parts of the farm, although {reason}")
            return self._farm
        _log.warning("a render does not use the farm: %s", reason)
        write_log(f"not on the farm: {reason}")
        return None

    async def _connected(self) -> Farm:
        if self._farm is None:
            key = self._options.key
            self._farm = Farm(
                engine=Engine(self._options),
                key=key,
                store=self._store,
                ranges=SourceRanges(),
                queue=await asyncio.to_thread(queue_name, key, SOFTWARE_ENCODER),
                limits=self._limits,
                places=asyncio.Semaphore(max(self._cores // CORES_OF_A_PART, 1)),
            )
        return self._farm


def install_farm(
    app: Starlette, options: EngineOptions, limits: FarmLimits = _DEFAULT_LIMITS
) -> None:
    """Render with a farm from now on, before the server of the app starts."""
    services: Services = app.state.services
    work = services.context.store.work
    store = PartStore(work / PARTS_FOLDER, work)
    executor = FarmExecutor(options, store, work, limits)
    use_executor(app, executor, build_transfer_app(options.key, store))
