"""A worker of the farm: one process on each machine, which renders parts until it is ended."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from nemolocal_contract.clock import WallClock
from nemolocal_render import encoders
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.temporary_folder import TemporaryFolder

from .engine import Engine, EngineOptions, EngineUnreachable, FarmWorker
from .farm_build import queue_name, roll_call_queue
from .farm_key import FarmSetupError
from .part_activity import PartRenderer, worker_name
from .part_tasks import CORES_OF_A_PART
from .source_cache import SourceCache
from .worker_transfers import WorkerTransfers

_GIB = 1 << 30
_POLL_SECONDS = 0.5
_HEARTBEATS = timedelta(seconds=1)
_KNOWN_POLLS, _KNOWN_SECONDS = 100, 0.1
_CONNECT_PAUSES = (0.5, 1.0, 2.0, 4.0)


class WorkerOptions(msgspec.Struct, frozen=True):
    """How a worker works: `server` is the base URL of `nemolocal serve`.

    `places` is the number of parts at once, by default one for each two cores. Without work for
    `idle_exit` seconds it ends. `cache_bytes` of sources are kept. `media` is the media folder of
    the server, if this machine sees it.
    """

    engine: EngineOptions
    server: str
    places: int = 0
    idle_exit: float | None = None
    cache_bytes: int = 20 * _GIB
    media: Path | None = None


@activity.defn
async def report_worker() -> None:
    """Do nothing: who asks for such a task is a worker, and no server hands out any."""


class WorkerBroken(Exception):
    """The worker has left the farm, since it fails at everything; the message says why."""


async def run_worker(options: WorkerOptions, on_ready: Callable[[str], None]) -> None:
    """Work until SIGTERM or SIGINT, or until there was no work for long.

    `on_ready` gets the name of the queue. Raises FarmSetupError, EngineUnreachable and
    WorkerBroken.
    """
    trial = await encoders.probe_encoder(encoders.SOFTWARE_ENCODER)
    if trial.error:
        raise FarmSetupError(f"FFmpeg does not work here: {trial.error}; see `nemolocal doctor`")
    queue = await asyncio.to_thread(queue_name, options.engine.key, encoders.SOFTWARE_ENCODER)
    engine = Engine(options.engine)
    client = await _connect(engine)
    with TemporaryFolder("worker") as folder:
        sources, parts = folder / "sources", folder / "parts"
        sources.mkdir()
        parts.mkdir()
        transfers = WorkerTransfers(options.server)
        cache = SourceCache(transfers, sources, options.cache_bytes, options.media)
        renderer = PartRenderer(transfers, cache, parts)
        worker = Worker(
            client,
            task_queue=queue,
            activities=[renderer.render_part],
            identity=worker_name(),
            max_concurrent_activities=options.places or max(usable_cores() // CORES_OF_A_PART, 1),
            graceful_shutdown_timeout=timedelta(0),
            # By default the SDK sends one in 0.8 of the time after which a worker is lost.
            max_heartbeat_throttle_interval=_HEARTBEATS,
            default_heartbeat_throttle_interval=_HEARTBEATS,
        )
        roll_call = Worker(
            client,
            task_queue=roll_call_queue(options.engine.key),
            activities=[report_worker],
            identity=FarmWorker(worker_name(), queue).identity,
            max_concurrent_activities=1,
        )
        try:
            async with worker, roll_call:
                await _wait_until_known(engine, queue)
                on_ready(queue)
                await _wait_for_end(renderer, options.idle_exit)
        finally:
            await transfers.close()
    if renderer.unfit.is_set():
        raise WorkerBroken(renderer.unfit_reason)


async def _connect(engine: Engine) -> Client:
    """Connect to an engine that may just be starting; raises EngineUnreachable."""
    for pause in _CONNECT_PAUSES:
        try:
            return await engine.client()
        except EngineUnreachable:
            await WallClock().sleep(pause)
    return await engine.client()


async def _wait_until_known(engine: Engine, queue: str) -> None:
    """Wait until the engine lists this worker: before that a server does not use it."""
    for _ in range(_KNOWN_POLLS):
        with contextlib.suppress(EngineUnreachable):
            if worker_name() in await engine.workers_of(queue):
                return
        await WallClock().sleep(_KNOWN_SECONDS)


async def _wait_for_end(renderer: PartRenderer, idle_exit: float | None) -> None:
    """Return at a signal, when the worker is unfit, or when it has been idle for long."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    clock = WallClock()
    while not stopped.is_set() and not renderer.unfit.is_set():
        idle = 0.0 if renderer.running else clock.elapsed() - renderer.last_end
        if idle_exit is not None and idle >= idle_exit:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)
