"""Quality of a pair of files: VMAF, SSIM, PSNR and XPSNR of frames paired by time.

One run of FFmpeg measures all of them and runs the alignment test on the same frames: decoding
again for each would cost half as much as the metrics.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_render import ffmpeg_cli
from nemolocal_render.cpu_count import usable_cores

from .video_files import VideoFile, input_arguments, shown_line

_SHIFTS = (-1, 0, 1)
_ERROR = re.compile(r"mse_y:(\S+)")
# In a still picture neighbours match as well: only a clear difference is a shift.
_MAX_ERROR_RATIO = 0.98
# Frames are paired by number: the counts are equal, but the times are unreliable.
_NUMBERED = "settb=AVTB,setpts=N*40000"
# The number of copies of the reference to compare with.
REFERENCE_COPIES = len(_SHIFTS)
VMAF = "vmaf"
NEG = "vmaf_neg"
# Metric → its model or plane.
MODELS = {
    VMAF: "vmaf_v0.6.1",
    NEG: "vmaf_v0.6.1neg",
    "ssim": "luma",
    "psnr": "luma, dB",
    "xpsnr": "luma, dB",
}
# Their names in libvmaf's logs.
_LOGGED = {VMAF: "vmaf", NEG: "vmaf", "ssim": "float_ssim", "psnr": "psnr_y"}
_LOG, _NEG_LOG, _XPSNR_LOG = "vmaf.json", "neg.json", "xpsnr.log"
_XPSNR = re.compile(r"n:\s*\d+\s+XPSNR y:\s*(\S+)")
# Equal frames have infinite dB, which JSON cannot represent.
_MOST_DECIBELS = 100.0
# Both sides begin at 0 and count microseconds: containers round times differently.
TIMED = "settb=AVTB,setpts=PTS-STARTPTS"
PAIRED = "shortest=1:ts_sync_mode=nearest"
# The shorter side ends the pairing: otherwise a last frame with a rounded-up time is lost.
_LONGER = "tpad=stop=1:stop_mode=clone"
MIN_SELF_SCORE = 97.0
_SELF_EVERY = 5
# Encoders need even sizes: the maximum difference on each side.
_SIZE_TOLERANCE = 1
# The maximum relative difference of two aspect ratios.
_ASPECT_TOLERANCE = 0.01
# In larger pictures shifts are found as well on smaller ones, at a fraction of the cost.
_SHIFT_WIDTH, _LARGE_WIDTH = 960, 1920
# VMAF takes 0.3 s of processor time for a frame of 4K: of long or large clips each nth frame is
# measured. Odd steps, since encoders alternate kinds of frames.
_PACE_PIXELS = 0.5e9
# With larger steps, VMAF NEG costs more than it tells: it measures the motion of all frames again.
_MOST_NEG = 5
# libvmaf's measure of motion since the last frame of the reference.
_MOTION = "integer_motion2"


def pace_of(clip: VideoFile) -> int:
    """Return n so that measuring each nth frame of a clip takes a bounded time."""
    pace = math.ceil(clip.frames * clip.width * clip.height / _PACE_PIXELS)
    return pace + 1 - pace % 2


def shift_chains(reference: VideoFile, distorted: str, copies: list[str]) -> list[str]:
    """Return filter chains that compare the inner frames of a pad with their neighbours.

    `copies` are pads of the reference, one for each shift; the distorted side comes out as [out].
    """
    last = reference.frames - 1
    chains = [f"{distorted}trim=start_frame=1:end_frame={last},{_NUMBERED}[n0]"]
    for number, (shift, copy) in enumerate(zip(_SHIFTS, copies, strict=True)):
        begin, end = 1 + shift, last + shift
        chains.append(f"{copy}trim=start_frame={begin}:end_frame={end},{_NUMBERED}[s{number}]")
        out = "[out]" if shift == _SHIFTS[-1] else f"[n{number + 1}]"
        compared = f"psnr=shortest=1:stats_file={_log(shift)}"
        chains.append(f"[n{number}][s{number}]{compared}{out}")
    return chains


def find_shift(folder: Path) -> str:
    """Return the shift of the pair by the logs of the chains in `folder`; "" if there is none."""
    errors = {shift: _mean_error(folder / _log(shift)) for shift in _SHIFTS}
    best = min(_SHIFTS, key=lambda shift: (errors[shift], abs(shift)))
    if errors[best] >= _MAX_ERROR_RATIO * errors[0]:
        return ""
    way = "late" if best < 0 else "early"
    return f"it is one frame {way}: aligned, its error is {errors[best]:.2f}, not {errors[0]:.2f}"


def _log(shift: int) -> str:
    return f"shift-{shift + 1}.log"


def _mean_error(log: Path) -> float:
    errors = [float(found) for found in _ERROR.findall(log.read_text(encoding="utf-8"))]
    log.unlink()
    return math.fsum(errors) / len(errors) if errors else math.inf


class NotMeasured(Exception):
    """A pair that gets no score; the text is the reason in one line."""


class Score(msgspec.Struct, frozen=True):
    """One metric of a pair over its frames, with its model and the height of the frames.

    It covers every nth frame, n being `every`.
    """

    name: str
    model: str
    height: int
    mean: float
    harmonic_mean: float
    p1: float
    p5: float
    min: float
    every: int = 1


class PairMetrics(msgspec.Struct, frozen=True):
    """The scores of a pair, and VMAF and the reference's motion of each measured frame.

    `line` is FFmpeg's command line; `every` is the distance of measured frames.
    """

    scores: tuple[Score, ...]
    vmaf_frames: tuple[float, ...]
    motion_frames: tuple[float, ...] = ()
    every: int = 1
    line: str = ""

    def score(self, name: str) -> Score | None:
        """Return the score of that name, None if it was not measured."""
        return next((score for score in self.scores if score.name == name), None)

    @property
    def vmaf(self) -> float:
        """The mean of VMAF v0.6.1."""
        score = self.score(VMAF)
        assert score is not None  # no pair is measured without it
        return score.mean


class Instruments(msgspec.Struct, frozen=True):
    """The metrics that this FFmpeg has; `complaint` is "" unless it lacks VMAF itself.

    VMAF NEG, which takes as long as VMAF, is measured on every nth frame, n being `neg_every`. With
    `paced`, other metrics of long or large clips are measured on each nth frame too.
    """

    neg: bool
    xpsnr: bool
    complaint: str
    neg_every: int = 1
    paced: bool = False


async def detect_instruments(folder: Path) -> Instruments:
    """Detect which models and filters work, by measuring two frames."""
    reason = await _try_model(folder, MODELS[VMAF])
    neg = not reason and not await _try_model(folder, MODELS[NEG])
    return Instruments(neg, await ffmpeg_cli.has_filters("xpsnr"), reason)


async def _try_model(folder: Path, model: str) -> str:
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.08"]
    graph = f"split[a][b];[a][b]libvmaf=model=version={model}"
    try:
        await ffmpeg_cli.run(
            [*source, "-filter_complex", graph, "-f", "null", "-"], folder=folder, timeout=120
        )
    except ffmpeg_cli.FFmpegFailed as failure:
        return str(failure)
    return ""


async def measure_pair(
    reference: VideoFile,
    distorted: VideoFile,
    folder: Path,
    instruments: Instruments,
    *,
    every: int = 1,
    vmaf_only: bool = False,
) -> PairMetrics:
    """Measure each nth frame of a pair with equal frame counts, n being `every`.

    The distorted side is scaled (bicubic) to the reference. Raises NotMeasured; unless `vmaf_only`,
    also if the pair matches better with one side shifted by a frame.
    """
    paces = _paces(instruments, every, vmaf_only=vmaf_only)
    arguments = [*input_arguments(distorted), *input_arguments(reference)]
    arguments += ["-filter_complex", _graph(reference, paces, vmaf_only=vmaf_only)]
    arguments += ["-map", "[out]", "-fps_mode", "passthrough", "-f", "null", "-"]
    try:
        await ffmpeg_cli.run(
            arguments,
            folder=folder,
            timeout=reference.timeout,
            policy=reference.policy(distorted),
        )
    except ffmpeg_cli.FFmpegFailed as failure:
        raise NotMeasured(f"it could not be measured: {failure}") from failure
    measures = _read(reference, folder, paces)
    if not vmaf_only and (shifted := find_shift(folder)):
        raise NotMeasured(shifted)
    return msgspec.structs.replace(measures, line=shown_line(arguments, folder))


def _paces(instruments: Instruments, every: int, *, vmaf_only: bool) -> dict[str, int]:
    """Return the metrics to measure, and the distance of the frames that each measures."""
    paces = {VMAF: every}
    if vmaf_only:
        return paces
    paces |= {"ssim": every, "psnr": every}
    if instruments.neg and every <= _MOST_NEG:
        paces[NEG] = max(every, instruments.neg_every)
    if instruments.xpsnr and every == 1:
        # Its filter knows no step.
        paces["xpsnr"] = 1
    return paces


def _metric_filters(paces: dict[str, int]) -> list[str]:
    """Return the metric filters, each of which passes the distorted frames on."""
    features = ["feature='name=psnr|name=float_ssim'"] if "psnr" in paces else []
    filters = [_libvmaf(_LOG, VMAF, paces[VMAF], *features)]
    if NEG in paces:
        filters.append(_libvmaf(_NEG_LOG, NEG, paces[NEG]))
    if "xpsnr" in paces:
        filters.append(f"xpsnr={PAIRED}:stats_file={_XPSNR_LOG}")
    return filters


def _libvmaf(log: str, name: str, every: int, *features: str) -> str:
    model = f"model=version={MODELS[name]}"
    pace = f"n_subsample={every}:n_threads={usable_cores()}"
    return ":".join((f"libvmaf={PAIRED}:log_fmt=json:log_path={log}", pace, model, *features))


def _graph(reference: VideoFile, paces: dict[str, int], *, vmaf_only: bool) -> str:
    """Return one chain of all metrics: its only output is drained, so that no filter waits."""
    filters = _metric_filters(paces)
    shape = f"scale={reference.width}:{reference.height}:flags=bicubic,format=yuv420p"
    copies = [f"[r{n}]" for n in range(len(filters) + (not vmaf_only))]
    split = f"split={len(copies)}{''.join(copies)}"
    chains = [
        f"[0:V:0]{TIMED},{shape}[d0]",
        f"[1:V:0]{TIMED},{_LONGER},format=yuv420p,{split}",
        *(f"[d{n}][r{n}]{take}[d{n + 1}]" for n, take in enumerate(filters)),
    ]
    last = f"[d{len(filters)}]"
    if vmaf_only:
        return ";".join((*chains, f"{last}null[out]"))
    shifts = [f"[t{n}]" for n in range(REFERENCE_COPIES)]
    small = "null"
    if reference.width > _LARGE_WIDTH:
        small = f"scale={_SHIFT_WIDTH}:-2:flags=fast_bilinear"
    chains.append(f"{copies[-1]}{small},split={REFERENCE_COPIES}{''.join(shifts)}")
    chains.append(f"{last}{small}[small]")
    return ";".join((*chains, *shift_chains(reference, "[small]", shifts)))


def _read(reference: VideoFile, folder: Path, paces: dict[str, int]) -> PairMetrics:
    names = [name for name in (VMAF, "ssim", "psnr") if name in paces]
    frames = _read_log(folder / _LOG)
    series = {name: [float(frame[_LOGGED[name]]) for frame in frames] for name in names}
    motion = [float(frame.get(_MOTION, 0.0)) for frame in frames]
    if NEG in paces:
        series[NEG] = [float(frame[_LOGGED[NEG]]) for frame in _read_log(folder / _NEG_LOG)]
    if "xpsnr" in paces:
        series["xpsnr"] = _read_xpsnr(folder / _XPSNR_LOG)
    for name, values in series.items():
        expected = -(-reference.frames // paces[name])
        if len(values) != expected:
            raise NotMeasured(f"only {len(values)} of {expected} frames were paired ({name})")
    scores = (
        summarize_scores(name, series[name], reference.height, paces[name])
        for name in MODELS
        if name in series
    )
    return PairMetrics(tuple(scores), tuple(series[VMAF]), tuple(motion), paces[VMAF])


def _read_log(log: Path) -> list[dict[str, Any]]:
    logged: dict[str, Any] = msgspec.json.decode(log.read_bytes())
    log.unlink()
    return [frame["metrics"] for frame in logged["frames"]]


def _read_xpsnr(log: Path) -> list[float]:
    found = _XPSNR.findall(log.read_text(encoding="utf-8"))
    log.unlink()
    return [min(float(value), _MOST_DECIBELS) for value in found]


def summarize_scores(name: str, values: Sequence[float], height: int, every: int = 1) -> Score:
    """Return the score of a metric's frames; the harmonic mean is libvmaf's, of values + 1."""
    harmonic = len(values) / math.fsum(1 / (value + 1) for value in values) - 1
    ordered = sorted(values)
    return Score(
        name,
        MODELS[name],
        height,
        mean=math.fsum(values) / len(values),
        harmonic_mean=harmonic,
        p1=_percentile(ordered, 0.01),
        p5=_percentile(ordered, 0.05),
        min=ordered[0],
        every=every,
    )


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Return the value below which `part` of the sorted values lie, interpolated."""
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


