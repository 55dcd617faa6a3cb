"""The runs of FFmpeg that make a file in a job folder: one, one for each part, or a search."""

import math
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
from .timeline import RenderPlan, Source

RENDER_FILE = "render.mp4"

_SOUND_FILE = "sound.mp4"
_BEST_FILE = "best.mp4"
# Slower than this is no render but a hang: seconds at all, and for each second of the render.
_PATIENCE = (120.0, 120.0)
_SOUND_SHARE, _JOIN_SHARE = 0.05, 0.97

# The search for a size: the worst quality there is, how much of the size is meant, how much is
# enough, and how often it is tried.
_WORST = 51.0
_AIM, _ENOUGH, _TRIES = 0.96, 0.88, 6
# Six steps of quality halve the size, as a rule.
_STEPS_TO_HALVE = 6.0


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
    limit, encoding = plan.encoding.max_bytes, plan.encoding
    seen: list[tuple[float, float]] = []
    best: Encoding | None = None
    for attempt in range(_TRIES):
        tried = msgspec.structs.replace(plan, encoding=encoding)
        await _render(
            folder, tried, machine, stage.part(1 - 0.5**attempt, 1 - 0.5 ** (attempt + 1))
        )
        size = (folder / RENDER_FILE).stat().st_size
        seen.append((encoding.crf, math.log2(size)))
        if size <= limit and (best is None or encoding.crf < best.crf):
            best = encoding
            os.replace(folder / RENDER_FILE, folder / _BEST_FILE)
        if size <= limit and (attempt == 0 or size >= _ENOUGH * limit):
            break
        if size > limit and encoding.crf >= _WORST:
            break
        encoding = msgspec.structs.replace(encoding, crf=_next(seen, math.log2(limit * _AIM)))
        if any(encoding.crf == crf for crf, _ in seen):
            break
    if best is None:
        smallest = 2 ** min(size for _, size in seen) / 1e6
        raise SizeMissed(f"the smallest that it gets is {smallest:.2f} MB")
    os.replace(folder / _BEST_FILE, folder / RENDER_FILE)
    return best


def _next(seen: Sequence[tuple[float, float]], wanted: float) -> float:
    """The quality whose size should be right, from those tried; sizes as powers of two."""
    (crf, size), *others = sorted(seen, key=lambda point: abs(point[1] - wanted))
    slope = -1 / _STEPS_TO_HALVE
    if others and others[0][0] != crf:
        slope = min((others[0][1] - size) / (others[0][0] - crf), -0.02)
    return round(min(max(crf + (wanted - size) / slope, 1.0), _WORST), 1)


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
