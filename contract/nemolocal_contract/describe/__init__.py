"""Describe drafts: the timeline line of STA-5, and the changes between two drafts (CLI-3)."""

from .descriptions import describe_segment, describe_timeline, describe_track, format_seconds
from .draft_diff import describe_changes

__all__ = [
    "describe_changes",
    "describe_segment",
    "describe_timeline",
    "describe_track",
    "format_seconds",
]
