"""Run FFmpeg in a job folder: once, once per part, or in a search for a target size."""

import asyncio
import logging
import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from . import ffmpeg_cli
from .filtergraph.ffmpeg_commands import (
    CONCAT_LIST_FILE,
    EncodeResources,
    FFmpegCommand,
    audio_command,
    concat_command,
    concat_list,
    copy_command,
    motion_command,
    render_command,
)
from .filtergraph.motion_filters import motion_file
from .media import MediaSource
from .planning.output_settings import EncodeSettings
from .planning.plan_splitting import choose_worker_count, split_plan
from .planning.render_plan import RenderPlan
from .render_log import CURRENT_LOG
from .sandbox import SandboxPolicy

_log = logging.getLogger(__name__)

_NEARLY = 99
_MICROSECONDS = 1_000_000


class RenderProgress:
    """The progress of a whole render in percent, which never decreases."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._percent = -1

    def report(self, percent: int) -> None:
        """Report the progress if it has increased."""
        if percent > self._percent:
            self._percent = percent
            self._report(percent)

    def full_range(self) -> "ProgressRange":
        """Return the range of the whole render; 99 % is the most until the file is in place."""
        return ProgressRange(lambda done: self.report(min(int(done * 100), _NEARLY)))


class ProgressRange:
    """A part of a render: progress between two shares of the whole."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report

    def subrange(self, begin: float, end: float) -> "ProgressRange":
        """Return the range between two shares of this range."""
        return ProgressRange(lambda done: self._report(begin + done * (end - begin)))

    def split(self, shares: Sequence[float]) -> "list[ProgressRange]":
        """Return ranges for work in parallel, each for its share of this range."""
        finished = [0.0] * len(shares)

        def report(index: int, done: float) -> None:
            finished[index] = done * shares[index]
            self._report(sum(finished))

        return [ProgressRange(partial(report, index)) for index in range(len(shares))]

    def line_parser(self, seconds: float) -> Callable[[str], None]:
        """Return a parser of FFmpeg's `-progress` lines for a file of so many seconds."""

        def read(line: str) -> None:
            name, _, value = line.partition("=")
            # "N/A" until the first frame is out.
            if name == "out_time_us" and value.isdigit():
                self._report(min(int(value) / _MICROSECONDS / seconds, 1.0))

        return read


# The share of the size to aim for, the share that is enough, and the number of tries.
_AIM, _ENOUGH, _TRIES = 0.96, 0.88, 6
_BEST, _WORST = 1.0, 51.0
# Six steps of CRF usually halve a file; a slope flatter than the second value is not believed.
_USUAL_SLOPE, _LEAST_SLOPE = -1 / 6, -0.02


class SizeTrial(NamedTuple):
    """A CRF (lower is better) and the size of the file in bytes."""

    crf: float
    size: int


def next_crf(tried: Sequence[SizeTrial], limit: int) -> float | None:
    """Return the CRF to try next for a file of at most `limit` bytes; None: the search has ended.

    The first CRF tried is the best one wanted: if its file fits, the search ends.
    """
    crf, size = tried[-1]
    if size <= limit and (len(tried) == 1 or size >= _ENOUGH * limit):
        return None
    known = [one.crf for one in tried]
    guess = _guess(tried, math.log2(limit * _AIM)) if len(tried) < _TRIES else crf
    if guess in known and all(one.size > limit for one in tried):
        guess = _WORST  # nothing has fitted so far
    return None if guess in known else guess


def _guess(tried: Sequence[SizeTrial], wanted: float) -> float:
    """Interpolate the CRF for a size (log2) from the two nearest tries."""
    points = sorted(
        ((one.crf, math.log2(one.size)) for one in tried), key=lambda point: abs(point[1] - wanted)
    )
    crf, size = points[0]
    slope = _USUAL_SLOPE
    if len(points) > 1:
        other_crf, other_size = points[1]
        slope = min((other_size - size) / (other_crf - crf), _LEAST_SLOPE)
    return round(min(max(crf + (wanted - size) / slope, _BEST), _WORST), 1)


