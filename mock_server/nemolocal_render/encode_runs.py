"""Encode a plan: once, or in a search for a target size."""

import asyncio
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from . import ffmpeg_cli
from .command_runs import run_command, time_limit
from .filtergraph.ffmpeg_commands import EncodeResources, copy_command, motion_command
from .filtergraph.motion_filters import motion_file
from .media import MediaSource
from .part_encoding import (
    LOCAL_PARTS,
    RENDER_FILE,
    PartEncoder,
    divide_for_one_encoder,
    encode_division,
)
from .planning.output_settings import EncodeSettings
from .planning.render_plan import RenderPlan
from .render_log import write_log
from .render_progress import ProgressRange
from .video_ceiling import CeilingReached

_log = logging.getLogger(__name__)

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


_BEST_FILE = "best.mp4"


class TargetSizeUnreachable(Exception):
    """No CRF makes the file small enough; the message says how small it gets."""


async def encode_plan(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    encoder: PartEncoder = LOCAL_PARTS,
) -> EncodeSettings:
    """Render a plan into RENDER_FILE; return the settings of the file.

    Raises FFmpegFailed, and TargetSizeUnreachable if the size is too small. All runs together have
    the time limit of one.
    """
    most = time_limit(plan)
    try:
        async with asyncio.timeout(most):
            if plan.encoding.max_bytes:
                return await _search_crf(folder, plan, machine, stage, encoder)
            await _encode_once(folder, plan, machine, stage, encoder)
    except TimeoutError:
        raise ffmpeg_cli.FFmpegFailed(ffmpeg_cli.timeout_message(most)) from None
    return plan.encoding


async def copy_streams(
    folder: Path, plan: RenderPlan, source: MediaSource, stage: ProgressRange
) -> None:
    """Copy a source into RENDER_FILE; raises FFmpegFailed."""
    await run_command(folder, plan, copy_command(source, plan, RENDER_FILE), stage)


async def _encode_once(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    encoder: PartEncoder,
) -> None:
    machine = await _measure_motion(folder, plan, machine)
    # A long plan takes time to split, so a thread does it.
    division = await asyncio.to_thread(encoder.divide, plan, machine)
    try:
        await encode_division(folder, plan, division, stage, encoder)
    except CeilingReached as reached:
        write_log(f"again with one encoder: {reached}")
        whole = await asyncio.to_thread(divide_for_one_encoder, plan, machine)
        await encode_division(folder, plan, whole, stage, LOCAL_PARTS)


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


async def _search_crf(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    encoder: PartEncoder,
) -> EncodeSettings:
    """Try CRF values until the file is as large as allowed, or slightly smaller."""
    limit = plan.encoding.max_bytes
    tried: list[SizeTrial] = []
    best: EncodeSettings | None = None
    crf: float | None = plan.encoding.crf
    while crf is not None:
        encoding = msgspec.structs.replace(plan.encoding, crf=crf)
        share = stage.subrange(1 - 0.5 ** len(tried), 1 - 0.5 ** (len(tried) + 1))
        wanted = msgspec.structs.replace(plan, encoding=encoding)
        await _encode_once(folder, wanted, machine, share, encoder)
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
