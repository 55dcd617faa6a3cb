"""Run one render from its plan to its checked file, and clean up (REN-5, REN-7)."""

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import msgspec

from nemolocal_contract.effects import Lut
from nemolocal_contract.plurals import pluralize

from . import ffmpeg_cli
from .ass_subtitles import build_ass_script
from .broken_sources import exclude_broken_sources
from .cpu_count import usable_cores
from .encode_runs import TargetSizeUnreachable, copy_streams, encode_plan
from .encoders import SOFTWARE_ENCODER, Encoder, choose_encoder
from .filtergraph.ffmpeg_commands import FONTS_FOLDER, TITLES_FILE, EncodeResources
from .fonts import choose_fonts, match_font_names, needs_system_fonts, read_system_fonts
from .lut_files import lut_file, read_lut, write_lut
from .media import MediaRejected
from .part_encoding import LOCAL_PARTS, RENDER_FILE, PartEncoder
from .planning.output_settings import EncodeSettings
from .planning.planner import COPY_REASON
from .planning.render_plan import SAMPLE_RATE, RenderPlan
from .probing.media_probe import probe_render
from .probing.probe_worker import RenderFacts
from .render_log import CURRENT_LOG, write_log
from .render_progress import ProgressRange, RenderProgress

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")

# An AAC packet holds 1024 samples, and the last one may be counted in full.
_AAC_PACKET = 1024 / SAMPLE_RATE
# The audio of a copied file may be shorter or longer than its video, in seconds.
_COPIED_SOUND = 0.5
_COPY = "copy"

_NO_READABLE_SOURCE = (
    "none of its sources can be read, or FFmpeg does not work; see the log of the local server"
)


class RenderResult(msgspec.Struct, frozen=True):
    """A finished file: seconds, bytes, frames, pixels, the encoder and why it was chosen.

    `preset`, `crf` and `settings_reason` are the settings and why they were chosen; a copied file
    has none. `warnings` say what of the draft is not in the file.
    """

    duration: float
    size: int
    frames: int
    width: int
    height: int
    encoder: str
    encoder_reason: str
    warnings: tuple[str, ...] = ()
    preset: str = ""
    crf: float = 0.0
    settings_reason: str = ""


class RenderJobFailed(Exception):
    """A failed render; the message is one line for the user, without paths."""


class RenderInputFailed(RenderJobFailed):
    """A render that failed, perhaps because of one of its sources."""


class _EncodedFile(msgspec.Struct, frozen=True):
    """A checked file and how it was encoded."""

    facts: RenderFacts
    encoder: Encoder
    encoding: EncodeSettings | None = None


async def render(
    plan: RenderPlan,
    destination: Path,
    *,
    workdir: Path,
    on_progress: Callable[[int], None],
    cores: int | None = None,
    parts: PartEncoder = LOCAL_PARTS,
) -> RenderResult:
    """Render a plan into `destination`, which appears complete and checked, or not at all.

    Until then the files are in a temporary job folder in `workdir`, which must be on the file
    system of `destination`. `on_progress` gets percent from 0 to 100. `cores` is by default all
    that are usable; `parts` encodes the parts of a long plan. Cancelling ends every FFmpeg process
    group. Raises RenderJobFailed.
    """
    progress = RenderProgress(on_progress)
    progress.report(0)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="render-", dir=workdir.absolute()))
        try:
            result = await _render_in(
                folder, plan, progress.full_range(), cores or usable_cores(), parts
            )
            destination.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / RENDER_FILE, destination)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = ffmpeg_cli.DISK_FULL if full else error.strerror
        raise RenderJobFailed(f"the file could not be written: {reason}") from error
    progress.report(100)
    return result


