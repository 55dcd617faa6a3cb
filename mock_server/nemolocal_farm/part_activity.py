"""The activity of a worker: fetch what a part reads, run FFmpeg in its sandbox, return the file."""

import asyncio
import contextlib
import errno
import itertools
import logging
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
from temporalio import activity
from temporalio.exceptions import ApplicationError

from nemolocal_contract.clock import WallClock
from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.command_runs import run_command
from nemolocal_render.filtergraph.ffmpeg_commands import render_command
from nemolocal_render.render_progress import ProgressRange

from .part_tasks import (
    FFMPEG_FAILED,
    RENDER_ACTIVITY,
    RENDER_ENDED,
    SERVER_DISK_FULL,
    TAKEN_ELSEWHERE,
    TRANSFER_FAILED,
    WORKER_UNFIT,
    PartResult,
    PartTask,
    TaskRejected,
    decode_plan_of_task,
    decode_task,
)
from .source_cache import SourceCache, SourceCopy
from .worker_transfers import RenderEnded, ServerDiskFull, TransferFailed, WorkerTransfers

_log = logging.getLogger(__name__)

# The engine notices a lost worker when no heartbeat comes, and cancels in its answer to one.
_HEARTBEAT_SECONDS = 0.5
_OUTPUT = "part.mp4"
_MOST_TRIES = 2
# How long a worker that has failed at a part leaves it to others.
_LEFT_TO_OTHERS = timedelta(seconds=1)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL = "the disk of this worker is full: free some space, then start it again"
_MOST_SAID = 200


