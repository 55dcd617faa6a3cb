"""The runs of FFmpeg that make a file in a job folder: one, several for its parts, or a search."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

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
    render_command,
)
from .media import MediaSource
from .planning.output_settings import EncodeSettings
from .planning.plan_splitting import choose_worker_count, split_plan
from .planning.render_plan import RenderPlan
from .progress import ProgressRange
from .sandbox import SandboxPolicy
from .target_size import SizeTrial, next_crf

RENDER_FILE = "render.mp4"

_SOUND_FILE = "sound.mp4"
_BEST_FILE = "best.mp4"
# Slower than this is no render but a hang: seconds at all, and for each second of the render.
_TIME_LIMIT = (120.0, 120.0)
_SOUND_SHARE, _JOIN_SHARE = 0.05, 0.97


class TargetSizeUnreachable(Exception):
    """No quality makes the file as small as it was asked for; the text says how small it gets."""


async def encode_plan(
    folder: Path, plan: RenderPlan, machine: EncodeResources, stage: ProgressRange
) -> EncodeSettings:
    """Render a plan into RENDER_FILE; returns the settings that did it.

    Raises FFmpegFailed, and TargetSizeUnreachable where a size cannot be kept. However many runs it
    takes, all of them together have the time that one has.
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
    """Seconds that a render of this length may take, whatever its sources cost to read."""
    return _TIME_LIMIT[0] + _TIME_LIMIT[1] * plan.duration


async def copy_streams(
    folder: Path, plan: RenderPlan, source: MediaSource, stage: ProgressRange
) -> None:
    """Copy a source into RENDER_FILE; raises FFmpegFailed."""
    await run_command(folder, plan, copy_command(source, plan, RENDER_FILE), stage)


async def _encode_once(
    folder: Path, plan: RenderPlan, machine: EncodeResources, stage: ProgressRange
) -> None:
    # What is long is thought about in a thread: the loop has others to serve.
    workers, parts = await asyncio.to_thread(_split_for_workers, plan, machine)
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
        # It is encoded once, or its packets would drift from part to part; it goes first.
        commands.insert(0, (plan, partial(audio_command, plan, _SOUND_FILE)))
        shares = [_SOUND_SHARE, *((1 - _SOUND_SHARE) * share for share in shares)]
    stages = stage.subrange(0, _JOIN_SHARE).split(shares)
    await _run_all(folder, commands, stages, each, workers)
    await _concat_parts(folder, plan, len(parts), stage.subrange(_JOIN_SHARE, 1))


def _split_for_workers(plan: RenderPlan, machine: EncodeResources) -> tuple[int, list[RenderPlan]]:
    """How many encoders work at once, and the parts of the plan that they get."""
    # A device has no more to give when two ask for it.
    workers = 1 if machine.uses_hardware else choose_worker_count(plan, machine.cores)
    return workers, split_plan(plan, workers)


async def _run_all(
    folder: Path,
    commands: Sequence[tuple[RenderPlan, Callable[[], FFmpegCommand]]],
    stages: Sequence[ProgressRange],
    machine: EncodeResources,
    workers: int,
) -> None:
    """Run commands in their order, so many at once; if one fails, or all are cancelled, all end.

    Each is made when its turn has come: there may be thousands.
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
    """Try qualities until the file is as large as it may be, or a little smaller."""
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