RENDER_FILE = "render.mp4"

_SOUND_FILE = "sound.mp4"
_BEST_FILE = "best.mp4"
# The time limit of a render: seconds, plus seconds for each second of its duration.
_TIME_LIMIT = (120.0, 120.0)
_SOUND_SHARE, _JOIN_SHARE = 0.05, 0.97


class TargetSizeUnreachable(Exception):
    """No CRF makes the file small enough; the message says how small it gets."""


async def encode_plan(
    folder: Path, plan: RenderPlan, machine: EncodeResources, stage: ProgressRange
) -> EncodeSettings:
    """Render a plan into RENDER_FILE; return the settings of the file.

    Raises FFmpegFailed, and TargetSizeUnreachable if the size is too small. All runs together have
    the time limit of one.
    """
    most = _time_limit(plan)
    try:
        async with asyncio.timeout(most):
            if plan.encoding.max_bytes:
                return await _search_crf(folder, plan, machine, stage)
            await _encode_once(folder, plan, machine, stage)
    except TimeoutError:
        raise ffmpeg_cli.FFmpegFailed(ffmpeg_cli.timeout_message(most)) from None
    return plan.encoding


def _time_limit(plan: RenderPlan) -> float:
    """Return the time limit of a render in seconds, which also covers slow sources."""
    return _TIME_LIMIT[0] + _TIME_LIMIT[1] * plan.duration


async def copy_streams(
    folder: Path, plan: RenderPlan, source: MediaSource, stage: ProgressRange
) -> None:
    """Copy a source into RENDER_FILE; raises FFmpegFailed."""
    await run_command(folder, plan, copy_command(source, plan, RENDER_FILE), stage)


