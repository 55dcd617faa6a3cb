"""Whether parts that were encoded by themselves hold a maximum bit rate together.

Each encoder keeps the maximum as if the buffer of the decoder were nearly full when its part
begins. Behind a part that has emptied the buffer that is not true. Where the maximum holds an
encoder down, parts are also larger than the whole: each spends the bits of a full buffer anew.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

# x264 begins with a buffer that is 90 % full.
_FULL_AT_BEGIN = 0.9
# Measured: a part that x264 has made smaller for the sake of the maximum has a mean of at least
# 60 % of it, also where the buffer was never nearly empty.
_TOUCHED_MEAN, _TOUCHED_FILL = 0.5, 0.5
# x264's own files may miss their maximum by a little.
_SLACK = 0.02


class CeilingReached(Exception):
    """Parts must not be joined: the maximum bit rate needs one encoder for all of them."""


def lowest_fill(sizes: Iterable[int], fps: Fraction, rate: int) -> float:
    """Return how full the buffer of a decoder is at least, as a share; negative: it must wait.

    It holds one second, as `-bufsize` says, and receives `rate` bits/s. `sizes` are the bytes of
    the frames in the order of decoding.
    """
    lowest = filled = _FULL_AT_BEGIN
    for size in sizes:
        filled -= size * 8 / rate
        lowest = min(lowest, filled)
        filled = min(filled + float(1 / fps), 1.0)
    return lowest


def require_untouched(sizes: Sequence[int], fps: Fraction, rate: int) -> None:
    """Raise CeilingReached if the maximum has, or may have, held down the encoder of a part."""
    mean = sum(sizes) * 8 * float(fps) / len(sizes) / rate
    if mean > _TOUCHED_MEAN or lowest_fill(sizes, fps, rate) < _TOUCHED_FILL:
        raise CeilingReached("a part is near the maximum bit rate")


def require_below_ceiling(sizes: Iterable[int], fps: Fraction, rate: int) -> None:
    """Raise CeilingReached if the parts exceed the maximum together."""
    if lowest_fill(sizes, fps, rate) < -_SLACK:
        raise CeilingReached("the parts exceed the maximum bit rate together")