async def _render_in(
    folder: Path, plan: RenderPlan, stage: ProgressRange, cores: int, parts: PartEncoder
) -> RenderResult:
    file, warnings = await _copy(folder, plan, stage), plan.warnings
    if file is None:
        warnings += await _prepare_titles(folder, plan)
        await _prepare_luts(folder, plan)
        tone_mapping = bool(plan.hdr_segments) and await ffmpeg_cli.has_filters("zscale", "tonemap")
        if not tone_mapping:
            warning = "its high dynamic range is shown without tone mapping"
            warnings += tuple(f"{path}.src: {warning}" for path in plan.hdr_segments)
        file, more_warnings = await _encode_readable_sources(
            folder, plan, EncodeResources(SOFTWARE_ENCODER, cores, tone_mapping), stage, parts
        )
        warnings += more_warnings
    encoding = file.encoding
    return RenderResult(
        duration=file.facts.duration,
        size=(folder / RENDER_FILE).stat().st_size,
        frames=file.facts.frames,
        width=file.facts.width,
        height=file.facts.height,
        encoder=file.encoder.name,
        encoder_reason=file.encoder.reason,
        warnings=warnings,
        preset=encoding.preset if encoding and file.encoder.name == SOFTWARE_ENCODER else "",
        crf=encoding.crf if encoding else 0.0,
        settings_reason=encoding.reason if encoding else "",
    )


async def _copy(folder: Path, plan: RenderPlan, stage: ProgressRange) -> _EncodedFile | None:
    """Copy the streams if the plan allows it; None if not, or if the copy is not exact."""
    if plan.copy_source is None:
        return None
    try:
        await copy_streams(folder, plan, plan.copy_source, stage)
        facts = await probe_render(folder / RENDER_FILE)
    except (ffmpeg_cli.FFmpegFailed, MediaRejected):
        # Encoding may work, or reports the error.
        write_log("the streams could not be copied")
        return None
    if _find_mismatches(facts, plan, _COPIED_SOUND):
        write_log("the copied streams are not exact")
        return None
    write_log(f"copied without encoding: {COPY_REASON}")
    return _EncodedFile(facts, Encoder(_COPY, COPY_REASON))


async def _prepare_titles(folder: Path, plan: RenderPlan) -> tuple[str, ...]:
    """Write the subtitle script and its fonts to the job folder; return warnings."""
    if not plan.titles:
        return ()
    text = "".join(title.text for title in plan.titles)
    names = sorted({title.font for title in plan.titles if title.font})
    if needs_system_fonts(text, names):
        await read_system_fonts()
    return await _finish_in_thread(_write_titles, folder, plan, text, names)


async def _finish_in_thread(
    write: Callable[[*_Arguments], _Result], *arguments: *_Arguments
) -> _Result:
    """Write in a thread, which goes on after cancellation: the folder is removed next."""
    writing = asyncio.ensure_future(asyncio.to_thread(write, *arguments))
    try:
        return await asyncio.shield(writing)
    finally:
        while not writing.done():
            # A second cancellation, as by a reset, does not end the wait either.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((writing,))


async def _prepare_luts(folder: Path, plan: RenderPlan) -> None:
    """Write the color lookup tables to the job folder, each in every strength that is used."""
    effects = {
        effect
        for layer in plan.layers
        for picture in layer
        for effect in picture.clip.effects
        if isinstance(effect, Lut)
    }
    for effect in sorted(effects, key=lut_file):
        try:
            await _finish_in_thread(_write_lut, folder, plan, effect)
        except MediaRejected as reason:
            raise RenderJobFailed(f"a LUT cannot be used: {reason}") from reason


def _write_lut(folder: Path, plan: RenderPlan, effect: Lut) -> None:
    table = read_lut(plan.luts[effect.source].path)
    write_lut(table, effect.amount, folder / lut_file(effect))


def _write_titles(
    folder: Path, plan: RenderPlan, text: str, names: Sequence[str]
) -> tuple[str, ...]:
    named = match_font_names(names) if names else {}
    script = build_ass_script(plan, choose_fonts(text), named)
    (folder / TITLES_FILE).write_text(script.text, encoding="utf-8")
    (folder / FONTS_FOLDER).mkdir()
    for index, font in enumerate(script.fonts):
        shutil.copyfile(font.path, folder / FONTS_FOLDER / f"{index}{font.path.suffix}")
    return script.warnings


