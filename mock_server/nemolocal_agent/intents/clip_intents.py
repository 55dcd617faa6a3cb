"""Edits of clips and their order. `None` means that the message does not say it."""

import msgspec

from .selectors import SELECT_ALL, Selector, TimelinePoint, TimelineSpan


class PlaceUploads(msgspec.Struct, frozen=True):
    """Append uploads to the timeline."""

    selector: Selector = SELECT_ALL


class KeepSpan(msgspec.Struct, frozen=True):
    """Keep only a span, of the whole timeline or of the selected clips."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveSpan(msgspec.Struct, frozen=True):
    """Remove a span, from the whole timeline or from the selected clips."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveClip(msgspec.Struct, frozen=True):
    """Remove clips; what follows moves up."""

    selector: Selector


class Split(msgspec.Struct, frozen=True):
    """Split the clips at these points, or into a number of equal `parts`."""

    at: tuple[TimelinePoint, ...] = ()
    parts: int | None = None


class MoveClip(msgspec.Struct, frozen=True):
    """Move a clip to position `to`, which counts from 1; -1 is the end."""

    selector: Selector
    to: int


class SwapClips(msgspec.Struct, frozen=True):
    """Swap two clips."""

    one: Selector
    other: Selector


class ReverseOrder(msgspec.Struct, frozen=True):
    """Reverse the order of the clips."""


class Merge(msgspec.Struct, frozen=True):
    """Close the gaps between all clips; uploads that are not on the timeline yet are appended."""


class Loop(msgspec.Struct, frozen=True):
    """Play it `times` times in all, or repeat it up to a length of `duration_ms`."""

    times: int | None = None
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class Slideshow(msgspec.Struct, frozen=True):
    """Show each uploaded image for `each_ms`, or all for `total_ms`, with zooms and crossfades."""

    each_ms: int | None = None
    total_ms: int | None = None


class SetSpeed(msgspec.Struct, frozen=True):
    """Multiply the speed by `factor`: 2.0 is twice as fast."""

    factor: float
    selector: Selector = SELECT_ALL