async def _encode_once(
    folder: Path, plan: RenderPlan, machine: EncodeResources, stage: ProgressRange
) -> None:
    machine = await _measure_motion(folder, plan, machine)
    # A long plan takes time to split, so a thread does it.
    workers, parts = await asyncio.to_thread(_split_for_workers, plan, machine)
    log = CURRENT_LOG.get()
    if log is not None:
        log.set_workers(workers, len(parts))
    if len(parts) == 1:
        make = partial(render_command, plan, machine, RENDER_FILE)
        await run_command(folder, plan, await asyncio.to_thread(make), stage, machine)
        return
    each = msgspec.structs.replace(machine, cores=-(-machine.cores // workers))
    commands: list[tuple[RenderPlan, Callable[[], FFmpegCommand]]] = [
        (part, partial(render_command, part, each, f"part-{number}.mp4"))
        for number, part in enumerate(parts)
    ]
    shares = [part.frames / plan.frames for part in parts]
    if plan.audio_tracks:
        # Audio is encoded once and first: its packets would not fit together at the cuts.
        commands.insert(0, (plan, partial(audio_command, plan, _SOUND_FILE)))
        shares = [_SOUND_SHARE, *((1 - _SOUND_SHARE) * share for share in shares)]
    stages = stage.subrange(0, _JOIN_SHARE).split(shares)
    await _run_all(folder, commands, stages, each, workers)
    await _concat_parts(folder, plan, len(parts), stage.subrange(_JOIN_SHARE, 1))


async def _measure_motion(
    folder: Path, plan: RenderPlan, machine: EncodeResources
) -> EncodeResources:
    """Measure the movements of stabilized clips, if FFmpeg can; return the new resources.

    If it cannot, they are stabilized in one pass.
    """
    shaky = {
        motion_file(picture): picture
        for layer in plan.layers
        for picture in layer
        if picture.clip.has_motion_analysis
    }
    if not shaky or not await ffmpeg_cli.has_filters("vidstabdetect", "vidstabtransform"):
        return machine
    try:
        for name, picture in shaky.items():
            if not (folder / name).exists():
                alone = msgspec.structs.replace(plan, layers=((picture,),), audio_tracks=())
                command = motion_command(alone, picture, machine)
                await run_command(folder, alone, command, None, machine)
    except ffmpeg_cli.FFmpegFailed as failure:
        _log.warning("movements could not be measured: %s", failure)
        return machine
    return msgspec.structs.replace(machine, motion_measured=True)


def _split_for_workers(plan: RenderPlan, machine: EncodeResources) -> tuple[int, list[RenderPlan]]:
    """Return the number of parallel encoders, and the parts of the plan for them."""
    # A hardware encoder is not faster with two processes.
    workers = 1 if machine.uses_hardware else choose_worker_count(plan, machine.cores)
    return workers, split_plan(plan, workers)


async def _run_all(
    folder: Path,
    commands: Sequence[tuple[RenderPlan, Callable[[], FFmpegCommand]]],
    stages: Sequence[ProgressRange],
    machine: EncodeResources,
    workers: int,
) -> None:
    """Run commands in order, `workers` at once; if one fails or this is cancelled, all end.

    Each command is built only when it runs: there may be thousands.
    """
    places = asyncio.Semaphore(workers)

    async def run(
        plan: RenderPlan, make: Callable[[], FFmpegCommand], stage: ProgressRange
    ) -> None:
        async with places:
            await run_command(folder, plan, await asyncio.to_thread(make), stage, machine)

    try:
        async with asyncio.TaskGroup() as group:
            for (plan, make), stage in zip(commands, stages, strict=True):
                group.create_task(run(plan, make, stage))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _concat_parts(folder: Path, plan: RenderPlan, parts: int, stage: ProgressRange) -> None:
    names = [f"part-{number}.mp4" for number in range(parts)]
    (folder / CONCAT_LIST_FILE).write_text(concat_list(names), encoding="utf-8")
    await run_command(folder, plan, concat_command(plan, _SOUND_FILE, RENDER_FILE), stage)
    for name in names:
        (folder / name).unlink()


async def _search_crf(
    folder: Path, plan: RenderPlan, machine: EncodeResources, stage: ProgressRange
) -> EncodeSettings:
    """Try CRF values until the file is as large as allowed, or slightly smaller."""
    limit = plan.encoding.max_bytes
    tried: list[SizeTrial] = []
    best: EncodeSettings | None = None
    crf: float | None = plan.encoding.crf
    while crf is not None:
        encoding = msgspec.structs.replace(plan.encoding, crf=crf)
        share = stage.subrange(1 - 0.5 ** len(tried), 1 - 0.5 ** (len(tried) + 1))
        await _encode_once(folder, msgspec.structs.replace(plan, encoding=encoding), machine, share)
        tried.append(SizeTrial(crf, (folder / RENDER_FILE).stat().st_size))
        if tried[-1].size <= limit and (best is None or encoding.crf < best.crf):
            best = encoding
            os.replace(folder / RENDER_FILE, folder / _BEST_FILE)
        crf = next_crf(tried, limit)
    if best is None:
        smallest = min(one.size for one in tried) / 1e6
        raise TargetSizeUnreachable(f"the smallest that it gets is {smallest:.2f} MB")
    os.replace(folder / _BEST_FILE, folder / RENDER_FILE)
    return best


async def run_command(
    folder: Path,
    plan: RenderPlan,
    command: FFmpegCommand,
    stage: ProgressRange | None,
    machine: EncodeResources | None = None,
) -> None:
    """Run a command that reads the sources of a plan; raises FFmpegFailed."""
    log = CURRENT_LOG.get()
    if log is not None:
        log.add_command(command.arguments, command.graphs)
    for name, graph in command.graphs.items():
        (folder / name).write_text(graph, encoding="utf-8")
    paths = [source.path.absolute() for source in plan.sources]
    await ffmpeg_cli.run(
        list(command.arguments),
        folder=folder,
        timeout=_time_limit(plan),
        policy=SandboxPolicy(
            read=(*paths, *(path.resolve() for path in paths)),
            devices=machine is not None and machine.uses_hardware,
        ),
        on_line=stage.line_parser(plan.duration) if stage else lambda _: None,
    )
