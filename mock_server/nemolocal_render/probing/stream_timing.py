"""When a stream begins and ends, and how fast its frames follow, by the time stamps of its packets.

What headers say of it is believed only as far as the packets agree.
"""

from array import array
from collections.abc import Sequence
from fractions import Fraction

_USUAL_RATES = (
    *(Fraction(whole) for whole in (24, 25, 30, 50, 60, 120, 240)),
    *(Fraction(whole * 1000, 1001) for whole in (24, 30, 60)),
)
# So many frames tell how quickly they follow each other; a few may have the same time stamp.
_WINDOW = 8
# What is believed of the rate of a single frame, which nothing else tells.
_SLOWEST, _FASTEST = Fraction(1), Fraction(120)
# How long the one frame of a stream stands that says nothing of it.
_UNKNOWN_LENGTH = Fraction(1, 25)


class StreamTiming:
    """The time that the packets of one stream take, in ticks of its time base.

    Packets are added in the order of the file. Those before the first frame that can be decoded
    count for nothing; until `begin` tells its time stamp they are held. Those without a time stamp
    count only where none has any.
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
        """A packet: its time stamps, as far as it has any, and the ticks that it says it lasts."""
        at = pts if pts is not None else dts
        if at is None:
            count, ticks = self._unstamped
            self._unstamped = (count + 1, ticks + length)
        elif self._begun:
            self._take(at, length)
        else:
            self._held.append((at, length))

    def set_first_frame(self, at: int | None) -> None:
        """Say the time stamp of the first frame that was decoded, None if it has none."""
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
        """Sound may begin within a packet, which may be the last one too."""
        if self._begin is None:
            self._begin = at
        self._end = max(at + length, self._begin)
        if at >= self._begin:
            self._first = self._last = at
            self._shortest = self._longest = length
            self._count = 1
            self._stamps.append(at)

    def trim_end(self, seconds: Fraction) -> None:
        """Say that so much of the last packet is not heard."""
        self._cut = seconds

    def set_stated_end(self, end: Fraction) -> None:
        """Say where a list of edits ends the stream: it may do so within the last frame."""
        self._stated = end

    def finish(self) -> None:
        """There are no more packets: where none has a time stamp, they follow one another."""
        count, ticks = self._unstamped
        if self._begun and not self._count and count:
            self._begin, self._count, self._end = 0, count, ticks
            self._shortest = self._longest = ticks // count
            self._last = ticks - self._longest

    @property
    def frame_count(self) -> int:
        """The frames from the first one that can be decoded."""
        return self._count

    @property
    def start(self) -> Fraction:
        """Seconds, on the file's own clock, where the first frame begins."""
        return (self._begin or 0) * self.time_base

    @property
    def end(self) -> Fraction:
        """Seconds, on the file's own clock, where the last frame ends."""
        last = self._last * self.time_base
        if self._count and self._has_invented_durations():
            return last + (self._gap() or _UNKNOWN_LENGTH)
        end = max(self._end * self.time_base - self._cut, self.start)
        return self._stated if self._stated is not None and last < self._stated < end else end

    @property
    def peak_fps(self) -> float:
        """Frames a second where they follow each other most quickly."""
        stamps = sorted(self._stamps)
        window = min(_WINDOW, len(stamps) - 1)
        gaps = [after - before for before, after in zip(stamps, stamps[window:], strict=False)]
        return window / float(max(min(gaps, default=1), 1) * self.time_base) if window > 0 else 0.0

    def estimate_fps(self, stated: Sequence[Fraction | None]) -> Fraction:
        """Frames a second: the first stated rate that fits the count, else the count itself.

        Time stamps are rounded, so that the count of a few frames cannot tell 29.97 from 30: a
        usual rate is taken where it fits as well. 0 where nothing is known.
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
        """The mean time from one frame to the next, 0 where there is but one."""
        steps = self._count - 1
        return (self._last - self._first) * self.time_base / steps if steps else Fraction(0)

    def _has_invented_durations(self) -> bool:
        """Whether packets tell no length, or all the same one, which cannot be true."""
        alike = self._shortest == self._longest and self._count > 1
        return not self._longest or (alike and self._longest * self.time_base > 2 * self._gap())
