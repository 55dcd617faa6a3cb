"""Find silence, loudness and scene changes in a file, by FFmpeg in a sandboxed child.

Times are seconds of the file as renders count them. Only numbers of this project and the facts of
the probe are in a command; the results are numbers that FFmpeg prints.
"""

import re
from collections.abc import Iterable

from .. import ffmpeg_cli
from ..media import DECODERS, DEMUXERS, MAX_STREAMS, MediaSource
from ..sandbox import GIB, SandboxPolicy
from ..temporary_folder import TemporaryFolder

# Seconds of real time for a file; one that takes longer is not analyzed.
_TIMEOUT = 60.0
# Enough to hear where speech is, and fast to compute.
_RATE = 16_000
_SCENE_CHANGE = 0.3
_MOST_RESULTS = 20_000
_SILENCE = re.compile(r"lavfi\.silence_(start|end)=(-?[\d.]+)")
_LEVEL = re.compile(r"lavfi\.astats\.Overall\.RMS_level=(-?[\d.]+|-?inf|nan)")
_TIME = re.compile(r"frame:\d+\s+pts:\S+\s+pts_time:(-?[\d.]+)")
_SILENT_DB = -90.0


async def find_silences(
    source: MediaSource, level_db: float, min_seconds: float
) -> list[tuple[float, float]]:
    """Return where a file is quieter than a level (dB of full scale) for at least some seconds.

    Raises FFmpegFailed, also if it takes too long.
    """
    detect = f"silencedetect=n={level_db:.1f}dB:d={min_seconds:.3f}"
    lines = await _run(source, _sound_options(source, f"{detect},ametadata=mode=print:file=-"))
    found: list[tuple[float, float]] = []
    start: float | None = None
    for kind, time in _matches(_SILENCE, lines):
        if kind == "start":
            start = max(float(time), 0.0)
        elif start is not None:
            found.append((start, min(float(time), source.info.duration)))
            start = None
    if start is not None:
        found.append((start, source.info.duration))
    return found[:_MOST_RESULTS]


async def measure_loudness(source: MediaSource) -> list[float]:
    """Return the root mean square of each second in dB of full scale; raises FFmpegFailed."""
    measure = (
        f"asetnsamples=n={_RATE}:p=0,astats=metadata=1:reset=1:measure_perchannel=none:"
        "measure_overall=RMS_level,ametadata=mode=print:file=-"
    )
    lines = await _run(source, _sound_options(source, measure))
    levels = [_decibels(level) for (level,) in _matches(_LEVEL, lines)]
    return levels[:_MOST_RESULTS]


async def find_scene_changes(source: MediaSource) -> list[float]:
    """Return the times of scene changes; raises FFmpegFailed.

    Only key frames are decoded: encoders put one where a scene begins.
    """
    look = f"scale=160:90:flags=bilinear,select='gt(scene,{_SCENE_CHANGE})',metadata=print:file=-"
    picture = source.info.video_specifier
    lines = await _run(source, ["-map", f"0:{picture}", "-vf", look], "-skip_frame", "nokey")
    return [float(time) for (time,) in _matches(_TIME, lines)][:_MOST_RESULTS]


def _matches(pattern: re.Pattern[str], lines: Iterable[str]) -> Iterable[tuple[str, ...]]:
    return (found.groups() for line in lines if (found := pattern.search(line)))


def _decibels(text: str) -> float:
    level = float(text)
    return level if level > _SILENT_DB else _SILENT_DB


def _sound_options(source: MediaSource, filters: str) -> list[str]:
    resample = f"aresample={_RATE}:async=1:first_pts=0"
    return ["-map", f"0:{source.info.audio_specifier}", "-af", f"{resample},{filters}"]


async def _run(source: MediaSource, output: list[str], *decoding: str) -> list[str]:
    lines: list[str] = []
    with TemporaryFolder("analysis") as folder:
        await ffmpeg_cli.run(
            [*decoding, *input_options(source), *output, "-f", "null", "-"],
            folder=folder,
            timeout=_TIMEOUT,
            policy=SandboxPolicy(
                read=(source.path.absolute(), source.path.resolve()), memory=2 * GIB
            ),
            on_line=lines.append,
        )
    return lines


def input_options(source: MediaSource) -> list[str]:
    """The options of an input as renders open it: only its own demuxer and allowed decoders."""
    demuxer = DEMUXERS[source.info.extension]
    seek = ["-ss", f"{source.info.origin:.6f}"] if source.info.origin else []
    limits = ["-max_pixels", "33177600", "-max_streams", str(MAX_STREAMS), "-threads", "1"]
    allowed = ["-format_whitelist", demuxer, "-codec_whitelist", ",".join(DECODERS)]
    protocol = ["-protocol_whitelist", "file"]
    path = f"file:{source.path.absolute()}"
    return ["-f", demuxer, *allowed, *protocol, *limits, *seek, "-i", path]
