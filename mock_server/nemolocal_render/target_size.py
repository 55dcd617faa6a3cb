"""The search for the quality at which a file is as large as it may be."""

import math
from collections.abc import Sequence
from typing import NamedTuple

# How much of the size is meant, how much is enough, and how often it is tried.
_AIM, _ENOUGH, _TRIES = 0.96, 0.88, 6
_BEST, _WORST = 1.0, 51.0
# Six steps of quality halve a file, as a rule; that they do next to nothing is never believed.
_USUAL_SLOPE, _LEAST_SLOPE = -1 / 6, -0.02


class SizeTrial(NamedTuple):
    """A quality (lower is better) and the bytes of the file that it made."""

    crf: float
    size: int


def next_crf(tried: Sequence[SizeTrial], limit: int) -> float | None:
    """The quality to try next for a file of at most `limit` bytes; None: the search has ended.

    The first one tried is the best that is wanted: if it fits, there is nothing to search for.
    """
    crf, size = tried[-1]
    if size <= limit and (len(tried) == 1 or size >= _ENOUGH * limit):
        return None
    known = [one.crf for one in tried]
    guess = _guess(tried, math.log2(limit * _AIM)) if len(tried) < _TRIES else crf
    if guess in known and all(one.size > limit for one in tried):
        guess = _WORST  # what is left where nothing fits
    return None if guess in known else guess


def _guess(tried: Sequence[SizeTrial], wanted: float) -> float:
    """The quality whose size, as a power of two, should be right, from the two nearest tried."""
    points = sorted(
        ((one.crf, math.log2(one.size)) for one in tried), key=lambda point: abs(point[1] - wanted)
    )
    crf, size = points[0]
    slope = _USUAL_SLOPE
    if len(points) > 1:
        other_crf, other_size = points[1]
        slope = min((other_size - size) / (other_crf - crf), _LEAST_SLOPE)
    return round(min(max(crf + (wanted - size) / slope, _BEST), _WORST), 1)