async def check_reference(reference: VideoFile, folder: Path, instruments: Instruments) -> float:
    """Return VMAF of the reference against itself; raises NotMeasured if it is below 97."""
    every = max(pace_of(reference), _SELF_EVERY)
    pair = (reference, reference, folder, instruments)
    own = (await measure_pair(*pair, every=every, vmaf_only=True)).vmaf
    if own < MIN_SELF_SCORE:
        raise NotMeasured(
            f"the reference against itself scores {own:.1f}, less than {MIN_SELF_SCORE:.0f}: "
            "its frames cannot be paired"
        )
    return own


def check_pair(reference: VideoFile, distorted: VideoFile, *, resized: bool = False) -> None:
    """Raise NotMeasured unless the pair has equal frame counts and sizes.

    `resized` allows another size with the same aspect ratio, as when a server exports 1080p.
    """
    if distorted.frames != reference.frames:
        raise NotMeasured(f"it has {distorted.frames} frames, the reference {reference.frames}")
    pairs = ((reference.width, distorted.width), (reference.height, distorted.height))
    if all(abs(ours - theirs) <= _SIZE_TOLERANCE for ours, theirs in pairs):
        return
    sizes = (
        f"its picture is {distorted.width}x{distorted.height}, "
        f"the reference's {reference.width}x{reference.height}"
    )
    if not resized:
        raise NotMeasured(sizes)
    shape = (distorted.width * reference.height) / (distorted.height * reference.width)
    if abs(math.log(shape)) > _ASPECT_TOLERANCE:
        raise NotMeasured(f"{sizes}: the aspect ratio differs")