def worker_name() -> str:
    """Return the name of this worker for logs: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


class PartRenderer:
    """Renders parts, each in a folder of its own within `folder`.

    `unfit` is set when this worker must leave the farm, for `unfit_reason`.
    """

    def __init__(self, transfers: WorkerTransfers, sources: SourceCache, folder: Path) -> None:
        self._transfers = transfers
        self._sources = sources
        self._folder = folder
        self._clock = WallClock()
        self._rendering = Counter[str]()
        self._failed = set[str]()
        self.last_end = self._clock.elapsed()
        self.unfit = asyncio.Event()
        self.unfit_reason = ""

    @property
    def running(self) -> int:
        """The number of parts that are rendered now."""
        return self._rendering.total()

    @activity.defn(name=RENDER_ACTIVITY)
    async def render_part(self, text: bytes) -> bytes:
        """Render the part of a task and return it; the result is JSON."""
        try:
            task = decode_task(text)
        except TaskRejected as reason:
            raise _rejection(reason) from None
        self._leave_to_others(task)
        self._rendering[task.id] += 1
        try:
            with _heartbeats() as stage:
                return msgspec.json.encode(await self._render_or_fail(task, stage))
        finally:
            self._rendering[task.id] -= 1
            self.last_end = self._clock.elapsed()

    async def _render_or_fail(self, task: PartTask, stage: ProgressRange) -> PartResult:
        """Render a part; raises ApplicationError that says whose failure it is."""
        try:
            return await self._render(task, stage)
        except ffmpeg_cli.FFmpegFailed as failure:
            self._failed.add(task.id)
            if failure.disk_full:
                raise self._leave(_DISK_FULL) from None
            await self._require_working_ffmpeg()
            raise _as_application_error(failure) from None
        except TransferFailed as failure:
            raise ApplicationError(str(failure), type=TRANSFER_FAILED) from None
        except ServerDiskFull:
            reason = "the server has no room for it"
            raise ApplicationError(reason, type=SERVER_DISK_FULL, non_retryable=True) from None
        except RenderEnded:
            reason = "its render has ended"
            raise ApplicationError(reason, type=RENDER_ENDED, non_retryable=True) from None
        except TaskRejected as rejected:
            raise _rejection(rejected) from None
        except OSError as error:
            is_full = error.errno in _FULL
            cannot = f"this worker cannot use its files: {error.strerror}"
            raise self._leave(_DISK_FULL if is_full else cannot) from error

    def _leave_to_others(self, task: PartTask) -> None:
        """Refuse a part that another worker should try; raises ApplicationError."""
        is_here = task.is_second and self._rendering[task.id]
        # Only once: there may be no other worker.
        if is_here or (task.id in self._failed and activity.info().attempt == _MOST_TRIES):
            raise ApplicationError(
                "another worker should render it",
                type=TAKEN_ELSEWHERE,
                next_retry_delay=_LEFT_TO_OTHERS,
            )

    async def _render(self, task: PartTask, stage: ProgressRange) -> PartResult:
        _log.info("part %s begins, attempt %d", task.id, activity.info().attempt)
        folder = Path(tempfile.mkdtemp(prefix="part-", dir=self._folder))
        try:
            result = await self._render_in(folder, task, stage)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _log.info("part %s is returned", task.id)
        return result

    async def _render_in(self, folder: Path, task: PartTask, stage: ProgressRange) -> PartResult:
        times = [self._clock.elapsed()]
        fetched = await self._fetch_others(task, folder)
        complaint = ""
        async with contextlib.AsyncExitStack() as stack:
            copies = await self._fetch_sources(task, stack)
            times.append(self._clock.elapsed())
            complaint = await self._encode(folder, task, copies, stage)
            if complaint:
                _log.warning("part %s again, with whole sources: %s", task.id, complaint)
                more = await self._fetch_sources(task, stack, whole=True)
                await self._encode(folder, task, more, stage)
                fetched += sum(copy.fetched for copy in more.values())
            fetched += sum(copy.fetched for copy in copies.values())
        times.append(self._clock.elapsed())
        size, digest = await self._transfers.send(folder / _OUTPUT, task.upload)
        times.append(self._clock.elapsed())
        fetch, render, send = (b - a for a, b in itertools.pairwise(times))
        return PartResult(
            worker_name(), digest, size, fetched, fetch, render, send, complaint[:_MOST_SAID]
        )

    async def _fetch_others(self, task: PartTask, folder: Path) -> int:
        """Fetch the files that are no sources into the job folder; return their bytes."""
        fetched = 0
        for file in task.files:
            if not file.is_source:
                path = folder / file.name
                path.parent.mkdir(exist_ok=True)
                fetched += await self._transfers.fetch(file, path)
        return fetched

    async def _fetch_sources(
        self, task: PartTask, stack: contextlib.AsyncExitStack, *, whole: bool = False
    ) -> dict[str, SourceCopy]:
        """Have the sources here until the stack ends."""
        return {
            file.name: await stack.enter_async_context(self._sources.source(file, whole=whole))
            for file in task.files
            if file.is_source
        }

    async def _encode(
        self,
        folder: Path,
        task: PartTask,
        copies: Mapping[str, SourceCopy],
        stage: ProgressRange,
    ) -> str:
        """Run FFmpeg; return its complaint if whole sources may leave it without one.

        Raises FFmpegFailed if they are whole.
        """
        if task.machine.encoder != encoders.SOFTWARE_ENCODER:
            raise TaskRejected("its encoder is not that of this worker")
        plan = decode_plan_of_task(task.plan, {name: copy.path for name, copy in copies.items()})
        are_whole = all(copy.is_whole for copy in copies.values())
        try:
            command = await asyncio.to_thread(render_command, plan, task.machine, _OUTPUT)
            complaint = await run_command(folder, plan, command, stage, task.machine)
        except ffmpeg_cli.FFmpegFailed as failure:
            if are_whole or failure.disk_full:
                raise
            return str(failure)
        return "" if are_whole else complaint

    async def _require_working_ffmpeg(self) -> None:
        """Leave the farm if FFmpeg does not work here any more; raises ApplicationError then."""
        trial = await encoders.probe_encoder(encoders.SOFTWARE_ENCODER)
        if trial.error:
            raise self._leave(f"FFmpeg does not work here any more: {trial.error}")

    def _leave(self, reason: str) -> ApplicationError:
        """Leave the farm, since other parts would fail here too; the part is tried elsewhere."""
        _log.error("this worker leaves the farm: %s", reason)
        self.unfit_reason = reason
        self.unfit.set()
        return ApplicationError(reason, type=WORKER_UNFIT)


def _rejection(reason: TaskRejected) -> ApplicationError:
    return ApplicationError(f"the task is refused: {reason}", non_retryable=True)


def _as_application_error(failure: ffmpeg_cli.FFmpegFailed) -> ApplicationError:
    return ApplicationError(
        str(failure),
        failure.user_message,
        failure.cause_unknown,
        type=FFMPEG_FAILED,
        # Another worker may have what this one lacks; a broken source stays broken.
        non_retryable=activity.info().attempt >= _MOST_TRIES,
    )


@contextlib.contextmanager
def _heartbeats() -> Iterator[ProgressRange]:
    """Send a heartbeat twice a second with the progress that the range reports."""
    done = [0.0]

    def report(share: float) -> None:
        done[0] = share

    async def beat() -> None:
        while True:
            activity.heartbeat(round(done[0], 3))
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield ProgressRange(report)
    finally:
        beating.cancel()
