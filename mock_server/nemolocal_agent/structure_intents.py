"""What a user can ask for that changes how a video is built: held frames, ramps, cards, clocks.

Times are milliseconds.
"""

from typing import Literal

import msgspec

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import Position

from .timeline_selection import SELECT_ALL, TIMELINE_END, Selector, TimelinePoint, TimelineSpan

TextAnimation = Literal["typewriter", "karaoke", "lower-third"]
"""How a title is drawn: an effect of texts that needs no other words."""


class FreezeFrame(msgspec.Struct, frozen=True):
    """Hold the frame at a point of the video, or of a clip; what follows moves."""

    at: TimelinePoint = TIMELINE_END
    duration_ms: int = 2000
    selector: Selector = SELECT_ALL


class Boomerang(msgspec.Struct, frozen=True):
    """Play the video, or each of the selected clips, and then the same backwards."""

    selector: Selector = SELECT_ALL


class SpeedRamp(msgspec.Struct, frozen=True):
    """Change the speed from `start` times to `end` times as fast, in steps."""

    start: float = 0.5
    end: float = 2.0
    selector: Selector = SELECT_ALL


class SeamlessLoop(msgspec.Struct, frozen=True):
    """Let the end go over into the start, so that the video can be repeated without a jump."""


class ShuffleClips(msgspec.Struct, frozen=True):
    """Put the clips into another order, which follows from the one that they have."""


class InsertGap(msgspec.Struct, frozen=True):
    """Insert black at a time, after the selected clip, or between all clips."""

    duration_ms: int = 1000
    at: TimelinePoint | None = None
    selector: Selector = SELECT_ALL


class ReplaceClip(msgspec.Struct, frozen=True):
    """Put an upload in the place of a clip; without a name, the one that is not used yet."""

    selector: Selector
    name: str | None = None


class ReverseSound(msgspec.Struct, frozen=True):
    """Play the sound of the clips backwards and their picture forwards."""

    selector: Selector = SELECT_ALL


class AddCard(msgspec.Struct, frozen=True):
    """Insert a plain picture with a text: at a point, after a clip, or where its role says.

    An intro without a text shows the name of the video. The text of credits moves up.
    """

    text: str = ""
    role: Literal["intro", "outro", "card", "credits"] = "card"
    duration_ms: int | None = None
    color: PresetColor = "black"
    at: TimelinePoint | None = None
    selector: Selector = SELECT_ALL


class AddCountdown(msgspec.Struct, frozen=True):
    """Show the numbers down to 1 over the picture, each for a second."""

    seconds: int = 3
    at: TimelinePoint = TimelinePoint()


class AddTimer(msgspec.Struct, frozen=True):
    """Show a clock; with `down` it shows what is left."""

    down: bool = False
    position: Position | None = None
    color: str | None = None
    size: int | None = None
    span: TimelineSpan | None = None


class AddProgressBar(msgspec.Struct, frozen=True):
    """Show a bar at the top or the bottom edge that grows as the video plays."""

    color: PresetColor = "red"
    position: Literal["top", "bottom"] = "bottom"


class RemoveTimer(msgspec.Struct, frozen=True):
    """Remove the clock."""


class RemoveProgressBar(msgspec.Struct, frozen=True):
    """Remove the progress bar."""
