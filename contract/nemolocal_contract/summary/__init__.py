"""A draft in words: the timeline line of STA-5, and what changed between two drafts (CLI-3)."""

from .differences import changes
from .tracks import describe_segment, describe_track, timeline
from .words import seconds

__all__ = ["changes", "describe_segment", "describe_track", "seconds", "timeline"]
