"""Wishes about clips and their order. `None` is what the words leave open."""

import msgspec

from .selectors import SELECT_ALL, Selector, TimelinePoint, TimelineSpan


class PlaceUploads(msgspec.Struct, frozen=True):
    """Put what was uploaded on the timeline, after what is there."""

    selector: Selector = SELECT_ALL


class KeepSpan(msgspec.Struct, frozen=True):
    """Trim to a span: of the whole timeline, or of the clip that `which` names."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveSpan(msgspec.Struct, frozen=True):
    """Cut a span out: of the whole timeline, or of the clip that `which` names."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveClip(msgspec.Struct, frozen=True):
    """Take clips away; what follows moves up."""

    selector: Selector


class Split(msgspec.Struct, frozen=True):
    """Cut the clips in two at each of these moments, or into so many equal `parts`."""

    at: tuple[TimelinePoint, ...] = ()
    parts: int | None = None


class MoveClip(msgspec.Struct, frozen=True):
    """Bring a clip to another place in the order: `to` counts from 1, -1 is the end."""

    selector: Selector
    to: int


class SwapClips(msgspec.Struct, frozen=True):
    """Exchange the places of two clips."""

    one: Selector
    other: Selector


class ReverseOrder(msgspec.Struct, frozen=True):
    """The clips in the opposite order."""


class Merge(msgspec.Struct, frozen=True):
    """All clips one after another without gaps; uploads that are not there yet are placed."""


class Loop(msgspec.Struct, frozen=True):
    """Play it so many `times` in all, or over and over until it lasts `duration_ms`."""

    times: int | None = None
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class Slideshow(msgspec.Struct, frozen=True):
    """Every uploaded picture for `each_ms` (or all in `total_ms`), zoomed slowly and crossfaded."""

    each_ms: int | None = None
    total_ms: int | None = None


class SetSpeed(msgspec.Struct, frozen=True):
    """Play faster (2.0 is twice as fast) or slower."""

    factor: float
    selector: Selector = SELECT_ALL
