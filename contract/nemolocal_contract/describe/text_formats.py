"""Times, shares, lists and texts as descriptions show them."""

from collections.abc import Sequence

from ..draft import Segment
from .labels import Language

# Numbers of a draft may have any size; larger ones are shown as this.
_LARGEST = 1e15


def clamp_number(number: float) -> float:
    """Return a number within limits that can be shown; NaN becomes 0."""
    if number != number:
        return 0
    return min(max(number, -_LARGEST), _LARGEST)


def segment_end_ms(segment: Segment) -> float:
    """Return the end of a segment on the timeline in ms."""
    return clamp_number(segment.start_ms or 0) + clamp_number(segment.duration_ms or 0)


def format_seconds(ms: float) -> str:
    """Return milliseconds as seconds: `10`, `2.5`."""
    return f"{round(clamp_number(ms) / 1000, 1):g}"


def format_percent(share: float) -> str:
    """Return a share as percent without the sign: `35`."""
    return f"{clamp_number(share) * 100:.0f}"


ELLIPSIS = "…"
"""What a truncated text ends with."""


def truncate_text(text: str, length: int = 80) -> str:
    """Return a text, or its beginning if it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1]}{ELLIPSIS}"


def format_list(items: Sequence[str], lang: Language, limit: int = 8) -> str:
    """Join at most `limit` items: `beach, city … and 12 more`."""
    comma = "、" if lang == "zh" else ", "
    listed = comma.join(items[:limit])
    rest = len(items) - limit
    if rest <= 0:
        return listed
    return f"{listed}…等共{len(items)}个" if lang == "zh" else f"{listed} … and {rest} more"


def format_span(segment: Segment, lang: Language) -> str:
    """Return the place of a segment on the timeline: `0-10s`."""
    span = f"{format_seconds(segment.start_ms or 0)}-{format_seconds(segment_end_ms(segment))}"
    return f"{span}秒" if lang == "zh" else f"{span}s"
