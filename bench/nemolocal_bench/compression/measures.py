"""How alike two files are, frame by frame: VMAF, SSIM, PSNR and XPSNR of frames paired by time."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_render import ffmpeg
from nemolocal_render.cores import usable_cores

from .clips import Clip, input_arguments

VMAF = "vmaf"
NEG = "vmaf_neg"
# Measure → the model or the plane that it is of.
MODELS = {
    VMAF: "vmaf_v0.6.1",
    NEG: "vmaf_v0.6.1neg",
    "ssim": "luma",
    "psnr": "luma, dB",
    "xpsnr": "luma, dB",
}
# What libvmaf calls them in its log.
_LOGGED = {VMAF: "vmaf", NEG: "vmaf_neg", "ssim": "float_ssim", "psnr": "psnr_y"}
_LOG, _XPSNR_LOG = "vmaf.json", "xpsnr.log"
_XPSNR = re.compile(r"n:\s*\d+\s+XPSNR y:\s*(\S+)")
# Equal frames have no end of dB, and JSON no word for that.
_MOST_DECIBELS = 100.0

# Both sides begin at 0 and count in microseconds: containers round times differently.
TIMED = "settb=AVTB,setpts=PTS-STARTPTS"
PAIRED = "shortest=1:ts_sync_mode=nearest"
# The shorter side ends the pairing: a last frame whose time was rounded up would be lost.
_LONGER = "tpad=stop=1:stop_mode=clone"


class NotMeasured(Exception):
    """A pair that gets no score; the text is the reason, one line."""


class Score(msgspec.Struct, frozen=True):
    """One measure of a pair over its frames, with the model and the height it was taken at."""

    name: str
    model: str
    height: int
    mean: float
    harmonic_mean: float
    p1: float
    p5: float
    min: float


class Measures(msgspec.Struct, frozen=True):
    """The scores of a pair, and VMAF of each frame that was looked at."""

    scores: tuple[Score, ...]
    vmaf_frames: tuple[float, ...]

    def score(self, name: str) -> Score | None:
        """The score of that name, None where it was not taken."""
        return next((score for score in self.scores if score.name == name), None)

    @property
    def vmaf(self) -> float:
        """The mean of VMAF v0.6.1."""
        score = self.score(VMAF)
        assert score is not None  # no pair is measured without it
        return score.mean

    @property
    def worst_frame(self) -> int:
        """The number of the frame with the least VMAF, from 0."""
        return self.vmaf_frames.index(min(self.vmaf_frames))


class Instruments(msgspec.Struct, frozen=True):
    """What the binary can measure with; `complaint` is "" unless it lacks VMAF itself."""

    neg: bool
    xpsnr: bool
    complaint: str


async def find_instruments(folder: Path) -> Instruments:
    """Which models and filters work here: two frames are measured to know."""
    complaint = await _try_model(folder, MODELS[VMAF])
    neg = not complaint and not await _try_model(folder, MODELS[NEG])
    return Instruments(neg, await ffmpeg.has_filters("xpsnr"), complaint)


async def _try_model(folder: Path, model: str) -> str:
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.08"]
    graph = f"split[a][b];[a][b]libvmaf=model=version={model}"
    try:
        await ffmpeg.run(
            [*source, "-filter_complex", graph, "-f", "null", "-"], folder=folder, timeout=20
        )
    except ffmpeg.FFmpegFailed as failure:
        return str(failure)
    return ""


async def measure(
    reference: Clip,
    distorted: Clip,
    folder: Path,
    instruments: Instruments,
    *,
    every: int | None = None,
) -> Measures:
    """Measure a pair whose frames are as many; with `every`, VMAF v0.6.1 of each nth frame alone.

    The distorted side is scaled (bicubic) to the reference. Raises NotMeasured.
    """
    names = [name for name in _LOGGED if name == VMAF or (every is None and name != NEG)]
    names += [NEG] if instruments.neg and every is None else []
    xpsnr = instruments.xpsnr and every is None
    graph = _graph(reference, names, xpsnr, every or 1)
    arguments = [*input_arguments(distorted), *input_arguments(reference)]
    arguments += ["-filter_complex", graph, "-map", "[vmaf]"]
    arguments += ["-map", "[xpsnr]"] if xpsnr else []
    try:
        await ffmpeg.run(
            [*arguments, "-fps_mode", "passthrough", "-f", "null", "-"],
            folder=folder,
            timeout=reference.patience,
            policy=reference.policy(distorted),
        )
    except ffmpeg.FFmpegFailed as failure:
        raise NotMeasured(f"it could not be measured: {failure}") from failure
    series = _read_vmaf(folder / _LOG, names)
    if xpsnr:
        series["xpsnr"] = _read_xpsnr(folder / _XPSNR_LOG)
    _require_pairs(series, -(-reference.frames // (every or 1)))
    scores = tuple(summarize(name, values, reference.height) for name, values in series.items())
    return Measures(scores, tuple(series[VMAF]))


def _graph(reference: Clip, names: list[str], xpsnr: bool, every: int) -> str:
    width, height = reference.width, reference.height
    models = [f"version={MODELS[VMAF]}"]
    if NEG in names:
        models.append(rf"version={MODELS[NEG]}\:name={_LOGGED[NEG]}")
    options = [
        PAIRED,
        f"log_fmt=json:log_path={_LOG}:n_subsample={every}:n_threads={usable_cores()}",
        *(["feature='name=psnr|name=float_ssim'"] if "psnr" in names else []),
        f"model='{'|'.join(models)}'",
    ]
    cut = ("split", "[d][d2]", "[r][r2]") if xpsnr else ("null", "[d]", "[r]")
    shape = f"scale={width}:{height}:flags=bicubic,format=yuv420p"
    chains = [
        f"[0:V:0]{TIMED},{shape},{cut[0]}{cut[1]}",
        f"[1:V:0]{TIMED},{_LONGER},format=yuv420p,{cut[0]}{cut[2]}",
        f"[d][r]libvmaf={':'.join(options)}[vmaf]",
    ]
    if xpsnr:
        chains.append(f"[d2][r2]xpsnr={PAIRED}:stats_file={_XPSNR_LOG}[xpsnr]")
    return ";".join(chains)


def _read_vmaf(log: Path, names: list[str]) -> dict[str, list[float]]:
    logged: dict[str, Any] = msgspec.json.decode(log.read_bytes())
    log.unlink()
    frames = [frame["metrics"] for frame in logged["frames"]]
    wanted = {name: key for name, key in _LOGGED.items() if name in names}
    return {name: [float(frame[key]) for frame in frames] for name, key in wanted.items()}


def _read_xpsnr(log: Path) -> list[float]:
    found = _XPSNR.findall(log.read_text(encoding="utf-8"))
    log.unlink()
    return [min(float(value), _MOST_DECIBELS) for value in found]


def _require_pairs(series: dict[str, list[float]], frames: int) -> None:
    for name, values in series.items():
        if len(values) != frames:
            raise NotMeasured(f"{len(values)} of {frames} frames found a partner ({name})")


def summarize(name: str, values: Sequence[float], height: int) -> Score:
    """The score that a measure's frames make; the harmonic mean is libvmaf's, of values + 1."""
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
    )


def _percentile(ordered: Sequence[float], part: float) -> float:
    """The value below which `part` of the sorted values lie, interpolated."""
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
