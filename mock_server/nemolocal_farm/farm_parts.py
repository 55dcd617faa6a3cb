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
from temporalio.client import ActivityFailureError, ActivityHandle
from temporalio.common import ActivityIDConflictPolicy, Priority, RetryPolicy
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    TimeoutError as ActivityTimeout,
    TimeoutType,
)
from temporalio.service import RPCError

from nemolocal_contract.clock import WallClock
from nemolocal_render.command_runs import time_limit
from nemolocal_render.ffmpeg_cli import DISK_FULL, FFmpegFailed, timeout_message
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.part_encoding import LOCAL_PARTS, Division
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.packet_sizes import read_packets
from nemolocal_render.render_log import log_worker, write_log
from nemolocal_render.render_progress import ProgressRange

from .engine import EngineUnreachable
from .farm import Farm, FarmUnavailable
from .part_tasks import (
    CORES_OF_A_PART,
    FFMPEG_FAILED,
    RENDER_ACTIVITY,
    RENDER_ENDED,
    SERVER_DISK_FULL,
    PartResult,
    PartTask,
    TaskFile,
    encode_plan_for_workers,
    files_of_part,
    part_id,
    shared_name,
    source_names,
)
from .part_watch import (
    RPC_TIMEOUT,
    WATCH_SECONDS,
    PartForgotten,
    PartUnanswered,
    PartView,
    PartWatch,
    RenderPace,
)
from .sealed_payloads import SealBroken
from .signed_paths import sign_path
from .transfer_app import file_path, upload_path

_log = logging.getLogger(__name__)

# How often a part is begun: after that the part itself is to blame.
_ATTEMPTS = 3
# How often a part is handed over to an engine that forgets it.
_HANDED_OVER = 3
# Seconds that fetching and returning files may take besides rendering.
_TRANSFER_SECONDS = 1800.0
# An answer of the engine comes at the latest after 20 s, if only to say that there is no result.
_POLL_TIMEOUT = timedelta(seconds=60)
_CANCEL_SECONDS = 2.0
_SECOND = "-b"
# Only a worker that has nothing else to do takes a second copy; 3 is usual, 5 the last.
_LAST = 5


