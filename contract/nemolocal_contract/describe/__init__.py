"""A draft in words: the timeline line of STA-5, and what changed between two drafts (CLI-3)."""

from .draft_diff import describe_changes
from .labels import format_seconds
from .track_descriptions import describe_segment, describe_timeline, describe_track

__all__ = [
    "describe_changes",
    "describe_segment",
    "describe_timeline",
    "describe_track",
    "format_seconds",
]
