"""The parts of one render on the farm; parts that the farm does not render are rendered here."""

import asyncio
import contextlib
import logging
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from temporalio.client import ActivityFailureError, ActivityHandle, PendingActivityState
from temporalio.common import ActivityIDConflictPolicy, Priority, RetryPolicy
from temporalio.exceptions import ApplicationError, TimeoutError as ActivityTimeout, TimeoutType
from temporalio.service import RPCError, RPCStatusCode

from nemolocal_contract.clock import WallClock
from nemolocal_render.command_runs import time_limit
from nemolocal_render.ffmpeg_cli import FFmpegFailed, timeout_message
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.part_encoding import LOCAL_PARTS, Division
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.packet_sizes import read_packets
from nemolocal_render.render_log import log_worker, write_log
from nemolocal_render.render_progress import ProgressRange

from .engine import Engine, EngineUnreachable
from .farm_build import farm_build
from .farm_key import FarmKey
from .part_store import PartStore
from .part_tasks import (
    CORES_OF_A_PART,
    FFMPEG_FAILED,
    RENDER_ACTIVITY,
    PartResult,
    PartTask,
    TaskFile,
    encode_plan_for_workers,
    files_of_part,
    part_id,
)
from .sealed_payloads import SealBroken
from .signed_paths import sign_path
from .transfer_app import file_path, upload_path

_log = logging.getLogger(__name__)

# How often a part is begun: after that the part itself is to blame.
_ATTEMPTS = 3
# Seconds that fetching and returning files may take besides rendering.
_TRANSFER_SECONDS = 1800.0
_WATCH_SECONDS = 0.5
_RPC_TIMEOUT = timedelta(seconds=5)
_CANCEL_SECONDS = 2.0


class FarmLimits(msgspec.Struct, frozen=True):
    """Seconds: of a part, and of silence until something is considered lost.

    A worker is lost after `heartbeat` without a sign of life, all workers are after `no_worker` in
    which none takes a part, the engine is after `engine`. Workers that are there and work on
    nothing of this server for `idle` are not waited for.
    """

    part: float = 8.0
    heartbeat: float = 4.0
    no_worker: float = 10.0
    engine: float = 30.0
    idle: float = 60.0


class FarmUnavailable(Exception):
    """The farm does not render a part; the message says why."""


class _PartForgotten(Exception):
    """The engine does not know a part any more: it has started anew without its data."""


class Farm(msgspec.Struct):
    """What all renders of a server share: `queue` is that of the workers of this build.

    `places` are for the parts that this machine renders itself. `last_sign` is when a worker was
    last seen at work, by the clock.
    """

    engine: Engine
    key: FarmKey
    store: PartStore
    queue: str
    limits: FarmLimits
    places: asyncio.Semaphore
    clock: WallClock = msgspec.field(default_factory=WallClock)
    last_sign: float = 0.0