class FarmParts:
    """Encodes the parts of one render (a `PartEncoder`); `owner` is the token, for fairness."""

    def __init__(self, farm: Farm, owner: str) -> None:
        self._farm = farm
        self._owner = owner
        self._offers = contextlib.ExitStack()
        self._header = ""
        self._has_warned = False
        self._pace = RenderPace(farm.limits)

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
        each = msgspec.structs.replace(machine, cores=CORES_OF_A_PART, is_repeatable=True)
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
        # Of this queue: another farm on the engine cannot open what this one asks for.
        name = part_id(self._farm.queue, plan, machine, digests)
        self._offers.enter_context(self._farm.store.offered(name, files))
        place = _place(part)
        if self._farm.store.has(name):
            write_log(f"{place}: was there already")
        else:
            task = await self._task(name, plan, part, machine, digests)
            try:
                await self._on_farm(task, part, stage)
            except FarmUnavailable as reason:
                # Its file may have come without the engine's knowledge.
                if not self._farm.store.has(name):
                    await self._here(folder, part, machine, output, stage, str(reason))
                    return
        await asyncio.to_thread(_link_or_copy, self._farm.store.path(name), folder / output)
        await self._check(folder, output, part)
        stage.report(1.0)

    async def _task(
        self,
        name: str,
        plan: bytes,
        part: RenderPlan,
        machine: EncodeResources,
        digests: dict[str, tuple[int, str]],
    ) -> PartTask:
        key, seconds = self._farm.key, _TRANSFER_SECONDS * _ATTEMPTS
        sources = dict(zip(source_names(part), part.sources, strict=True))
        files = []
        for file, (size, digest) in digests.items():
            entry = TaskFile(
                file, size, digest, sign_path(key, "GET", file_path(name, file), seconds)
            )
            if (source := sources.get(file)) is not None:
                ranges = await self._farm.ranges.of_part(part, source, size, digest)
                shared = shared_name(source.path)
                entry = msgspec.structs.replace(entry, ranges=ranges, shared=shared)
            files.append(entry)
        upload = sign_path(key, "PUT", upload_path(name), seconds)
        return PartTask(name, msgspec.Raw(plan), machine, tuple(files), upload)

    async def _on_farm(self, task: PartTask, part: RenderPlan, stage: ProgressRange) -> None:
        """Wait until a worker has returned a part; raises FarmUnavailable too."""
        view = PartView()
        self._pace.add(view)
        end = None
        try:
            result = await self._of_two(task, part, stage, view)
            end = self._farm.last_sign = self._farm.clock.elapsed()
        finally:
            self._pace.remove(view, part.frames, end)
        log_worker(result.worker)
        if not self._farm.store.has(task.id):
            raise FarmUnavailable("its file is not there")
        whole = f", whole sources since {result.complaint!r}" if result.complaint else ""
        write_log(
            f"{_place(part)}: by {result.worker}, fetched {result.fetched} bytes in "
            f"{result.fetch_seconds:.2f} s{whole}, rendered in {result.render_seconds:.2f} s, "
            f"returned {result.size} bytes in {result.send_seconds:.2f} s"
        )

    async def _of_two(
        self, task: PartTask, part: RenderPlan, stage: ProgressRange, view: PartView
    ) -> PartResult:
        """Wait for a part, from a second worker if the first is slow: the file is the same."""
        first = asyncio.create_task(self._handed_over(task, task.id, part, stage, view))
        slow = asyncio.create_task(self._until_straggling(part, view))
        tasks: list[asyncio.Task[Any]] = [first, slow]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if first.done():
                return first.result()
            slow.result()
            write_log(f"{_place(part)}: is slow, a second worker may take it too")
            second = asyncio.create_task(self._second(task, part))
            tasks.append(second)
            await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
            # The first one alone says why a part fails.
            if not first.done() and second.exception() is None:
                return second.result()
            return await first
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _second(self, task: PartTask, part: RenderPlan) -> PartResult:
        """Wait for a part from a worker that has nothing else to do; raises FarmUnavailable."""
        copy = msgspec.structs.replace(task, is_second=True)
        for _ in range(_ATTEMPTS):
            # The slow worker itself may get it, and refuses it.
            with contextlib.suppress(FarmUnavailable):
                return await self._handed_over(copy, task.id + _SECOND, part, None, PartView())
            await self._farm.clock.sleep(WATCH_SECONDS)
        raise FarmUnavailable("no second worker takes it")

    async def _until_straggling(self, part: RenderPlan, view: PartView) -> None:
        clock = self._farm.clock
        while not self._pace.is_straggling(view, part.frames, clock.elapsed()):
            await clock.sleep(WATCH_SECONDS)

    async def _handed_over(
        self,
        task: PartTask,
        name: str,
        part: RenderPlan,
        stage: ProgressRange | None,
        view: PartView,
    ) -> PartResult:
        """Hand a part to the engine and wait for it; cancelled, it is taken back."""
        last = PartForgotten()
        for _ in range(_HANDED_OVER):
            handle = await self._start(task, name, part, _ATTEMPTS - view.answered)
            try:
                return await self._wait(handle, part, stage, view)
            except PartForgotten as reason:
                write_log(f"{_place(part)}: {reason}, it is handed over again")
                last = reason
            except (FarmUnavailable, asyncio.CancelledError):
                await _cancel(handle)
                raise
        if isinstance(last, PartUnanswered):
            # A part that may have ended a worker is not tried on the server.
            if view.answered:
                raise _lost(view.answered, part)
            raise FarmUnavailable("no worker begins it")
        raise FarmUnavailable("the engine loses it again and again")

    async def _start(
        self, task: PartTask, name: str, part: RenderPlan, attempts: int
    ) -> ActivityHandle[bytes]:
        limits = self._farm.limits
        priority, attempts = (_LAST, 1) if task.is_second else (None, attempts)
        try:
            client = await self._farm.engine.client()
            return await client.start_activity(
                RENDER_ACTIVITY,
                msgspec.json.encode(task),
                id=name,
                task_queue=self._farm.queue,
                result_type=bytes,
                start_to_close_timeout=timedelta(seconds=time_limit(part) + _TRANSFER_SECONDS),
                heartbeat_timeout=timedelta(seconds=limits.heartbeat),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=0.1),
                    maximum_interval=timedelta(seconds=5),
                    maximum_attempts=attempts,
                ),
                # A server that was started again finds its parts at work.
                id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
                priority=Priority(priority_key=priority, fairness_key=self._owner),
                rpc_timeout=RPC_TIMEOUT,
            )
        except (EngineUnreachable, RPCError) as error:
            raise FarmUnavailable(str(error)) from error

    async def _wait(
        self,
        handle: ActivityHandle[bytes],
        part: RenderPlan,
        stage: ProgressRange | None,
        view: PartView,
    ) -> PartResult:
        result = asyncio.create_task(_result(handle))

        def tell(worker: str, share: float) -> None:
            # What a second copy does is not the progress of the part.
            if stage is not None:
                log_worker(worker)
                stage.report(share)

        watch = asyncio.create_task(PartWatch(self._farm, handle, view, self._pace).run(tell))
        try:
            await asyncio.wait({result, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                watch.result()
            return msgspec.json.decode(result.result(), type=PartResult)
        except ActivityFailureError as failure:
            if _is_silence(failure.cause):
                raise await _explain_silence(handle, view, part) from failure
            raise _explain(failure.cause, part) from failure
        except SealBroken as error:
            raise FarmUnavailable(f"the answer of a worker was {error}") from error
        finally:
            result.cancel()
            watch.cancel()
            await asyncio.wait({result, watch}, timeout=_CANCEL_SECONDS)

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
            return await handle.result(rpc_timeout=_POLL_TIMEOUT)
        except RPCError:
            await WallClock().sleep(WATCH_SECONDS)
        except asyncio.CancelledError:
            # The SDK also raises it when the engine has cancelled its call, such as at its end.
            this = asyncio.current_task()
            if this is None or this.cancelling():
                raise
            await WallClock().sleep(WATCH_SECONDS)


async def _cancel(handle: ActivityHandle[Any]) -> None:
    """Have a part ended; if that fails, the worker ends it when the time is over."""
    with contextlib.suppress(RPCError, TimeoutError):
        async with asyncio.timeout(_CANCEL_SECONDS):
            await handle.cancel(reason="the render has ended", rpc_timeout=RPC_TIMEOUT)


def _explain(cause: BaseException | None, part: RenderPlan) -> Exception:
    """Return the exception for a part that has failed on the farm for good."""
    if isinstance(cause, ApplicationError) and cause.type == FFMPEG_FAILED:
        user_message, is_unknown = cause.details
        return FFmpegFailed(cause.message, str(user_message), cause_unknown=bool(is_unknown))
    if isinstance(cause, CancelledError):
        return PartForgotten("an earlier render took it back")
    if isinstance(cause, ApplicationError) and cause.type == RENDER_ENDED:
        return PartForgotten("it was that of an earlier render")
    if isinstance(cause, ApplicationError) and cause.type == SERVER_DISK_FULL:
        return FFmpegFailed(cause.message, DISK_FULL)
    if isinstance(cause, ActivityTimeout):
        return FFmpegFailed(timeout_message(time_limit(part)))
    return FarmUnavailable(f"the farm has given it up: {cause}")


def _is_silence(cause: BaseException | None) -> bool:
    return isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.HEARTBEAT


async def _explain_silence(
    handle: ActivityHandle[bytes], view: PartView, part: RenderPlan
) -> Exception:
    """Return the exception for a part of which no worker has said anything for long."""
    with contextlib.suppress(RPCError):
        view.note_answer(await handle.describe(rpc_timeout=RPC_TIMEOUT))
    if view.answered < _ATTEMPTS:
        return PartUnanswered("not all workers that were given it have answered")
    return _lost(view.answered, part)


def _lost(count: int, part: RenderPlan) -> RenderJobFailed:
    workers = "1 worker was" if count == 1 else f"{count} workers were"
    return RenderJobFailed(f"{workers} lost on the {_place(part)}")


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