async def _encode_readable_sources(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    parts: PartEncoder,
) -> tuple[_EncodedFile, tuple[str, ...]]:
    """Render; if a source breaks the render, render again without it."""
    try:
        return await _encode(folder, plan, machine, stage, parts), ()
    except RenderInputFailed as failure:
        rest = await exclude_broken_sources(folder, plan, machine)
        if rest is None:
            raise
        if not any(rest.layers) and not rest.audio_tracks:
            raise RenderJobFailed(_NO_READABLE_SOURCE) from failure
        _log.warning("rendered again without unreadable sources: %s", failure)
        write_log("again, without the sources that cannot be read")
    again = await _encode(folder, rest, machine, stage, parts)
    return again, rest.warnings[len(plan.warnings) :]


async def _encode(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    parts: PartEncoder,
) -> _EncodedFile:
    """Render with the best encoder; if a hardware encoder fails, with libx264."""
    encoder = await _encoder_for(plan)
    chosen = msgspec.structs.replace(machine, encoder=encoder.name)
    try:
        return await _encode_with(folder, plan, chosen, stage, parts, encoder)
    except RenderJobFailed as failure:
        if not encoder.is_hardware:
            raise
        reason = f"{encoder.name} failed in this render: {failure.__cause__ or failure}"
    software = Encoder(SOFTWARE_ENCODER, reason)
    return await _encode_with(folder, plan, machine, stage, parts, software)


async def _encode_with(
    folder: Path,
    plan: RenderPlan,
    machine: EncodeResources,
    stage: ProgressRange,
    parts: PartEncoder,
    encoder: Encoder,
) -> _EncodedFile:
    log = CURRENT_LOG.get()
    if log is not None:
        log.set_encoder(encoder.name, encoder.reason)
    try:
        encoding = await encode_plan(folder, plan, machine, stage, parts)
    except ffmpeg_cli.FFmpegFailed as failure:
        _log.warning("a render failed: %s", failure)
        write_log(f"failed: {failure}")
        kind = RenderInputFailed if failure.cause_unknown else RenderJobFailed
        raise kind(failure.user_message) from failure
    except TargetSizeUnreachable as missed:
        raise RenderJobFailed(f"draft.m.compress.megabytes: is too small: {missed}") from missed
    return _EncodedFile(await _verify_file(folder, plan), encoder, encoding)


async def _encoder_for(plan: RenderPlan) -> Encoder:
    if plan.encoding.max_bytes:
        return Encoder(SOFTWARE_ENCODER, "its fine CRF steps suit a target size best")
    return await choose_encoder()


async def _verify_file(folder: Path, plan: RenderPlan) -> RenderFacts:
    """Return the facts of the file; raises RenderInputFailed if they are not as planned (REN-7)."""
    try:
        facts = await probe_render(folder / RENDER_FILE)
    except MediaRejected as reason:
        raise RenderInputFailed(str(reason)) from reason
    wrong = _find_mismatches(facts, plan, _AAC_PACKET)
    if wrong:
        raise RenderInputFailed(f"the rendered file {' and '.join(wrong)}")
    frames = pluralize(facts.frames, "frame")
    write_log(f"checked: {frames}, {facts.width}x{facts.height}, as planned")
    return facts


def _find_mismatches(facts: RenderFacts, plan: RenderPlan, sound_slack: float) -> list[str]:
    frame = float(1 / plan.fps)
    checks = {
        "is not H.264 in yuv420p": (facts.video_codec, facts.pixel_format) == ("h264", "yuv420p"),
        "has another size": (facts.width, facts.height) == (plan.width, plan.height),
        "has another number of frames": facts.frames == plan.frames,
        "has another length": abs(facts.duration - plan.duration) <= frame,
        "has other sound": facts.audio_codec == ("aac" if plan.samples else ""),
        "has sound of another length": abs(facts.audio_duration - plan.samples / SAMPLE_RATE)
        <= sound_slack,
        "has its index at the end": facts.index_first,
    }
    return [mismatch for mismatch, is_right in checks.items() if not is_right]
