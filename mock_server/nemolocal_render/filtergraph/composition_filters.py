"""Chroma keys, and the cells of a split screen."""

from typing import NamedTuple

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import Cell, ChromaKey

from .graph_builder import Stream, decimal
from .preset_filters import COLOR_VALUES

# The colours of the screens, and the share of similarity over which edges become transparent.
_KEYS = {"green": "0x00d040", "blue": "0x0040ff"}
_BLEND = 0.06


class GridCell(NamedTuple):
    """A cell of a grid: its top left corner and its size in pixels, all even."""

    place: tuple[int, int]
    size: tuple[int, int]


def compute_cell(cell: Cell, canvas: tuple[int, int]) -> GridCell:
    """Return where a cell is; cells of a grid meet without a gap."""
    x, width = _span(cell.column, cell.columns, canvas[0])
    y, height = _span(cell.row, cell.rows, canvas[1])
    return GridCell((x, y), (width, height))


def _span(number: int, count: int, side: int) -> tuple[int, int]:
    number = min(number, count - 1)
    start, end = (round(side * n / count / 2) * 2 for n in (number, number + 1))
    return start, max(end - start, 2)


def apply_chroma_key(video: Stream, key: ChromaKey) -> Stream:
    """Make a colour of a picture in yuva420p transparent."""
    how = {"similarity": decimal(key.similarity), "blend": _BLEND}
    video = video.filter("chromakey", color=_KEYS[key.color], **how)
    return video.filter("format", "yuva420p")


def place_on_color(video: Stream, color: PresetColor) -> Stream:
    """Put a transparent picture on a colour, without an end to its transparency."""
    import ffmpeg

    copies = video.filter_multi_output("split")
    back = copies[0].filter("format", "yuv420p")
    back = back.filter("drawbox", x=0, y=0, w="iw", h="ih", t="fill", color=COLOR_VALUES[color])
    return ffmpeg.overlay(back, copies[1]).filter("format", "yuva420p")
