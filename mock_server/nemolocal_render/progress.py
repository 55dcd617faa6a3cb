"""How far a render is: percent, never falling, 99 at most until the file is in place."""

from collections.abc import Callable

_NEARLY = 99
_MICROSECONDS = 1_000_000


class Progress:
    """Percent of a whole render, told on as they rise."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._percent = -1

    def reach(self, percent: int) -> None:
        """It has come so far."""
        if percent > self._percent:
            self._percent = percent
            self._report(percent)


class Stage:
    """A part of a render that takes it from one share of the whole to another."""

    def __init__(self, progress: Progress, begin: float = 0.0, end: float = 1.0) -> None:
        self._progress = progress
        self._begin, self._end = begin, end

    def part(self, begin: float, end: float) -> "Stage":
        """A part of this stage, as shares of it."""
        length = self._end - self._begin
        return Stage(self._progress, self._begin + begin * length, self._begin + end * length)

    def reader(self, seconds: float) -> Callable[[str], None]:
        """What reads FFmpeg's reports on a file of so many seconds."""

        def read(line: str) -> None:
            name, _, value = line.partition("=")
            # "N/A" until the first frame is out.
            if name == "out_time_us" and value.isdigit():
                done = min(int(value) / _MICROSECONDS / seconds, 1.0)
                share = self._begin + done * (self._end - self._begin)
                self._progress.reach(min(int(share * 100), _NEARLY))

        return read
