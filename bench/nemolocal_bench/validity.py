"""Validity checks before a pair is measured: frame count, size, reference against itself.

The alignment test is in `metrics`, as it uses the same decoded frames as the metrics.
"""

import math
from pathlib import Path

from .metrics import Instruments, NotMeasured, measure_pair
from .video_files import VideoFile

MIN_SELF_SCORE = 97.0
# Encoders need even sizes: so much may be missing on each side.
_SIZE_TOLERANCE = 1
# The maximum relative difference of two aspect ratios.
_ASPECT_TOLERANCE = 0.01


async def check_reference(reference: VideoFile, folder: Path, instruments: Instruments) -> float:
    """Return VMAF of the reference against itself; raises NotMeasured if it is below 97."""
    own = (await measure_pair(reference, reference, folder, instruments, every=5)).vmaf
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
        raise NotMeasured(f"{sizes}: another shape")
