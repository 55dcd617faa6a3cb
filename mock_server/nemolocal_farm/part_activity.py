"""The activity of a worker: fetch what a part reads, run FFmpeg in its sandbox, return the file."""

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from temporalio import activity
from temporalio.exceptions import ApplicationError

from nemolocal_contract.clock import WallClock
from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.part_encoding import LOCAL_PARTS
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_progress import ProgressRange

from .part_tasks import (
    FFMPEG_FAILED,
    RENDER_ACTIVITY,
    TRANSFER_FAILED,
    PartResult,
    PartTask,
    TaskFile,
    TaskRejected,
    decode_plan_of_task,
    decode_task,
)
from .worker_transfers import TransferFailed, WorkerTransfers

_log = logging.getLogger(__name__)

# The engine notices a lost worker when no heartbeat comes, and cancels in its answer to one.
_HEARTBEAT_SECONDS = 0.5
_OUTPUT = "part.mp4"
_MOST_TRIES = 2
# After so many failures in a row a worker tries whether its FFmpeg still works.
_SUSPICIOUS = 2


def worker_name() -> str:
    """Return the name of this worker for logs: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


class PartRenderer:
    """Renders parts, each in a folder of its own within `folder`."""

    def __init__(self, transfers: WorkerTransfers, folder: Path) -> None:
        self._transfers = transfers
        self._folder = folder
        self._failures = 0
        self._clock = WallClock()
        self.running = 0
        self.last_end = self._clock.elapsed()
        self.broken = asyncio.Event()

    @activity.defn(name=RENDER_ACTIVITY)
    async def render_part(self, text: bytes) -> bytes:
        """Render the part of a task and return it; the result is JSON."""
        try:
            task = decode_task(text)
        except TaskRejected as reason:
            raise ApplicationError(f"the task is refused: {reason}", non_retryable=True) from None
        self.running += 1
        try:
            result = await self._render(task)
        except ffmpeg_cli.FFmpegFailed as failure:
            await self._note_failure()
            raise _as_application_error(failure) from None
        except TransferFailed as failure:
            raise ApplicationError(str(failure), type=TRANSFER_FAILED) from None
        except TaskRejected as reason:
            raise ApplicationError(f"the task is refused: {reason}", non_retryable=True) from None
        finally:
            self.running -= 1
            self.last_end = self._clock.elapsed()
        self._failures = 0
        return msgspec.json.encode(result)

    async def _render(self, task: PartTask) -> PartResult:
        _log.info("part %s begins, attempt %d", task.id, activity.info().attempt)
        folder = Path(tempfile.mkdtemp(prefix="part-", dir=self._folder))
        times = [self._clock.elapsed()]
        before = self._transfers.fetched
        try:
            async with contextlib.AsyncExitStack() as stack:
                with _heartbeats() as stage:
                    paths = await self._fetch(task.files, folder, stack)
                    plan = decode_plan_of_task(task.plan, paths)
                    times.append(self._clock.elapsed())
                    await self._encode(folder, plan, task, stage)
                    times.append(self._clock.elapsed())
                    size, digest = await self._transfers.send(folder / _OUTPUT, task.upload)
            times.append(self._clock.elapsed())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        fetch, render, send = (b - a for a, b in itertools.pairwise(times))
        fetched = self._transfers.fetched - before
        _log.info("part %s is returned", task.id)
        return PartResult(worker_name(), digest, size, fetched, fetch, render, send)

    async def _fetch(
        self, files: tuple[TaskFile, ...], folder: Path, stack: contextlib.AsyncExitStack
    ) -> dict[str, Path]:
        """Fetch the files; return the paths of the sources, which stay until the stack ends."""
        paths: dict[str, Path] = {}
        for file in files:
            if file.is_source:
                paths[file.name] = await stack.enter_async_context(self._transfers.source(file))
                continue
            path = folder / file.name
            path.parent.mkdir(exist_ok=True)
            await self._transfers.fetch(file, path)
        return paths

    async def _encode(
        self, folder: Path, plan: RenderPlan, task: PartTask, stage: ProgressRange
    ) -> None:
        if task.machine.encoder != encoders.SOFTWARE_ENCODER:
            raise TaskRejected("its encoder is not that of this worker")
        await LOCAL_PARTS.encode(folder, plan, task.machine, _OUTPUT, stage)

    async def _note_failure(self) -> None:
        """Leave the farm if FFmpeg does not work here any more."""
        self._failures += 1
        if self._failures < _SUSPICIOUS:
            return
        trial = await encoders.probe_encoder(encoders.SOFTWARE_ENCODER)
        if trial.error:
            _log.error("FFmpeg does not work here any more: %s", trial.error)
            self.broken.set()
        self._failures = 0


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
