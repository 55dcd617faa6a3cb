"""The timeline as text: a ruler of seconds, and each track with its segments to scale."""

from collections.abc import Iterator

import msgspec
from rich.cells import cell_len, chop_cells

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.describe.timeline_descriptions import segment_name, track_label
from nemolocal_contract.draft import Draft, Segment, Track

_LABEL_MAX = 12
_MIN_BOX_WIDTH = 3


class SegmentBox(msgspec.Struct, frozen=True):
    """A segment on a track: its first column, and its text, as wide as the segment is long."""

    column: int
    text: str


class TrackRow(msgspec.Struct, frozen=True):
    """A track: its label, and its segments from left to right."""

    label: str
    boxes: tuple[SegmentBox, ...]

    @property
    def line(self) -> str:
        """Return the track as one line; a block is cut where the next one begins."""
        line = ""
        for block in self.boxes:
            line = fit_to_width(line, block.column) + block.text
        return line


def lay_out_tracks(draft: Draft, width: int) -> tuple[str, tuple[TrackRow, ...]]:
    """Return the ruler and the tracks, each at most `width` columns wide without its label."""
    tracks = [track for track in draft.tracks or () if track.segments]
    length = max(
        (segment.end_ms for track in tracks for segment in track.segments or ()), default=0
    )
    length = max(length, draft.duration_ms or 0, 1)
    lanes = tuple(
        TrackRow(
            fit_to_width(track_label(track), _LABEL_MAX).rstrip(),
            tuple(_boxes(track, length, width)),
        )
        for track in tracks
    )
    end = f"{format_seconds(length)}s"
    return fit_to_width("0s", width - len(end)) + end, lanes


def format_timeline(draft: Draft, width: int) -> list[str]:
    """Return the timeline as lines of plain text."""
    ruler, lanes = lay_out_tracks(draft, max(width - _LABEL_MAX - 1, 20))
    if not lanes:
        return ["The timeline is empty"]
    margin = max(map(len, (lane.label for lane in lanes))) + 1
    return [" " * margin + ruler, *(fit_to_width(lane.label, margin) + lane.line for lane in lanes)]


def _boxes(track: Track, length: float, width: int) -> Iterator[SegmentBox]:
    segments = sorted(track.segments or (), key=lambda segment: segment.start_ms or 0)
    for segment in segments:
        column = round((segment.start_ms or 0) / length * width)
        end = max(round(segment.end_ms / length * width), column + _MIN_BOX_WIDTH)
        yield SegmentBox(column, _box_text(segment, track, end - column))


def _box_text(segment: Segment, track: Track, width: int) -> str:
    times = f"{format_seconds(segment.start_ms or 0)}-{format_seconds(segment.end_ms)}s"
    name = " ".join(segment_name(segment, track).split())
    inside = f"{name} {times}" if cell_len(f"{name} {times}") <= width - 2 else name
    return f"[{fit_to_width(inside, width - 2, '─')}]"


def fit_to_width(text: str, width: int, filling: str = " ") -> str:
    """Return exactly `width` columns: cut with an ellipsis, or padded."""
    if cell_len(text) > width:
        cut = chop_cells(text, width - 1)[0] if width > 1 else ""
        text = f"{cut}…" if width > 0 else ""
    return text + filling * (width - cell_len(text))
