"""Start, end and frame rate of a stream by the timestamps of its packets.

Headers are trusted only if the packets agree.
"""

from array import array
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

_USUAL_RATES = (
    *(Fraction(whole) for whole in (24, 25, 30, 50, 60, 120, 240)),
    *(Fraction(whole * 1000, 1001) for whole in (24, 30, 60)),
)
# Frames over which the peak rate is measured; a few may have the same timestamp.
_WINDOW = 8
# The range of plausible rates for a single frame, whose rate only the header states.
_SLOWEST, _FASTEST = Fraction(1), Fraction(120)
# The duration of a single frame if nothing states it.
_UNKNOWN_LENGTH = Fraction(1, 25)


class StreamTiming:
    """The timing of the packets of one stream, in ticks of its time base.

    Packets are added in file order. Those before the first decodable frame are ignored; until
    `set_first_frame` they are held. Packets without a timestamp count only if none has one.
    """

    def __init__(self, base: Fraction) -> None:
        self.time_base = base
        self._held: list[tuple[int, int]] = []
        self._begun = False
        self._begin: int | None = None
        self._count = 0
        self._first = self._last = self._end = 0
        self._shortest = self._longest = 0
        self._unstamped = (0, 0)
        self._cut = Fraction(0)
        self._stated: Fraction | None = None
        self._stamps = array("q")

    def add_packet(self, pts: int | None, dts: int | None, length: int) -> None:
        """Add a packet with its timestamps, if it has any, and its duration in ticks."""
        at = pts if pts is not None else dts
        if at is None:
            count, ticks = self._unstamped
            self._unstamped = (count + 1, ticks + length)
        elif self._begun:
            self._take(at, length)
        else:
            self._held.append((at, length))

    def set_first_frame(self, at: int | None) -> None:
        """Set the timestamp of the first decoded frame, None if it has none."""
        held, self._held = self._held, []
        self._begun = True
        self._begin = min((start for start, _ in held), default=None) if at is None else at
        for start, length in held:
            self._take(start, length)

    def _take(self, at: int, length: int) -> None:
        end = at + length
        if not self._count:
            self._take_first(at, length)
            return
        if end > self._end:
            self._end = end
        if self._begin is None or at < self._begin:
            return
        if at > self._last:
            self._last = at
        elif at < self._first:
            self._first = at
        if length < self._shortest:
            self._shortest = length
        elif length > self._longest:
            self._longest = length
        self._count += 1
        self._stamps.append(at)

    def _take_first(self, at: int, length: int) -> None:
        """Add the first packet: audio may begin within it."""
        if self._begin is None:
            self._begin = at
        self._end = max(at + length, self._begin)
        if at >= self._begin:
            self._first = self._last = at
            self._shortest = self._longest = length
            self._count = 1
            self._stamps.append(at)

    def trim_end(self, seconds: Fraction) -> None:
        """Set the padding at the end of the last packet."""
        self._cut = seconds

    def set_stated_end(self, end: Fraction) -> None:
        """Set the end by an edit list, which may be within the last frame."""
        self._stated = end

    def finish(self) -> None:
        """End the stream: if no packet has a timestamp, they are consecutive."""
        count, ticks = self._unstamped
        if self._begun and not self._count and count:
            self._begin, self._count, self._end = 0, count, ticks
            self._shortest = self._longest = ticks // count
            self._last = ticks - self._longest

    @property
    def frame_count(self) -> int:
        """The number of frames from the first decodable one on."""
        return self._count

    @property
    def start(self) -> Fraction:
        """The start of the first frame in seconds of the file's timestamps."""
        return (self._begin or 0) * self.time_base

    @property
    def end(self) -> Fraction:
        """The end of the last frame in seconds of the file's timestamps."""
        last = self._last * self.time_base
        if self._count and self._has_invented_durations():
            return last + (self._gap() or _UNKNOWN_LENGTH)
        end = max(self._end * self.time_base - self._cut, self.start)
        return self._stated if self._stated is not None and last < self._stated < end else end

    @property
    def latest_end(self) -> Fraction:
        """The end if the last frame lasts as long as any before it, where no packet states it."""
        if not self._count or not self._has_invented_durations():
            return self.end
        stamps = sorted(self._stamps)
        longest = max((after - before for before, after in pairwise(stamps)), default=0)
        return max(self.end, self._last * self.time_base + longest * self.time_base)

    @property
    def peak_fps(self) -> float:
        """The highest frame rate over a few frames."""
        stamps = sorted(self._stamps)
        window = min(_WINDOW, len(stamps) - 1)
        gaps = [after - before for before, after in zip(stamps, stamps[window:], strict=False)]
        return window / float(max(min(gaps, default=1), 1) * self.time_base) if window > 0 else 0.0

    def estimate_fps(self, stated: Sequence[Fraction | None]) -> Fraction:
        """Return the frame rate: the first stated rate that fits the timestamps, else their mean.

        Timestamps are rounded, so a few frames cannot distinguish 29.97 from 30: a common rate is
        preferred if it fits. 0 if nothing is known.
        """
        reach, steps = (self._last - self._first) * self.time_base, self._count - 1
        known = [rate for rate in stated if rate]
        if steps < 1 or not reach:
            alone = [rate for rate in known if _SLOWEST <= rate <= _FASTEST]
            length = self.end - self.start
            return alone[0] if alone else min(1 / length, _FASTEST) if length else Fraction(0)
        counted = steps / reach
        for rate in known:
            if abs(rate * reach - steps) <= 1 and abs(rate - counted) * 10 <= counted:
                return rate
        usual = min(_USUAL_RATES, key=lambda usual: abs(usual - counted))
        fits = abs(usual * reach - steps) <= 2 * usual * self.time_base
        return usual if fits else counted

    def _gap(self) -> Fraction:
        """Return the mean time between frames, 0 for a single one."""
        steps = self._count - 1
        return (self._last - self._first) * self.time_base / steps if steps else Fraction(0)

    def _has_invented_durations(self) -> bool:
        """Whether packets have no duration, or all the same implausible one."""
        alike = self._shortest == self._longest and self._count > 1
        return not self._longest or (alike and self._longest * self.time_base > 2 * self._gap())
