"""What a pair must pass before it gets a score: frames, size, self-score, shift test."""

import math
import re
from pathlib import Path

from nemolocal_render import ffmpeg

from .clips import Clip, input_arguments
from .measures import Instruments, NotMeasured, measure

SELF_SCORE = 97.0
_SHIFTS = (-1, 0, 1)
_ERROR = re.compile(r"mse_y:(\S+)")
# Encoders want even sides: so much may be missing on each.
_EVEN = 1
# A still picture is as like its neighbours as itself: only a clear win is a shift.
_CLEARLY = 0.98
# How far two shapes may be from each other, as a part.
_SHAPE = 0.01


async def check_reference(reference: Clip, folder: Path, instruments: Instruments) -> float:
    """VMAF of the reference against itself; raises NotMeasured where it is below 97."""
    own = (await measure(reference, reference, folder, instruments, every=5)).vmaf
    if own < SELF_SCORE:
        raise NotMeasured(
            f"the reference against itself scores {own:.1f}, less than {SELF_SCORE:.0f}: "
            "its frames cannot be paired"
        )
    return own


async def check_pair(
    reference: Clip, distorted: Clip, folder: Path, *, resized: bool = False
) -> None:
    """Raise NotMeasured unless the pair can be compared.

    `resized` says that another size of the same shape is meant, as where a backend exports 1080p.
    """
    if distorted.frames != reference.frames:
        raise NotMeasured(f"it has {distorted.frames} frames, the reference {reference.frames}")
    _check_size(reference, distorted, resized)
    errors = await _shifted_errors(reference, distorted, folder)
    best = min(_SHIFTS, key=lambda shift: (errors[shift], abs(shift)))
    if errors[best] < _CLEARLY * errors[0]:
        way = "late" if best < 0 else "early"
        raise NotMeasured(
            f"it is a frame {way}: "
            f"put right its error is {errors[best]:.2f}, as it is {errors[0]:.2f}"
        )


def _check_size(reference: Clip, distorted: Clip, resized: bool) -> None:
    pairs = ((reference.width, distorted.width), (reference.height, distorted.height))
    if all(abs(ours - theirs) <= _EVEN for ours, theirs in pairs):
        return
    sizes = (
        f"its picture is {distorted.width}x{distorted.height}, "
        f"the reference's {reference.width}x{reference.height}"
    )
    if not resized:
        raise NotMeasured(sizes)
    shape = (distorted.width * reference.height) / (distorted.height * reference.width)
    if abs(math.log(shape)) > _SHAPE:
        raise NotMeasured(f"{sizes}: another shape")


async def _shifted_errors(reference: Clip, distorted: Clip, folder: Path) -> dict[int, float]:
    """The mean squared error of the inner frames against each neighbour and their own frame."""
    arguments = [*input_arguments(distorted), *input_arguments(reference)]
    arguments += ["-filter_complex", _shift_graph(reference)]
    arguments += [word for shift in _SHIFTS for word in ("-map", f"[e{shift + 1}]")]
    try:
        await ffmpeg.run(
            [*arguments, "-f", "null", "-"],
            folder=folder,
            timeout=reference.patience,
            policy=reference.policy(distorted),
        )
    except ffmpeg.FFmpegFailed as failure:
        raise NotMeasured(f"the shift test failed: {failure}") from failure
    return {shift: _mean_error(folder / _log(shift)) for shift in _SHIFTS}


def _shift_graph(reference: Clip) -> str:
    width, height, last = reference.width, reference.height, reference.frames - 1
    # By number and not by time: the counts are equal, and it is the times that are in doubt.
    numbered = "settb=AVTB,setpts=N*40000"
    shape = f"scale={width}:{height}:flags=bicubic,format=yuv420p"
    inner = f"trim=start_frame=1:end_frame={last},{numbered},split=3[d0][d1][d2]"
    chains = [f"[0:V:0]{shape},{inner}", "[1:V:0]format=yuv420p,split=3[r0][r1][r2]"]
    for shift in _SHIFTS:
        n, begin, end = shift + 1, 1 + shift, last + shift
        chains.append(f"[r{n}]trim=start_frame={begin}:end_frame={end},{numbered}[s{n}]")
        chains.append(f"[d{n}][s{n}]psnr=shortest=1:stats_file={_log(shift)}[e{n}]")
    return ";".join(chains)


def _log(shift: int) -> str:
    return f"shift-{shift + 1}.log"


def _mean_error(log: Path) -> float:
    errors = [float(found) for found in _ERROR.findall(log.read_text(encoding="utf-8"))]
    log.unlink()
    return math.fsum(errors) / len(errors) if errors else math.inf
