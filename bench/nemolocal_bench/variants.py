"""Encode variants: each is encoded on this machine, with its cost, validated and measured."""

import asyncio
import math
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_render import child_process, encoders, ffmpeg_cli, sandbox
from nemolocal_render.planning.output_settings import EncodeSettings

from .metrics import (
    Instruments,
    NotMeasured,
    PairMetrics,
    Score,
    check_pair,
    measure_pair,
    pace_of,
)
from .sampling import BenchInput, SampleSpan, estimate_size
from .video_files import (
    CannotCompare,
    VideoFile,
    input_arguments,
    list_packet_sizes,
    open_encode,
    shown_line,
)

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
Ladder = Literal["quick", "full"]
_X264: dict[Ladder, dict[str, tuple[float, ...]]] = {
    # The search adds a fourth point to the first curve.
    "quick": {"veryfast": (18.0, 23.0, 28.0), "medium": (23.0,)},
    "full": dict.fromkeys(
        ("ultrafast", "veryfast", "medium", "slow"), (18.0, 20.0, 23.0, 26.0, 29.0, 33.0)
    ),
}
_HARDWARE = (18.0, 23.0, 28.0, 33.0)
_ALTERNATIVES = {"libx265": (20.0, 25.0, 30.0, 35.0), "libsvtav1": (25.0, 32.0, 39.0, 46.0)}
ENCODERS = (encoders.SOFTWARE_ENCODER, *encoders.HARDWARE_ENCODERS, *ALTERNATIVES)


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
    it. `load` is the machine's load average of the minute before, None if it is unknown.
    """

    path: Path
    seconds: float
    cpu_seconds: float | None
    memory_bytes: int | None
    load: float | None = None
    line: str = ""


def max_encode_size(clip: VideoFile) -> int:
    """Return the maximum size of an encode in bytes; FFmpeg is stopped above it."""
    return max(clip.bytes * _GROWTH, _MIN_ROOM)


def load_average() -> float | None:
    """Return how many processes wanted a processor in the last minute; None if unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        # Not every system reports it.
        return None


async def encode_clip(variant: EncodeVariant, clip: VideoFile, folder: Path) -> EncodeResult:
    """Encode a clip with every frame at its time and AAC sound; raises FFmpegFailed."""
    path = folder / "encode.mp4"
    load = load_average()
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
    line = shown_line(arguments, folder)
    return EncodeResult(path, seconds, _processor_time(text), _memory(text), load, line)


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
        return f"its file exceeded {most / 1e6:.0f} MB"
    return f"FFmpeg ended with status {outcome.returncode}"


def _processor_time(text: str) -> float | None:
    found = _BENCH.search(text)
    return float(found[1]) + float(found[2]) if found else None


def _memory(text: str) -> int | None:
    found = _MEMORY.search(text)
    return int(found[1]) * 1024 if found else None


class VariantResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a variant; `complaint` says why there is no score, "" if there is one.

    `where` is "local" or "cloud", `note` must be shown with every figure. `seconds` is wall time,
    `speed` seconds of the clip per second, `saved` percent of the source's bytes, `bitrate` bits/s
    of the whole file. With `sampled`, size and times are scaled up from samples of the clip,
    `sample_scores` is the mean VMAF of each, and `vmaf_frames` are frames of the samples; each nth
    is measured, n being `every`. `load` is the machine's load average before the encode.
    """

    name: str
    curve: str
    where: str = "local"
    note: str = ""
    crf: float | None = None
    seconds: float = 0.0
    speed: float = 0.0
    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    load: float | None = None
    size: int = 0
    saved: float = 0.0
    bitrate: float = 0.0
    width: int = 0
    height: int = 0
    scores: tuple[Score, ...] = ()
    sampled: bool = False
    sample_scores: tuple[float, ...] = ()
    vmaf_frames: tuple[float, ...] = ()
    motion_frames: tuple[float, ...] = ()
    every: int = 1
    encode_line: str = ""
    measure_line: str = ""
    stages: dict[str, float] = {}
    complaint: str = ""

    @property
    def vmaf(self) -> float | None:
        """The mean of VMAF v0.6.1, None if the result has no score."""
        return self.scores[0].mean if self.scores else None


async def try_encoders(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Return why each of these encoders does not work here; "" if it does."""
    tried = tuple(names)
    complaints = await asyncio.gather(*(_try_encoder(name, folder) for name in tried))
    return dict(zip(tried, complaints, strict=True))


async def _try_encoder(name: str, folder: Path) -> str:
    if name not in ALTERNATIVES:
        # The software encoder needs no test: the whole project depends on it.
        return (
            "" if name == encoders.SOFTWARE_ENCODER else (await encoders.probe_encoder(name)).error
        )
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-frames:v", "8"]
    codec = ["-c:v", name, "-preset", ALTERNATIVES[name], "-pix_fmt", "yuv420p"]
    try:
        await ffmpeg_cli.run([*source, *codec, "-f", "null", "-"], folder=folder, timeout=120)
    except ffmpeg_cli.FFmpegFailed as failure:
        return str(failure)
    return ""


