"""The progress of a render in percent, from the progress lines of its runs of FFmpeg."""

from collections.abc import Callable, Sequence
from functools import partial

_NEARLY = 99
_MICROSECONDS = 1_000_000


class RenderProgress:
    """The progress of a whole render in percent, which never decreases."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._percent = -1

    def report(self, percent: int) -> None:
        """Report the progress if it has increased."""
        if percent > self._percent:
            self._percent = percent
            self._report(percent)

    def full_range(self) -> "ProgressRange":
        """Return the range of the whole render; 99 % is the most until the file is in place."""
        return ProgressRange(lambda done: self.report(min(int(done * 100), _NEARLY)))


class ProgressRange:
    """A part of a render: progress between two shares of the whole."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report

    def subrange(self, begin: float, end: float) -> "ProgressRange":
        """Return the range between two shares of this range."""
        return ProgressRange(lambda done: self._report(begin + done * (end - begin)))

    def split(self, shares: Sequence[float]) -> "list[ProgressRange]":
        """Return ranges for work in parallel, each for its share of this range."""
        finished = [0.0] * len(shares)

        def report(index: int, done: float) -> None:
            finished[index] = done * shares[index]
            self._report(sum(finished))

        return [ProgressRange(partial(report, index)) for index in range(len(shares))]

    def observed(self, observe: Callable[[float], None]) -> "ProgressRange":
        """Return this range, whose progress `observe` gets as well."""

        def report(done: float) -> None:
            observe(done)
            self._report(done)

        return ProgressRange(report)

    def report(self, done: float) -> None:
        """Report how much of this range is done, from 0 to 1."""
        self._report(done)

    def line_parser(self, seconds: float) -> Callable[[str], None]:
        """Return a parser of FFmpeg's `-progress` lines for a file of so many seconds."""

        def read(line: str) -> None:
            name, _, value = line.partition("=")
            # "N/A" until the first frame is out.
            if name == "out_time_us" and value.isdigit():
                self._report(min(int(value) / _MICROSECONDS / seconds, 1.0))

        return read
