"""What an edit is about: moments, spans of time, and which clips. Times are milliseconds."""

import msgspec


class TimelinePoint(msgspec.Struct, frozen=True):
    """A point of a timeline: `ms` after its beginning, or before its end, or at a share of it."""

    ms: int = 0
    before_end: bool = False
    share: float | None = None

    def resolve(self, total_ms: float) -> int:
        """Milliseconds from the beginning of a timeline of this length, within it."""
        at = self.ms if self.share is None else round(self.share * total_ms)
        return round(min(max(total_ms - at if self.before_end else at, 0), total_ms))


TIMELINE_START = TimelinePoint()
TIMELINE_END = TimelinePoint(before_end=True)


class TimelineSpan(msgspec.Struct, frozen=True):
    """A stretch of a timeline."""

    start: TimelinePoint = TIMELINE_START
    end: TimelinePoint = TIMELINE_END

    def resolve(self, total_ms: float) -> tuple[int, int]:
        """The start and the end on a timeline of this length; never the end before the start."""
        end = self.end.resolve(total_ms)
        return min(self.start.resolve(total_ms), end), end


def first_span(ms: int) -> TimelineSpan:
    """The first so many milliseconds."""
    return TimelineSpan(TIMELINE_START, TimelinePoint(ms))


def last_span(ms: int) -> TimelineSpan:
    """The last so many milliseconds."""
    return TimelineSpan(TimelinePoint(ms, before_end=True), TIMELINE_END)


def span_between(start_ms: int, end_ms: int) -> TimelineSpan:
    """From one time to another."""
    return TimelineSpan(TimelinePoint(start_ms), TimelinePoint(end_ms))


def span_after(start_ms: int) -> TimelineSpan:
    """From a time to the end."""
    return TimelineSpan(TimelinePoint(start_ms), TIMELINE_END)


class Selector(msgspec.Struct, frozen=True):
    """Which clips (or titles, or uploads) are meant; nothing given means all of them.

    `number` counts from 1 in order of time, -1 is the last; `name` is what the user calls it, to
    be found in file names and titles; `span` takes a part of the timeline only, which is cut out
    of its clips where need be.
    """

    number: int | None = None
    name: str | None = None
    span: TimelineSpan | None = None


SELECT_ALL = Selector()
