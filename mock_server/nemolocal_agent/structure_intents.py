"""Intents that change the structure of a video: freeze frames, speed ramps, cards, timers.

Times are milliseconds.
"""

from typing import Literal

import msgspec

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import Position

from .timeline_selection import SELECT_ALL, TIMELINE_END, Selector, TimelinePoint, TimelineSpan

TextAnimation = Literal["typewriter", "karaoke", "lower-third"]
"""How a title is animated: the text effects that can be applied to any title."""


class FreezeFrame(msgspec.Struct, frozen=True):
    """Freeze the frame at a point of the video or of a clip; everything after it moves."""

    at: TimelinePoint = TIMELINE_END
    duration_ms: int = 2000
    selector: Selector = SELECT_ALL


class Boomerang(msgspec.Struct, frozen=True):
    """Play the video, or each selected clip, forwards and then backwards."""

    selector: Selector = SELECT_ALL


class SpeedRamp(msgspec.Struct, frozen=True):
    """Change the speed from `start` times to `end` times as fast, in steps."""

    start: float = 0.5
    end: float = 2.0
    selector: Selector = SELECT_ALL


class SeamlessLoop(msgspec.Struct, frozen=True):
    """Fade the end into the start, so that the video loops without a jump."""


class ShuffleClips(msgspec.Struct, frozen=True):
    """Put the clips into another order, which depends on their current order only."""


class InsertGap(msgspec.Struct, frozen=True):
    """Insert black at a time, after the selected clip, or between all clips."""

    duration_ms: int = 1000
    at: TimelinePoint | None = None
    selector: Selector = SELECT_ALL


class ReplaceClip(msgspec.Struct, frozen=True):
    """Replace a clip with an upload; without a name, with the one that is not used yet."""

    selector: Selector
    name: str | None = None


class ReverseSound(msgspec.Struct, frozen=True):
    """Play the sound of the clips backwards and their picture forwards."""

    selector: Selector = SELECT_ALL


class AddCard(msgspec.Struct, frozen=True):
    """Insert a card (text on a plain colour) at a point, after a clip, or as its role says.

    An intro without text shows the name of the video. Credits scroll up.
    """

    text: str = ""
    role: Literal["intro", "outro", "card", "credits"] = "card"
    duration_ms: int | None = None
    color: PresetColor = "black"
    at: TimelinePoint | None = None
    selector: Selector = SELECT_ALL


class AddCountdown(msgspec.Struct, frozen=True):
    """Count down to 1 over the picture, one number a second."""

    seconds: int = 3
    at: TimelinePoint = TimelinePoint()


class AddTimer(msgspec.Struct, frozen=True):
    """Show a timer; with `down`, the time that is left."""

    down: bool = False
    position: Position | None = None
    color: str | None = None
    size: int | None = None
    span: TimelineSpan | None = None


class AddProgressBar(msgspec.Struct, frozen=True):
    """Show a progress bar at the top or bottom edge."""

    color: PresetColor = "red"
    position: Literal["top", "bottom"] = "bottom"


class RemoveTimer(msgspec.Struct, frozen=True):
    """Remove the timer."""


class RemoveProgressBar(msgspec.Struct, frozen=True):
    """Remove the progress bar."""
