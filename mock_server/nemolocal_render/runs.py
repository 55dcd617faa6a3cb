"""The runs of FFmpeg that make a file in a job folder: one, several for its parts, or a search."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from . import ffmpeg
from .chunks import parts_of, workers_for
from .graphs.commands import (
    PARTS_FILE,
    Command,
    Machine,
    copy_command,
    join_command,
    parts_list,
    render_command,
    sound_command,
)
from .progress import Stage
from .quality import Encoding
from .sandbox import Policy
from .sizing import Tried, next_quality
from .timeline import RenderPlan, Source

RENDER_FILE = "render.mp4"

_SOUND_FILE = "sound.mp4"
_BEST_FILE = "best.mp4"
# Slower than this is no render but a hang: seconds at all, and for each second of the render.
_PATIENCE = (120.0, 120.0)
_SOUND_SHARE, _JOIN_SHARE = 0.05, 0.97


class SizeMissed(Exception):
    """No quality makes the file as small as it was asked for; the text says how small it gets."""


async def make(folder: Path, plan: RenderPlan, machine: Machine, stage: Stage) -> Encoding:
    """Render a plan into RENDER_FILE; returns the settings that did it.

    Raises FFmpegFailed, and SizeMissed where a size cannot be kept. However many runs it takes, all
    of them together have the time that one has.
    """
    most = _patience(plan)
    try:
        async with asyncio.timeout(most):
            if plan.encoding.max_bytes:
                return await _search(folder, plan, machine, stage)
            await _render(folder, plan, machine, stage)
    except TimeoutError:
        raise ffmpeg.FFmpegFailed(ffmpeg.too_long(most)) from None
    return plan.encoding


def _patience(plan: RenderPlan) -> float:
    """Seconds that a render of this length may take, whatever its sources cost to read."""
    return _PATIENCE[0] + _PATIENCE[1] * plan.duration


async def copy(folder: Path, plan: RenderPlan, source: Source, stage: Stage) -> None:
    """Copy a source into RENDER_FILE; raises FFmpegFailed."""
    await run_command(folder, plan, copy_command(source, plan, RENDER_FILE), stage)


async def _render(folder: Path, plan: RenderPlan, machine: Machine, stage: Stage) -> None:
    # What is long is thought about in a thread: the loop has others to serve.
    workers, parts = await asyncio.to_thread(_divided, plan, machine)
    if len(parts) == 1:
        make = partial(render_command, plan, machine, RENDER_FILE)
        await run_command(folder, plan, await asyncio.to_thread(make), stage, machine)
        return
    each = msgspec.structs.replace(machine, cores=-(-machine.cores // workers))
    commands: list[tuple[RenderPlan, Callable[[], Command]]] = [
        (part, partial(render_command, part, each, f"part-{number}.mp4"))
        for number, part in enumerate(parts)
    ]
    shares = [part.frames / plan.frames for part in parts]
    if plan.lanes:
        # It is encoded once, or its packets would drift from part to part; it goes first.
        commands.insert(0, (plan, partial(sound_command, plan, _SOUND_FILE)))
        shares = [_SOUND_SHARE, *((1 - _SOUND_SHARE) * share for share in shares)]
    stages = stage.part(0, _JOIN_SHARE).split(shares)
    await _run_all(folder, commands, stages, each, workers)
    await _join(folder, plan, len(parts), stage.part(_JOIN_SHARE, 1))


def _divided(plan: RenderPlan, machine: Machine) -> tuple[int, list[RenderPlan]]:
    """How many encoders work at once, and the parts of the plan that they get."""
    # A device has no more to give when two ask for it.
    workers = 1 if machine.hardware else workers_for(plan, machine.cores)
    return workers, parts_of(plan, workers)


async def _run_all(
    folder: Path,
    commands: Sequence[tuple[RenderPlan, Callable[[], Command]]],
    stages: Sequence[Stage],
    machine: Machine,
    workers: int,
) -> None:
    """Run commands in their order, so many at once; if one fails, or all are cancelled, all end.

    Each is made when its turn has come: there may be thousands.
    """
    places = asyncio.Semaphore(workers)

    async def run(plan: RenderPlan, make: Callable[[], Command], stage: Stage) -> None:
        async with places:
            await run_command(folder, plan, await asyncio.to_thread(make), stage, machine)

    try:
        async with asyncio.TaskGroup() as group:
            for (plan, make), stage in zip(commands, stages, strict=True):
                group.create_task(run(plan, make, stage))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _join(folder: Path, plan: RenderPlan, parts: int, stage: Stage) -> None:
    names = [f"part-{number}.mp4" for number in range(parts)]
    (folder / PARTS_FILE).write_text(parts_list(names), encoding="utf-8")
    await run_command(folder, plan, join_command(plan, _SOUND_FILE, RENDER_FILE), stage)
    for name in names:
        (folder / name).unlink()


async def _search(folder: Path, plan: RenderPlan, machine: Machine, stage: Stage) -> Encoding:
    """Try qualities until the file is as large as it may be, or a little smaller."""
    limit = plan.encoding.max_bytes
    tried: list[Tried] = []
    best: Encoding | None = None
    crf: float | None = plan.encoding.crf
    while crf is not None:
        encoding = msgspec.structs.replace(plan.encoding, crf=crf)
        share = stage.part(1 - 0.5 ** len(tried), 1 - 0.5 ** (len(tried) + 1))
        await _render(folder, msgspec.structs.replace(plan, encoding=encoding), machine, share)
        tried.append(Tried(crf, (folder / RENDER_FILE).stat().st_size))
        if tried[-1].size <= limit and (best is None or encoding.crf < best.crf):
            best = encoding
            os.replace(folder / RENDER_FILE, folder / _BEST_FILE)
        crf = next_quality(tried, limit)
    if best is None:
        smallest = min(one.size for one in tried) / 1e6
        raise SizeMissed(f"the smallest that it gets is {smallest:.2f} MB")
    os.replace(folder / _BEST_FILE, folder / RENDER_FILE)
    return best


async def run_command(
    folder: Path,
    plan: RenderPlan,
    command: Command,
    stage: Stage | None,
    machine: Machine | None = None,
) -> None:
    """Run a command that reads the sources of a plan; raises FFmpegFailed."""
    for name, graph in command.graphs.items():
        (folder / name).write_text(graph, encoding="utf-8")
    paths = [source.path.absolute() for source in plan.sources]
    await ffmpeg.run(
        list(command.arguments),
        folder=folder,
        timeout=_patience(plan),
        policy=Policy(
            read=(*paths, *(path.resolve() for path in paths)),
            devices=machine is not None and machine.hardware,
        ),
        on_line=stage.reader(plan.duration) if stage else lambda _: None,
    )
