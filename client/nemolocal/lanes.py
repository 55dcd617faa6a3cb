"""The timeline as lanes of text: a ruler of seconds, and for each track its segments to scale."""

from collections.abc import Iterator

import msgspec
from rich.cells import cell_len, chop_cells

from nemolocal_contract.draft import Draft, Segment, Track
from nemolocal_contract.summary import seconds
from nemolocal_contract.summary.tracks import label_of, name_of

_LABEL_MAX = 12
_SHORTEST = 3


class Block(msgspec.Struct, frozen=True):
    """A segment in its lane: the column where it begins, and its text as wide as it is long."""

    column: int
    text: str


class Lane(msgspec.Struct, frozen=True):
    """A track: what it is called, and its segments from left to right."""

    label: str
    blocks: tuple[Block, ...]

    @property
    def line(self) -> str:
        """The lane as one line; what overlaps is cut where the next block begins."""
        line = ""
        for block in self.blocks:
            line = fit(line, block.column) + block.text
        return line


def lay_out(draft: Draft, width: int) -> tuple[str, tuple[Lane, ...]]:
    """The ruler and the lanes, each at most `width` columns wide without its label."""
    tracks = [track for track in draft.tracks or () if track.segments]
    length = max(
        (segment.end_ms for track in tracks for segment in track.segments or ()), default=0
    )
    length = max(length, draft.duration_ms or 0, 1)
    lanes = tuple(
        Lane(fit(label_of(track), _LABEL_MAX).rstrip(), tuple(_blocks(track, length, width)))
        for track in tracks
    )
    end = f"{seconds(length)}s"
    return fit("0s", width - len(end)) + end, lanes


def draw(draft: Draft, width: int) -> list[str]:
    """The whole picture as lines of plain text."""
    ruler, lanes = lay_out(draft, max(width - _LABEL_MAX - 1, 20))
    if not lanes:
        return ["The timeline is empty"]
    margin = max(map(len, (lane.label for lane in lanes))) + 1
    return [" " * margin + ruler, *(fit(lane.label, margin) + lane.line for lane in lanes)]


def _blocks(track: Track, length: float, width: int) -> Iterator[Block]:
    segments = sorted(track.segments or (), key=lambda segment: segment.start_ms or 0)
    for segment in segments:
        column = round((segment.start_ms or 0) / length * width)
        end = max(round(segment.end_ms / length * width), column + _SHORTEST)
        yield Block(column, _block(segment, track, end - column))


def _block(segment: Segment, track: Track, width: int) -> str:
    times = f"{seconds(segment.start_ms or 0)}-{seconds(segment.end_ms)}s"
    name = " ".join(name_of(segment, track).split())
    inside = f"{name} {times}" if cell_len(f"{name} {times}") <= width - 2 else name
    return f"[{fit(inside, width - 2, '─')}]"


def fit(text: str, width: int, filling: str = " ") -> str:
    """Exactly `width` columns of it: cut with an ellipsis, or filled up."""
    if cell_len(text) > width:
        cut = chop_cells(text, width - 1)[0] if width > 1 else ""
        text = f"{cut}…" if width > 0 else ""
    return text + filling * (width - cell_len(text))
