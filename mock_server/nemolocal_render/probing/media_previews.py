"""Previews of media files: a strip of thumbnails, and the peaks of the sound.

FFmpeg makes them in a sandboxed child process. Its command has only constants and probed facts.
"""

import math
import re
from pathlib import Path

from .. import ffmpeg_cli
from ..media import MediaSource
from ..sandbox import GIB, SandboxPolicy
from ..temporary_folder import TemporaryFolder
from .content_analysis import input_options

TILE_WIDTH, TILE_HEIGHT = 96, 54
"""The size of a picture of a strip, in pixels."""

_MAX_TILES = 60
_TILES_PER_SECOND = 2
# For longer videos, only key frames are decoded.
_LONG_SECONDS = 60.0
_RATE = 8_000
_MAX_PEAKS, _PEAKS_PER_SECOND = 2_000, 20
_TIMEOUT = 30.0
_MAX_STRIP_BYTES = 4 << 20
_PEAK = re.compile(r"lavfi\.astats\.Overall\.Peak_level=(-?[\d.]+|-?inf|nan)")
_STRIP_FILE = "strip.jpg"


def tile_count(seconds: float) -> int:
    """Return how many pictures the strip of a file of this length has: 1 of a still image."""
    return max(1, min(_MAX_TILES, math.ceil(seconds * _TILES_PER_SECOND)))


async def make_film_strip(source: MediaSource) -> bytes:
    """Return a JPEG with `tile_count` pictures of a file side by side, at equal intervals.

    Raises FFmpegFailed, also if it takes too long or the file has no picture.
    """
    info = source.info
    seconds = 0.0 if info.kind == "image" and not info.is_animated else info.duration
    tiles = tile_count(seconds)
    rate = f"fps={tiles / seconds:.6f}:start_time=0:round=up," if seconds else ""
    size = f"{TILE_WIDTH}:{TILE_HEIGHT}"
    filters = (
        f"{rate}scale={size}:force_original_aspect_ratio=increase:flags=bilinear,crop={size},"
        f"setsar=1,format=yuvj420p,tile={tiles}x1"
    )
    output = ["-map", f"0:{info.video_specifier}", "-vf", filters, "-frames:v", "1", "-q:v", "5"]
    decoding = ["-skip_frame", "nokey"] if seconds > _LONG_SECONDS else []
    with TemporaryFolder("preview") as folder:
        path = folder / _STRIP_FILE
        await _run(
            source, folder, [*decoding, *input_options(source), *output, "-f", "mjpeg", _STRIP_FILE]
        )
        if not path.is_file() or not path.stat().st_size:
            raise ffmpeg_cli.FFmpegFailed("the file has no picture that can be shown")
        return path.read_bytes()


async def measure_peaks(source: MediaSource) -> list[float]:
    """Return the peaks of the sound at equal intervals, each from 0 to 1 of full scale.

    There are 20 for each second, and at most 2,000. Raises FFmpegFailed.
    """
    seconds = max(source.info.duration, 1 / _PEAKS_PER_SECOND)
    samples = math.ceil(_RATE * max(1 / _PEAKS_PER_SECOND, seconds / _MAX_PEAKS))
    measure = (
        f"aresample={_RATE}:async=1:first_pts=0,asetnsamples=n={samples}:p=0,"
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=Peak_level,"
        "ametadata=mode=print:file=-"
    )
    lines: list[str] = []
    with TemporaryFolder("preview") as folder:
        output = ["-map", f"0:{source.info.audio_specifier}", "-af", measure, "-f", "null", "-"]
        await _run(source, folder, [*input_options(source), *output], lines)
    levels = [float(found[1]) for line in lines if (found := _PEAK.search(line))]
    return [_share(level) for level in levels[:_MAX_PEAKS]]


def _share(decibels: float) -> float:
    """Return the amplitude of a level; silence is -inf."""
    return round(min(10 ** (decibels / 20), 1.0), 3) if decibels > -math.inf else 0.0


async def _run(
    source: MediaSource, folder: Path, arguments: list[str], lines: list[str] | None = None
) -> None:
    await ffmpeg_cli.run(
        arguments,
        folder=folder,
        timeout=_TIMEOUT,
        policy=SandboxPolicy(
            read=(source.path.absolute(), source.path.resolve()),
            memory=2 * GIB,
            file_size=_MAX_STRIP_BYTES,
        ),
        on_line=lambda line: None if lines is None else lines.append(line),
    )
