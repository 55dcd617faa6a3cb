"""The runs of FFmpeg that make a file in a job folder: one, one for each part, or a search."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from . import ffmpeg
from .chunks import parts_of
from .graphs.commands import (
    GRAPH_FILE,
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

    Raises FFmpegFailed, and SizeMissed where a size cannot be kept.
    """
    if plan.encoding.max_bytes:
        return await _search(folder, plan, machine, stage)
    await _render(folder, plan, machine, stage)
    return plan.encoding


async def copy(folder: Path, plan: RenderPlan, source: Source, stage: Stage) -> None:
    """Copy a source into RENDER_FILE; raises FFmpegFailed."""
    await _run(folder, plan, copy_command(source, plan, RENDER_FILE), stage)


async def _render(folder: Path, plan: RenderPlan, machine: Machine, stage: Stage) -> None:
    parts = parts_of(plan)
    if len(parts) == 1:
        await _run(folder, plan, render_command(plan, machine, RENDER_FILE), stage, machine)
        return
    if plan.lanes:
        sound = sound_command(plan, _SOUND_FILE)
        await _run(folder, plan, sound, stage.part(0, _SOUND_SHARE))
    names = await _render_parts(folder, parts, machine, stage.part(_SOUND_SHARE, _JOIN_SHARE))
    (folder / PARTS_FILE).write_text(parts_list(names), encoding="utf-8")
    joining = join_command(plan, _SOUND_FILE, RENDER_FILE)
    await _run(folder, plan, joining, stage.part(_JOIN_SHARE, 1))
    for name in names:
        (folder / name).unlink()


async def _render_parts(
    folder: Path, parts: Sequence[RenderPlan], machine: Machine, stage: Stage
) -> list[str]:
    frames = sum(part.frames for part in parts)
    names = []
    for number, part in enumerate(parts):
        names.append(f"part-{number}.mp4")
        share = stage.part(part.begin / frames, (part.begin + part.frames) / frames)
        await _run(folder, part, render_command(part, machine, names[-1]), share, machine)
    return names


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


async def _run(
    folder: Path,
    plan: RenderPlan,
    command: Command,
    stage: Stage,
    machine: Machine | None = None,
) -> None:
    (folder / GRAPH_FILE).write_text(command.graph, encoding="utf-8")
    paths = [source.path.absolute() for source in plan.sources]
    await ffmpeg.run(
        list(command.arguments),
        folder=folder,
        timeout=_PATIENCE[0] + _PATIENCE[1] * plan.duration,
        policy=Policy(
            read=(*paths, *(path.resolve() for path in paths)),
            devices=machine is not None and machine.hardware,
        ),
        on_line=stage.reader(plan.duration),
    )
