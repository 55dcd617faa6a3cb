"""The shift test: whether a pair is more alike with one side a frame earlier or later."""

import math
import re
from pathlib import Path

from .video_files import VideoFile

_SHIFTS = (-1, 0, 1)
_ERROR = re.compile(r"mse_y:(\S+)")
# A still picture is as like its neighbours as itself: only a clear win is a shift.
_CLEARLY = 0.98
# By number and not by time: the counts are equal, and it is the times that are in doubt.
_NUMBERED = "settb=AVTB,setpts=N*40000"
# So many copies of the reference are compared with.
REFERENCE_COPIES = len(_SHIFTS)


def shift_chains(reference: VideoFile, distorted: str, copies: list[str]) -> list[str]:
    """Chains of a filter graph that compare the inner frames of a pad with their neighbours.

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
    """How the pair is shifted, by the logs that the chains left in `folder`; "" where it is not."""
    errors = {shift: _mean_error(folder / _log(shift)) for shift in _SHIFTS}
    best = min(_SHIFTS, key=lambda shift: (errors[shift], abs(shift)))
    if errors[best] >= _CLEARLY * errors[0]:
        return ""
    way = "late" if best < 0 else "early"
    return (
        f"it is a frame {way}: put right its error is {errors[best]:.2f}, as it is {errors[0]:.2f}"
    )


def _log(shift: int) -> str:
    return f"shift-{shift + 1}.log"


def _mean_error(log: Path) -> float:
    errors = [float(found) for found in _ERROR.findall(log.read_text(encoding="utf-8"))]
    log.unlink()
    return math.fsum(errors) / len(errors) if errors else math.inf
