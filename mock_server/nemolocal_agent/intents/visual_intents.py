"""Wishes about how it looks: shape, effects, transitions, overlays, generated clips."""

from typing import Literal

import msgspec

from nemolocal_contract.effects import Effect, Position, TransitionType

from .selectors import SELECT_ALL, Selector, TimelineSpan


class SetAspect(msgspec.Struct, frozen=True):
    """Another shape of the picture: `width` to `height`; `fit` None leaves the usual, crop."""

    width: int
    height: int
    fit: Literal["crop", "pad", "blur"] | None = None


class SetFit(msgspec.Struct, frozen=True):
    """How clips of another shape fill the picture: cut off, black bars, or a blurred background."""

    fit: Literal["crop", "pad", "blur"]


class SetResolution(msgspec.Struct, frozen=True):
    """How large the export is."""

    resolution: Literal["720p", "1080p", "4k"]


class SetFrameRate(msgspec.Struct, frozen=True):
    """Pictures a second of the export."""

    fps: int


class ApplyEffect(msgspec.Struct, frozen=True):
    """Give clips a look, a turn or a movement; one of the same type that is there is replaced.

    `rotate` and `flip` add to what is there, and playing backwards twice is forwards.
    """

    effect: Effect
    selector: Selector = SELECT_ALL


class RemoveEffects(msgspec.Struct, frozen=True):
    """Take effects away: of one type, or all looks where None."""

    type: str | None = None
    selector: Selector = SELECT_ALL


class AddTransition(msgspec.Struct, frozen=True):
    """Go over softly from clip to clip: between all, or after the clip that `which` names."""

    type: TransitionType = "crossfade"
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class RemoveTransitions(msgspec.Struct, frozen=True):
    """Hard cuts again."""


class AddOverlay(msgspec.Struct, frozen=True):
    """Show an upload small over the rest: picture in picture, or a picture as a watermark."""

    kind: Literal["picture-in-picture", "watermark"]
    selector: Selector = SELECT_ALL
    position: Position | None = None
    width: float | None = None
    opacity: float | None = None
    span: TimelineSpan | None = None


class RemoveOverlays(msgspec.Struct, frozen=True):
    """Take pictures in the picture and watermarks away."""


class Compress(msgspec.Struct, frozen=True):
    """Make the export smaller: RTK (no visible loss), under a size, or at a quality."""

    mode: Literal["rtk", "size", "quality"] = "rtk"
    megabytes: float | None = None
    quality: Literal["low", "medium", "high"] | None = None


class Generate(msgspec.Struct, frozen=True):
    """Make a clip out of nothing: `scene` is a key of the renderer's SCENES, `prompt` the words."""

    scene: str
    seconds: float
    prompt: str
