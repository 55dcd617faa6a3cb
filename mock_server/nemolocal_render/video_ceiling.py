"""Whether parts that were encoded by themselves hold a maximum bit rate together.

Each encoder keeps the ceiling as if the buffer of the decoder were nearly full when its part
begins. Behind a part that has emptied the buffer that is not true.
"""

from collections.abc import Iterable
from fractions import Fraction

# x264 begins with a buffer that is 90 % full. Its own files may miss their ceiling by a little.
_FULL, _SLACK = 0.9, 0.02
# A part with a higher share of the ceiling as its mean was probably held down by it: another part
# could have used the bits, and an encoder of the whole plan gives them to it.
_TOUCHED = 0.9


class CeilingReached(Exception):
    """Parts must not be joined: the maximum bit rate needs one encoder for all of them."""


def require_far_below_ceiling(size: int, seconds: float, rate: int) -> None:
    """Raise CeilingReached if the bytes of a part are too near to `rate` bits/s."""
    share = size * 8 / seconds / rate
    if share > _TOUCHED:
        raise CeilingReached(f"a part has {share:.0%} of the maximum bit rate")


def require_below_ceiling(sizes: Iterable[int], fps: Fraction, rate: int) -> None:
    """Raise CeilingReached if a decoder that receives `rate` bits/s must wait for a frame.

    `sizes` are the bytes of the frames in the order of decoding. The buffer holds one second, as
    `-bufsize` says.
    """
    filled, gain = _FULL * rate, float(rate / fps)
    for frame, size in enumerate(sizes):
        filled -= size * 8
        if filled < -_SLACK * rate:
            raise CeilingReached(f"the parts exceed the maximum bit rate at frame {frame}")
        filled = min(filled + gain, rate)
