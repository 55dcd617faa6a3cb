"""Edits of the picture: format, effects, transitions, overlays, generated clips."""

from typing import Literal

import msgspec

from nemolocal_contract.effects import Effect, Position, TransitionType

from .selectors import SELECT_ALL, Selector, TimelineSpan


class SetAspect(msgspec.Struct, frozen=True):
    """Set the aspect ratio; `fit` None means crop."""

    width: int
    height: int
    fit: Literal["crop", "pad", "blur"] | None = None


class SetFit(msgspec.Struct, frozen=True):
    """Set how clips with another aspect ratio fill the frame: crop, black bars, or blurred bars."""

    fit: Literal["crop", "pad", "blur"]


class SetResolution(msgspec.Struct, frozen=True):
    """Set the resolution of the export."""

    resolution: Literal["720p", "1080p", "4k"]


class SetFrameRate(msgspec.Struct, frozen=True):
    """Set the frame rate of the export."""

    fps: int


class ApplyEffect(msgspec.Struct, frozen=True):
    """Apply an effect to clips; it replaces one of the same type.

    Rotations and flips are combined with those that are there; reversing twice plays forwards.
    """

    effect: Effect
    selector: Selector = SELECT_ALL


class RemoveEffects(msgspec.Struct, frozen=True):
    """Remove the effects of one type, or all visual effects if `type` is None."""

    type: str | None = None
    selector: Selector = SELECT_ALL


class AddTransition(msgspec.Struct, frozen=True):
    """Add transitions between all clips, or after the selected clip."""

    type: TransitionType = "crossfade"
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class RemoveTransitions(msgspec.Struct, frozen=True):
    """Remove all transitions."""


class AddOverlay(msgspec.Struct, frozen=True):
    """Show an upload or clip as picture in picture, or an image as a watermark."""

    kind: Literal["picture-in-picture", "watermark"]
    selector: Selector = SELECT_ALL
    position: Position | None = None
    width: float | None = None
    opacity: float | None = None
    span: TimelineSpan | None = None


class RemoveOverlays(msgspec.Struct, frozen=True):
    """Remove all overlays."""


class Compress(msgspec.Struct, frozen=True):
    """Compress the export: without visible loss (RTK), below a file size, or at a quality."""

    mode: Literal["rtk", "size", "quality"] = "rtk"
    megabytes: float | None = None
    quality: Literal["low", "medium", "high"] | None = None


class Generate(msgspec.Struct, frozen=True):
    """Generate a clip: `scene` is a key of the renderer's SCENES, `prompt` the user's words."""

    scene: str
    seconds: float
    prompt: str
