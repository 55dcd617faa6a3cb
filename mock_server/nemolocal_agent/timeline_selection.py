"""Points, spans and clips of a timeline that an edit is about."""

import msgspec


class TimelinePoint(msgspec.Struct, frozen=True):
    """A point: `ms` or a `share` of the length after the start, or before the end.

    With a share, `ms` is an offset from there: 10 s before the middle.
    """

    ms: int = 0
    before_end: bool = False
    share: float | None = None


TIMELINE_START = TimelinePoint()
TIMELINE_END = TimelinePoint(before_end=True)


class TimelineSpan(msgspec.Struct, frozen=True):
    """A span of a timeline."""

    start: TimelinePoint = TIMELINE_START
    end: TimelinePoint = TIMELINE_END


def first_span(ms: int) -> TimelineSpan:
    """The first `ms` milliseconds."""
    return TimelineSpan(TIMELINE_START, TimelinePoint(ms))


def last_span(ms: int) -> TimelineSpan:
    """The last `ms` milliseconds."""
    return TimelineSpan(TimelinePoint(ms, before_end=True), TIMELINE_END)


def span_between(start_ms: int, end_ms: int) -> TimelineSpan:
    """From one time to another."""
    return TimelineSpan(TimelinePoint(start_ms), TimelinePoint(end_ms))


def span_after(start_ms: int) -> TimelineSpan:
    """From a time to the end."""
    return TimelineSpan(TimelinePoint(start_ms), TIMELINE_END)


def middle_span(ms: int) -> TimelineSpan:
    """The `ms` milliseconds around the middle."""
    half = ms // 2
    return TimelineSpan(
        TimelinePoint(-half, share=0.5),
        TimelinePoint(ms - half, share=0.5),
    )


class Selector(msgspec.Struct, frozen=True):
    """Selects clips, titles or uploads; without any field, all of them.

    `number` counts from 1 in order of time, -1 is the last one. `name` is looked up in file names
    and titles. `span` selects only a part of the timeline or of the clips, which are split there.
    """

    number: int | None = None
    name: str | None = None
    span: TimelineSpan | None = None


SELECT_ALL = Selector()
