"""One render from its plan to its checked file, leaving nothing else behind (REN-5, REN-7)."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from . import ffmpeg
from .encoders import SOFTWARE, Encoder, choose_encoder
from .fonts import choose_fonts
from .graph import FONTS_FOLDER, GRAPH_FILE, RENDER_FILE, TITLES_FILE, build_command
from .inspection import RenderFacts
from .media import MediaRejected
from .probe import check
from .sandbox import Policy
from .timeline import SAMPLE_RATE, RenderPlan
from .titles import write_script

# Slower than this is no render but a hang: seconds at all, and for each second of the render.
_PATIENCE = (120.0, 120.0)
_NEARLY = 99
# An AAC packet holds 1024 samples, and the last one may be counted in full.
_AAC_PACKET = 1024 / SAMPLE_RATE
_MICROSECONDS = 1_000_000


class RenderResult(msgspec.Struct, frozen=True):
    """A finished file: seconds, bytes, frames, pixels, its encoder and the reason, what is lost."""

    duration: float
    size: int
    frames: int
    width: int
    height: int
    encoder: str
    encoder_reason: str
    warnings: tuple[str, ...] = ()


class RenderFailed(Exception):
    """A render that came to nothing; the text is one line for the user, without paths."""


class _Progress:
    """Percent from FFmpeg's reports: never falling, 99 at most until the file is in place."""

    def __init__(self, plan: RenderPlan, report: Callable[[int], None]) -> None:
        self._seconds = plan.duration
        self._report = report
        self._percent = -1

    def reach(self, percent: int) -> None:
        if percent > self._percent:
            self._percent = percent
            self._report(percent)

    def read(self, line: str) -> None:
        name, _, value = line.partition("=")
        # "N/A" until the first frame is out.
        if name == "out_time_us" and value.isdigit():
            percent = int(int(value) / _MICROSECONDS / self._seconds * 100)
            self.reach(min(percent, _NEARLY))


async def render(
    plan: RenderPlan, destination: Path, *, workdir: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    """Render a plan into `destination`, which appears complete and checked, or not at all.

    A job folder of its own in `workdir`, on the file system of `destination`, holds everything
    until then and is gone afterwards. `on_progress` gets percent, 0 first, 100 last. Cancelling
    ends FFmpeg with its whole process group. Raises RenderFailed.
    """
    progress = _Progress(plan, on_progress)
    progress.reach(0)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="render-", dir=workdir.absolute()))
        try:
            result = await _render_in(folder, plan, progress)
            destination.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / RENDER_FILE, destination)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise RenderFailed(f"the file could not be written: {error.strerror}") from error
    progress.reach(100)
    return result


async def _render_in(folder: Path, plan: RenderPlan, progress: _Progress) -> RenderResult:
    warnings = (*plan.warnings, *await asyncio.to_thread(_write_titles, folder, plan))
    encoder = await _encode(folder, plan, progress)
    try:
        facts = await check(folder / RENDER_FILE)
    except MediaRejected as reason:
        raise RenderFailed(str(reason)) from reason
    _require(facts, plan)
    return RenderResult(
        duration=facts.duration,
        size=(folder / RENDER_FILE).stat().st_size,
        frames=facts.frames,
        width=facts.width,
        height=facts.height,
        encoder=encoder.name,
        encoder_reason=encoder.reason,
        warnings=warnings,
    )


def _write_titles(folder: Path, plan: RenderPlan) -> tuple[str, ...]:
    """Put the subtitle script and its fonts into the job folder; says what cannot be drawn."""
    if not plan.titles:
        return ()
    text = "".join(title.text for title in plan.titles)
    script = write_script(plan, choose_fonts(text))
    (folder / TITLES_FILE).write_text(script.text, encoding="utf-8")
    (folder / FONTS_FOLDER).mkdir()
    for index, font in enumerate(script.fonts):
        shutil.copyfile(font.path, folder / FONTS_FOLDER / f"{index}{font.path.suffix}")
    return script.warnings


async def _encode(folder: Path, plan: RenderPlan, progress: _Progress) -> Encoder:
    """Run FFmpeg with the best encoder, and once more with libx264 if that was another."""
    encoder = await choose_encoder()
    try:
        await _run(folder, plan, encoder, progress)
    except ffmpeg.FFmpegFailed as failure:
        if not encoder.hardware:
            raise RenderFailed(str(failure)) from failure
        encoder = Encoder(SOFTWARE, f"{encoder.name} failed in this render: {failure}")
        try:
            await _run(folder, plan, encoder, progress)
        except ffmpeg.FFmpegFailed as second:
            raise RenderFailed(str(second)) from second
    return encoder


async def _run(folder: Path, plan: RenderPlan, encoder: Encoder, progress: _Progress) -> None:
    command = build_command(plan, encoder.name)
    (folder / GRAPH_FILE).write_text(command.graph, encoding="utf-8")
    paths = [source.path.absolute() for source in plan.sources]
    await ffmpeg.run(
        list(command.arguments),
        folder=folder,
        timeout=_PATIENCE[0] + _PATIENCE[1] * plan.duration,
        policy=Policy(read=(*paths, *(path.resolve() for path in paths)), devices=encoder.hardware),
        on_line=progress.read,
    )


def _require(facts: RenderFacts, plan: RenderPlan) -> None:
    """Refuse a file that is not what was planned (REN-7)."""
    frame = float(1 / plan.fps)
    checks = {
        "is not H.264 in yuv420p": (facts.video_codec, facts.pixel_format) == ("h264", "yuv420p"),
        "has another size": (facts.width, facts.height) == (plan.width, plan.height),
        "has another number of frames": facts.frames == plan.frames,
        "has another length": abs(facts.duration - plan.duration) <= frame,
        "has other sound": facts.audio_codec == ("aac" if plan.samples else ""),
        "has sound of another length": abs(facts.audio_duration - plan.samples / SAMPLE_RATE)
        <= _AAC_PACKET,
        "has its index at the end": facts.index_first,
    }
    wrong = [said for said, holds in checks.items() if not holds]
    if wrong:
        raise RenderFailed(f"the rendered file {' and '.join(wrong)}")