class FarmParts:
    """Encodes the parts of one render (a `PartEncoder`); `owner` is the token, for fairness."""

    def __init__(self, farm: Farm, owner: str) -> None:
        self._farm = farm
        self._owner = owner
        self._offers = contextlib.ExitStack()
        self._header = ""
        self._has_warned = False

    def close(self) -> None:
        """Delete the parts that no other render needs."""
        self._offers.close()

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        """Return parts of about equal length, all of which may be encoded at once."""
        if machine.uses_hardware:
            return LOCAL_PARTS.divide(plan, machine)
        parts = tuple(split_by_seconds(plan, self._farm.limits.part))
        if len(parts) == 1:
            return Division(parts, machine, 1)
        each = msgspec.structs.replace(machine, cores=CORES_OF_A_PART)
        return Division(parts, each, len(parts))

    async def encode(
        self,
        folder: Path,
        part: RenderPlan,
        machine: EncodeResources,
        output: str,
        stage: ProgressRange,
    ) -> None:
        """Have a part rendered by a worker, or here if the farm is not available.

        Raises FFmpegFailed, and RenderJobFailed if three workers were lost on the part.
        """
        plan = await asyncio.to_thread(encode_plan_for_workers, part)
        files = files_of_part(folder, part, machine)
        digests = {name: await self._farm.store.digest(path) for name, path in files.items()}
        name = part_id(farm_build(), plan, machine, digests)
        self._offers.enter_context(self._farm.store.offered(name, files))
        place = _place(part)
        if self._farm.store.has(name):
            write_log(f"{place}: was there already")
        else:
            task = self._task(name, plan, machine, digests)
            try:
                await self._on_farm(task, part, stage)
            except FarmUnavailable as reason:
                await self._here(folder, part, machine, output, stage, str(reason))
                return
        await asyncio.to_thread(_link_or_copy, self._farm.store.path(name), folder / output)
        await self._check(folder, output, part)
        stage.report(1.0)

    def _task(
        self,
        name: str,
        plan: bytes,
        machine: EncodeResources,
        digests: dict[str, tuple[int, str]],
    ) -> PartTask:
        key, seconds = self._farm.key, _TRANSFER_SECONDS * _ATTEMPTS
        files = tuple(
            TaskFile(file, size, digest, sign_path(key, "GET", file_path(name, file), seconds))
            for file, (size, digest) in digests.items()
        )
        upload = sign_path(key, "PUT", upload_path(name), seconds)
        return PartTask(name, msgspec.Raw(plan), machine, files, upload)

    async def _on_farm(self, task: PartTask, part: RenderPlan, stage: ProgressRange) -> None:
        """Wait until a worker has returned a part; raises FarmUnavailable too."""
        while True:
            handle = await self._start(task, part)
            try:
                result = await self._wait(handle, part, stage)
            except _PartForgotten:
                write_log(f"{_place(part)}: the engine has lost it, it is handed over again")
                continue
            except (FarmUnavailable, asyncio.CancelledError):
                await _cancel(handle)
                raise
            break
        self._farm.last_sign = self._farm.clock.elapsed()
        log_worker(result.worker)
        if not self._farm.store.has(task.id):
            raise FarmUnavailable("its file is not there")
        write_log(
            f"{_place(part)}: by {result.worker}, fetched {result.fetched} bytes in "
            f"{result.fetch_seconds:.1f} s, rendered in {result.render_seconds:.1f} s, returned "
            f"{result.size} bytes in {result.send_seconds:.1f} s"
        )

    async def _start(self, task: PartTask, part: RenderPlan) -> ActivityHandle[bytes]:
        limits = self._farm.limits
        try:
            client = await self._farm.engine.client()
            return await client.start_activity(
                RENDER_ACTIVITY,
                msgspec.json.encode(task),
                id=task.id,
                task_queue=self._farm.queue,
                result_type=bytes,
                start_to_close_timeout=timedelta(seconds=time_limit(part) + _TRANSFER_SECONDS),
                heartbeat_timeout=timedelta(seconds=limits.heartbeat),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=0.1),
                    maximum_interval=timedelta(seconds=5),
                    maximum_attempts=_ATTEMPTS,
                ),
                # A server that was started again finds its parts at work.
                id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
                priority=Priority(fairness_key=self._owner),
                rpc_timeout=_RPC_TIMEOUT,
            )
        except (EngineUnreachable, RPCError) as error:
            raise FarmUnavailable(str(error)) from error

    async def _wait(
        self, handle: ActivityHandle[bytes], part: RenderPlan, stage: ProgressRange
    ) -> PartResult:
        result = asyncio.create_task(_result(handle))
        watch = asyncio.create_task(self._watch(handle, stage))
        try:
            await asyncio.wait({result, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                watch.result()
            return msgspec.json.decode(await result, type=PartResult)
        except ActivityFailureError as failure:
            raise _explain(failure.cause, part) from failure
        except SealBroken as error:
            raise FarmUnavailable(f"the answer of a worker was {error}") from error
        finally:
            result.cancel()
            watch.cancel()
            await asyncio.wait({result, watch})

    async def _watch(self, handle: ActivityHandle[bytes], stage: ProgressRange) -> None:
        """Report progress; raises FarmUnavailable when nothing happens for long."""
        farm, clock = self._farm, self._farm.clock
        answered = waiting = begun = clock.elapsed()
        while True:
            await clock.sleep(_WATCH_SECONDS)
            now = clock.elapsed()
            try:
                seen = await handle.describe(
                    include_heartbeat_details=True, rpc_timeout=_RPC_TIMEOUT
                )
                answered = now
                if seen.run_state == PendingActivityState.STARTED:
                    farm.last_sign = now
                    log_worker(seen.last_worker_identity or "")
                    if details := await seen.heartbeat_details([float]):
                        stage.report(details[0])
                elif now - max(waiting, farm.last_sign) > farm.limits.no_worker:
                    if not await farm.engine.workers_of(farm.queue):
                        raise FarmUnavailable("no worker takes it")
                    if now - max(begun, farm.last_sign) > farm.limits.idle:
                        raise FarmUnavailable("its workers take nothing")
                    waiting = now
            except (RPCError, EngineUnreachable) as error:
                if isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND:
                    raise _PartForgotten from None
                if now - answered > farm.limits.engine:
                    raise FarmUnavailable("the engine does not answer any more") from error

    async def _here(
        self,
        folder: Path,
        part: RenderPlan,
        machine: EncodeResources,
        output: str,
        stage: ProgressRange,
        reason: str,
    ) -> None:
        """Render a part on this machine, as a worker would: the file is the same."""
        if not self._has_warned:
            self._has_warned = True
            _log.warning("a render goes on without the farm: %s", reason)
        write_log(f"{_place(part)}: rendered on this machine, since {reason}")
        async with self._farm.places:
            await LOCAL_PARTS.encode(folder, part, machine, output, stage)
        await self._check(folder, output, part)

    async def _check(self, folder: Path, name: str, part: RenderPlan) -> None:
        """Raise FFmpegFailed if a part does not fit the others of the render."""
        packets = await read_packets(folder, name)
        self._header = self._header or packets.header
        if len(packets.sizes) != part.frames:
            raise FFmpegFailed("a part has another number of frames")
        if packets.header != self._header:
            raise FFmpegFailed("the parts were encoded with different settings")


def _place(part: RenderPlan) -> str:
    return f"part at {float(part.start_frame / part.fps):.1f} s"


async def _result(handle: ActivityHandle[bytes]) -> bytes:
    """Wait for the result, also while the engine cannot be reached."""
    while True:
        try:
            return await handle.result()
        except RPCError:
            await WallClock().sleep(_WATCH_SECONDS)


async def _cancel(handle: ActivityHandle[Any]) -> None:
    """Have a part ended; if that fails, the worker ends it when the time is over."""
    with contextlib.suppress(RPCError, TimeoutError):
        async with asyncio.timeout(_CANCEL_SECONDS):
            await handle.cancel(reason="the render has ended", rpc_timeout=_RPC_TIMEOUT)


def _explain(cause: BaseException | None, part: RenderPlan) -> Exception:
    """Return the exception for a part that has failed on the farm for good."""
    if isinstance(cause, ApplicationError) and cause.type == FFMPEG_FAILED:
        user_message, is_unknown = cause.details
        return FFmpegFailed(cause.message, str(user_message), cause_unknown=bool(is_unknown))
    if isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.HEARTBEAT:
        return RenderJobFailed(f"{_ATTEMPTS} workers were lost on the {_place(part)}")
    if isinstance(cause, ActivityTimeout):
        return FFmpegFailed(timeout_message(time_limit(part)))
    return FarmUnavailable(f"the farm has given it up: {cause}")


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
