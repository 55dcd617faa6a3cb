"""Places exchanges on a time axis with folded idle time (pure).

Positions are from 0 to `WIDTH`. Waiting for the next bytes of a stream, and time without any
exchange, are idle: what is much longer than the rest is drawn short, and marked as folded.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from nemolocal_contract.journal import Entry

WIDTH = 1000
# A gap takes at most this part of the line, but always as much as this many of equal gaps.
_MOST_OF_LINE = 0.08
_EQUAL_GAPS = 1.5
_ROUNDS = 60
_MAX_TICKS = 200
# The shortest bar.
_LEAST = 4


class Fold(msgspec.Struct, frozen=True):
    """Idle time that is drawn shortened: its middle on the axis, and its seconds."""

    position: float
    seconds: float


class Axis(msgspec.Struct, frozen=True):
    """A time axis: times in seconds, and their positions."""

    moments: tuple[float, ...]
    positions: tuple[float, ...]
    folds: tuple[Fold, ...]

    @property
    def fold_path(self) -> str:
        """The folds as the data of one SVG path, since every row draws all of them."""
        return "".join(f"M{fold.position:g} 0V20" for fold in self.folds)

    def position(self, moment: float) -> float:
        """Return the position of a moment, rounded to a tenth."""
        index = bisect_right(self.moments, moment) - 1
        if index < 0:
            return 0.0
        if index >= len(self.moments) - 1:
            return float(WIDTH)
        left, right = self.moments[index], self.moments[index + 1]
        start, end = self.positions[index], self.positions[index + 1]
        return round(start + (moment - left) / (right - left) * (end - start), 1)


class Bar(msgspec.Struct, frozen=True):
    """An exchange on the axis: it waits from `start` to `first`, and receives until `end`.

    `ticks` are its chunks.
    """

    start: float
    first: float
    end: float
    ticks: tuple[float, ...]

    @property
    def tick_path(self) -> str:
        """The ticks as the data of an SVG path."""
        return "".join(f"M{tick:g} 3V17" for tick in self.ticks)


def build_axis(entries: Iterable[Entry]) -> Axis:
    """Return the time axis of these entries."""
    moments: set[float] = set()
    busy: list[tuple[float, float]] = []
    for entry in entries:
        end = max(entry.started, entry.ended)
        moments |= {entry.started, end, *_chunk_moments(entry)}
        if not entry.chunks:
            busy.append((entry.started, end))
    ordered = sorted(moments)
    gaps = [after - before for before, after in pairwise(ordered)]
    can_fold = _idle_gaps(ordered, busy)
    limit = _gap_limit(gaps, can_fold)
    drawn = [min(gap, limit) if idle else gap for gap, idle in zip(gaps, can_fold, strict=True)]
    scale = WIDTH / (sum(drawn) or 1.0)
    positions, folds, reached = [0.0], [], 0.0
    for gap, shown in zip(gaps, drawn, strict=True):
        if shown < gap:
            folds.append(Fold(round((reached + shown / 2) * scale, 1), gap))
        reached += shown
        positions.append(reached * scale)
    return Axis(tuple(ordered), tuple(positions[: len(ordered)]), tuple(folds))


def place_entry(entry: Entry, axis: Axis) -> Bar:
    """Return the bar of an entry; of its chunks, those at the same place are drawn once."""
    end = max(entry.started, entry.ended)
    chunks = _chunk_moments(entry)
    # Even the shortest can be seen, also at the end of the line.
    start = min(axis.position(entry.started), WIDTH - _LEAST)
    reached = max(axis.position(end), start + _LEAST)
    ticks = dict.fromkeys(round(axis.position(moment)) for moment in chunks)
    return Bar(
        start=start,
        first=max(axis.position(chunks[0]), start) if chunks else reached,
        end=reached,
        ticks=tuple(ticks)[:_MAX_TICKS],
    )


def _chunk_moments(entry: Entry) -> list[float]:
    end = max(entry.started, entry.ended)
    return [min(entry.started + max(offset, 0.0), end) for offset, _ in entry.chunks]


def _idle_gaps(moments: Sequence[float], busy: list[tuple[float, float]]) -> list[bool]:
    """Return for each gap between two moments whether nothing but a stream may be open in it."""
    busy.sort()
    idle, covered, index = [], float("-inf"), 0
    for start, _ in pairwise(moments):
        while index < len(busy) and busy[index][0] <= start:
            covered = max(covered, busy[index][1])
            index += 1
        idle.append(covered <= start)
    return idle


def _gap_limit(gaps: Sequence[float], can_fold: Sequence[bool]) -> float:
    """Return the maximum drawn length of a gap, so that no gap takes most of the axis."""
    if not gaps:
        return 0.0
    share = max(_MOST_OF_LINE, _EQUAL_GAPS / len(gaps))
    limit = max(gaps)
    for _ in range(_ROUNDS):
        drawn = sum(
            min(gap, limit) if idle else gap for gap, idle in zip(gaps, can_fold, strict=True)
        )
        if limit <= share * drawn:
            break
        limit = share * drawn
    return limit