def ladder_variants(ladder: Ladder, encoder_names: Iterable[str]) -> list[EncodeVariant]:
    """Return the variants of a ladder for these encoders.

    The quick ladder has what the contract exports; alternatives only if they are named.
    """
    made: list[EncodeVariant] = []
    for family in encoder_names:
        if family == encoders.SOFTWARE_ENCODER:
            rungs = _X264[ladder].items()
            made += [EncodeVariant(family, preset, crf) for preset, crfs in rungs for crf in crfs]
        elif family in ALTERNATIVES:
            crfs = _ALTERNATIVES[family]
            made += [EncodeVariant(family, ALTERNATIVES[family], crf) for crf in crfs]
        else:
            made += [EncodeVariant(family, "", crf) for crf in _HARDWARE]
    return made


async def run_variant(
    variant: EncodeVariant,
    given: BenchInput,
    folder: Path,
    instruments: Instruments,
    keep: Path | None = None,
) -> VariantResult:
    """Encode, validate and measure; an error becomes the result's complaint.

    The encode is moved to `keep`, if that is given and there is a score.
    """
    video = given.video
    result = VariantResult(
        name=variant.name, curve=variant.curve, note=variant.note, crf=variant.crf
    )
    try:
        made = await encode_clip(variant, video, folder)
        result = _with_cost(result, made, video)
        opened = await open_encode(made.path, video.seconds)
        result = await measure_result(result, opened, video, folder, instruments)
        if given.spans:
            result = _scaled_up(result, given, await list_packet_sizes(opened))
        if keep is not None and result.scores:
            made.path.rename(keep)
    except (ffmpeg_cli.FFmpegFailed, CannotCompare) as failure:
        return msgspec.structs.replace(result, complaint=str(failure))
    finally:
        (folder / "encode.mp4").unlink(missing_ok=True)
    return result


async def measure_result(
    result: VariantResult,
    made: VideoFile,
    reference: VideoFile,
    folder: Path,
    instruments: Instruments,
    *,
    resized: bool = False,
) -> VariantResult:
    """Return the result with the file's size and, if the pair is valid, with its scores."""
    result = _with_size(result, made.bytes, reference)
    result = msgspec.structs.replace(result, width=made.width, height=made.height)
    every = pace_of(reference) if instruments.paced else 1
    try:
        check_pair(reference, made, resized=resized)
        measures = await measure_pair(reference, made, folder, instruments, every=every)
    except NotMeasured as reason:
        return msgspec.structs.replace(result, complaint=str(reason))
    return _with_scores(result, measures)


def _with_size(result: VariantResult, size: int, reference: VideoFile) -> VariantResult:
    """Return the result with what is known of the file without decoding it."""
    return msgspec.structs.replace(
        result,
        size=size,
        saved=100 * (1 - size / reference.bytes),
        bitrate=size * 8 / reference.seconds,
    )


def _scaled_up(result: VariantResult, given: BenchInput, packets: list[int]) -> VariantResult:
    """Return the result of samples, with size and times as of the whole clip."""
    whole = given.whole
    factor = whole.frames / given.video.frames
    size = estimate_size(packets, whole, given.spans)
    if whole.has_sound:
        size += round(whole.seconds * _SOUND_RATE / 8)
    cpu = result.cpu_seconds
    return msgspec.structs.replace(
        _with_size(result, size, whole),
        sampled=True,
        sample_scores=_score_samples(result, given.spans),
        seconds=result.seconds * factor,
        cpu_seconds=None if cpu is None else cpu * factor,
        stages={stage: seconds * factor for stage, seconds in result.stages.items()},
    )


def correct_size(result: VariantResult, factor: float, clip: VideoFile) -> VariantResult:
    """Return a sampled result with its size times a factor; any other as it is."""
    if not result.sampled:
        return result
    return _with_size(result, round(result.size * factor), clip)


def _score_samples(result: VariantResult, spans: tuple[SampleSpan, ...]) -> tuple[float, ...]:
    """Return the mean VMAF of each span."""
    means, begin = [], 0
    for span in spans:
        end = begin + span.frames
        # Frame n of the sample is measured if `every` divides it.
        inside = result.vmaf_frames[-(-begin // result.every) : -(-end // result.every)]
        if inside:
            means.append(math.fsum(inside) / len(inside))
        begin = end
    return tuple(means)


def _with_cost(result: VariantResult, made: EncodeResult, clip: VideoFile) -> VariantResult:
    return msgspec.structs.replace(
        result,
        seconds=made.seconds,
        speed=clip.seconds / made.seconds,
        cpu_seconds=made.cpu_seconds,
        memory_bytes=made.memory_bytes,
        load=made.load,
        encode_line=made.line,
        stages={"encode": made.seconds},
    )


def _with_scores(result: VariantResult, metrics: PairMetrics) -> VariantResult:
    return msgspec.structs.replace(
        result,
        scores=metrics.scores,
        vmaf_frames=metrics.vmaf_frames,
        motion_frames=metrics.motion_frames,
        every=metrics.every,
        measure_line=metrics.line,
    )
