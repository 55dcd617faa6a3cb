"""Describe drafts: the timeline line of STA-5, and the changes between two drafts (CLI-3)."""

from .draft_diff import describe_changes
from .text_formats import format_seconds
from .timeline_descriptions import describe_segment, describe_timeline, describe_track

__all__ = [
    "describe_changes",
    "describe_segment",
    "describe_timeline",
    "describe_track",
    "format_seconds",
]
