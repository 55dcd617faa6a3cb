"""One encode of a clip, and its cost: time, CPU time and memory."""

import os
import re
import time
from pathlib import Path

import msgspec

from nemolocal_render import child_process, encoders, ffmpeg_cli, sandbox
from nemolocal_render.planning.output_settings import EncodeSettings

from .video_files import VideoFile, input_arguments

NOT_EXPORTED = "not what the contract exports"
# Alternatives to H.264, each with its preset and its scale of CRF.
ALTERNATIVES = {"libx265": "veryfast", "libsvtav1": "8"}

_SOUND_RATE = 128_000
_BENCH = re.compile(r"bench: utime=([\d.]+)s stime=([\d.]+)s")
_MEMORY = re.compile(r"bench: maxrss=(\d+)\s*Ki?B")
_STREAM_OPTIONS = (
    "-map",
    "0:V:0",
    "-map",
    "0:a:0?",
    "-fps_mode",
    "passthrough",
    "-map_metadata",
    "-1",
)
# The maximum size of an encode: a multiple of its source, and a minimum in bytes.
_GROWTH, _MIN_ROOM = 4, 64_000_000


class EncodeVariant(msgspec.Struct, frozen=True):
    """An encoder by FFmpeg's name, its preset ("" if it has none), and its CRF or equivalent."""

    encoder: str
    preset: str
    crf: float

    @property
    def name(self) -> str:
        """The name of the variant in tables."""
        return " ".join(part for part in (self.curve, f"CRF {self.crf:g}") if part)

    @property
    def curve(self) -> str:
        """The name of the curve, which variants with other CRFs share."""
        return " ".join(part for part in (self.encoder, self.preset) if part)

    @property
    def note(self) -> str:
        """A note to show with every figure of this variant, "" for none."""
        return NOT_EXPORTED if self.encoder in ALTERNATIVES else ""


class EncodeResult(msgspec.Struct, frozen=True):
    """A file and its cost.

    Seconds of wall time and of CPU time, and peak memory in bytes; None if FFmpeg does not report
    it.
    """

    path: Path
    seconds: float
    cpu_seconds: float | None
    memory_bytes: int | None


def max_encode_size(clip: VideoFile) -> int:
    """Return the maximum size of an encode in bytes; FFmpeg is stopped above it."""
    return max(clip.bytes * _GROWTH, _MIN_ROOM)


async def encode_clip(variant: EncodeVariant, clip: VideoFile, folder: Path) -> EncodeResult:
    """Encode a clip with every frame at its time and AAC sound; raises FFmpegFailed."""
    path = folder / "encode.mp4"
    arguments = [
        *encoders.device_arguments(variant.encoder),
        *input_arguments(clip),
        *(*_STREAM_OPTIONS, "-vf", _filters(variant.encoder), *_options(variant)),
        *("-c:a", "aac", "-b:a", str(_SOUND_RATE), "-movflags", "+faststart"),
        *("-f", "mp4", f"file:{path.name}"),
    ]
    started = time.perf_counter()
    text = await _run(
        arguments, clip, folder, devices=variant.encoder in encoders.HARDWARE_ENCODERS
    )
    seconds = time.perf_counter() - started
    return EncodeResult(path, seconds, _processor_time(text), _memory(text))


def _filters(encoder: str) -> str:
    chain = ["scale=trunc(iw/2)*2:trunc(ih/2)*2"]
    chain.append(
        "format=yuv420p" if encoder in ALTERNATIVES else f"format={encoders.pixel_format(encoder)}"
    )
    return ",".join((*chain, *encoders.hwupload_filters(encoder)))


def _options(variant: EncodeVariant) -> list[str]:
    if variant.encoder in ALTERNATIVES:
        quality = ["-preset", variant.preset, "-crf", f"{variant.crf:g}"]
        return ["-c:v", variant.encoder, *quality]
    wanted = EncodeSettings(variant.crf, variant.preset, _SOUND_RATE)
    return encoders.video_arguments(variant.encoder, wanted)


async def _run(arguments: list[str], clip: VideoFile, folder: Path, *, devices: bool) -> str:
    """Run FFmpeg as the renderer does, but with its report of resources used."""
    binary = ffmpeg_cli.executable()
    policy = msgspec.structs.replace(
        clip.policy(),
        read=(*clip.policy().read, binary, binary.resolve()),
        write=(folder,),
        cpu_seconds=int(clip.timeout * (os.cpu_count() or 1)) + 1,
        file_size=max_encode_size(clip),
        devices=devices,
    )
    text = ["-nostdin", "-hide_banner", "-nostats", "-benchmark", "-y"]
    try:
        outcome = await child_process.run(
            sandbox.sandboxed_argv([str(binary), *text, *arguments], policy),
            folder=folder,
            environment=sandbox.child_environment(folder),
            timeout=clip.timeout,
            on_line=_ignore_line,
        )
    except TimeoutError:
        raise ffmpeg_cli.FFmpegFailed(f"it was stopped after {clip.timeout:.0f} s") from None
    if outcome.returncode:
        raise ffmpeg_cli.FFmpegFailed(_failure_reason(outcome, max_encode_size(clip)))
    return outcome.stderr_tail


def _ignore_line(line: str) -> None:
    del line


def _failure_reason(outcome: child_process.ChildProcessResult, most: int) -> str:
    if outcome.returncode == -25 or "File too large" in outcome.stderr_tail:
        return f"its file grew over {most / 1e6:.0f} MB"
    return f"FFmpeg ended with status {outcome.returncode}"


def _processor_time(text: str) -> float | None:
    found = _BENCH.search(text)
    return float(found[1]) + float(found[2]) if found else None


def _memory(text: str) -> int | None:
    found = _MEMORY.search(text)
    return int(found[1]) * 1024 if found else None
