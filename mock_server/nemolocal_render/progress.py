"""How far a render is: percent, never falling, 99 at most until the file is in place."""

from collections.abc import Callable, Sequence
from functools import partial

_NEARLY = 99
_MICROSECONDS = 1_000_000


class RenderProgress:
    """Percent of a whole render, told on as they rise."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._percent = -1

    def report(self, percent: int) -> None:
        """It has come so far."""
        if percent > self._percent:
            self._percent = percent
            self._report(percent)

    def full_range(self) -> "ProgressRange":
        """All of the render, until its file is in place."""
        return ProgressRange(lambda done: self.report(min(int(done * 100), _NEARLY)))


class ProgressRange:
    """A part of a render that takes it from one share of the whole to another."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell

    def subrange(self, begin: float, end: float) -> "ProgressRange":
        """A part of this stage, as shares of it."""
        return ProgressRange(lambda done: self._tell(begin + done * (end - begin)))

    def split(self, shares: Sequence[float]) -> "list[ProgressRange]":
        """Parts of this stage that may run at once: each brings its share of the whole forward."""
        brought = [0.0] * len(shares)

        def bring(index: int, done: float) -> None:
            brought[index] = done * shares[index]
            self._tell(sum(brought))

        return [ProgressRange(partial(bring, index)) for index in range(len(shares))]

    def line_parser(self, seconds: float) -> Callable[[str], None]:
        """What reads FFmpeg's reports on a file of so many seconds."""

        def read(line: str) -> None:
            name, _, value = line.partition("=")
            # "N/A" until the first frame is out.
            if name == "out_time_us" and value.isdigit():
                self._tell(min(int(value) / _MICROSECONDS / seconds, 1.0))

        return read
