"""Encode a plan in parts, several at once, and join them; or in one piece."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from .command_runs import run_command
from .filtergraph.ffmpeg_commands import (
    CONCAT_LIST_FILE,
    EncodeResources,
    audio_command,
    concat_command,
    concat_list,
    render_command,
)
from .planning.plan_splitting import choose_worker_count, split_plan
from .planning.render_plan import RenderPlan
from .probing.packet_sizes import read_packets
from .render_log import CURRENT_LOG, SERVER, LoggedPart, current_part, log_worker
from .render_progress import ProgressRange
from .video_ceiling import require_below_ceiling, require_untouched

RENDER_FILE = "render.mp4"

_SOUND_FILE = "sound.mp4"
_SOUND_SHARE, _JOIN_SHARE = 0.05, 0.97


class Division(msgspec.Struct, frozen=True):
    """The parts of a plan in their order, the resources for each, and how many run at once."""

    parts: tuple[RenderPlan, ...]
    machine: EncodeResources
    at_once: int


class PartEncoder(Protocol):
    """Divides plans and encodes their parts, on this machine or on others."""

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        """Return the parts of a plan, or the plan itself as the only one; called in a thread."""

    async def encode(
        self,
        folder: Path,
        part: RenderPlan,
        machine: EncodeResources,
        output: str,
        stage: ProgressRange,
    ) -> None:
        """Put the encoded part into the job folder as `output`; raises FFmpegFailed.

        The folder has all other files that the part needs: titles, fonts, tables of colours.
        """


class LocalParts:
    """Encodes parts on this machine."""

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        """Return as many parts as there can be encoders at once, or a multiple of it."""
        # A hardware encoder is not faster with two processes.
        workers = 1 if machine.uses_hardware else choose_worker_count(plan, machine.cores)
        parts = tuple(split_plan(plan, workers))
        each = msgspec.structs.replace(machine, cores=-(-machine.cores // workers))
        return Division(parts, each if len(parts) > 1 else machine, workers)

    async def encode(
        self,
        folder: Path,
        part: RenderPlan,
        machine: EncodeResources,
        output: str,
        stage: ProgressRange,
    ) -> None:
        """Run FFmpeg; raises FFmpegFailed."""
        log_worker(SERVER)
        # The graph of a long plan takes time to build.
        command = await asyncio.to_thread(render_command, part, machine, output)
        await run_command(folder, part, command, stage, machine)


LOCAL_PARTS = LocalParts()


def divide_for_one_encoder(plan: RenderPlan, machine: EncodeResources) -> Division:
    """Return the plan in one part, or in as many as fit into memory one after another."""
    return Division(tuple(split_plan(plan)), machine, 1)


async def encode_division(
    folder: Path, plan: RenderPlan, division: Division, stage: ProgressRange, encoder: PartEncoder
) -> None:
    """Encode a divided plan into RENDER_FILE, with its sound.

    Raises FFmpegFailed, and CeilingReached if parts that were encoded at once do not hold the
    maximum bit rate of the plan together.
    """
    parts, machine = division.parts, division.machine
    logged = _log_parts(division)
    if len(parts) == 1:
        observed = stage.observed(logged[0].set_done)
        with current_part(logged[0]):
            await LOCAL_PARTS.encode(folder, plan, machine, RENDER_FILE, observed)
        return
    shares = [part.frames / plan.frames for part in parts]
    if plan.audio_tracks:
        shares = [_SOUND_SHARE, *((1 - _SOUND_SHARE) * share for share in shares)]
    stages = stage.subrange(0, _JOIN_SHARE).split(shares)
    places = asyncio.Semaphore(division.at_once)
    names = [f"part-{number}.mp4" for number in range(len(parts))]
    runs: list[Coroutine[Any, Any, None]] = []
    if plan.audio_tracks:
        # Audio is encoded once and first: its packets would not fit together at the cuts.
        runs.append(_encode_sound(folder, plan, stages.pop(0), places))
    is_checked = plan.encoding.max_bit_rate > 0 and division.at_once > 1
    for part, name, share, seen in zip(parts, names, stages, logged, strict=True):
        observed = share.observed(seen.set_done)
        encode = partial(encoder.encode, folder, part, machine, name, observed)
        runs.append(_encode_part(encode, part, seen, folder / name, places, is_checked))
    await _run_all(runs)
    await _concat_parts(folder, plan, names, stage.subrange(_JOIN_SHARE, 1))
    if is_checked:
        packets = await read_packets(folder, RENDER_FILE)
        require_below_ceiling(packets.sizes, plan.fps, plan.encoding.max_bit_rate)


def _log_parts(division: Division) -> list[LoggedPart]:
    """Return the parts as the log of the current render shows them."""
    parts = [
        LoggedPart(float(part.start_frame / part.fps), float(part.frames / part.fps))
        for part in division.parts
    ]
    log = CURRENT_LOG.get()
    if log is not None:
        log.set_parts(parts, division.at_once)
    return parts


async def _encode_sound(
    folder: Path, plan: RenderPlan, stage: ProgressRange, places: asyncio.Semaphore
) -> None:
    async with places:
        command = await asyncio.to_thread(audio_command, plan, _SOUND_FILE)
        await run_command(folder, plan, command, stage)


async def _encode_part(
    encode: Callable[[], Awaitable[None]],
    part: RenderPlan,
    logged: LoggedPart,
    file: Path,
    places: asyncio.Semaphore,
    is_checked: bool,
) -> None:
    async with places:
        with current_part(logged):
            await encode()
    if is_checked:
        # At once, since the other parts are then encoded for nothing.
        packets = await read_packets(file.parent, file.name)
        require_untouched(packets.sizes, part.fps, part.encoding.max_bit_rate)


async def _run_all(runs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; if one fails or this is cancelled, all end."""
    try:
        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(run)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _concat_parts(
    folder: Path, plan: RenderPlan, names: Sequence[str], stage: ProgressRange
) -> None:
    (folder / CONCAT_LIST_FILE).write_text(concat_list(names), encoding="utf-8")
    await run_command(folder, plan, concat_command(plan, _SOUND_FILE, RENDER_FILE), stage)
    for name in names:
        (folder / name).unlink()
