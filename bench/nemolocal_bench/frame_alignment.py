"""The alignment test: whether a pair matches better with one side shifted by a frame."""

import math
import re
from pathlib import Path

from .video_files import VideoFile

_SHIFTS = (-1, 0, 1)
_ERROR = re.compile(r"mse_y:(\S+)")
# In a still picture neighbours match as well: only a clear difference is a shift.
_CLEARLY = 0.98
# By number, not by time: the counts are equal, and the times are in doubt.
_NUMBERED = "settb=AVTB,setpts=N*40000"
# The number of copies of the reference to compare with.
REFERENCE_COPIES = len(_SHIFTS)


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
