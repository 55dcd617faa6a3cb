"""Edits of volumes, music and fades. Volumes are factors: 1 is the recorded volume."""

from typing import Literal

import msgspec

from .selectors import SELECT_ALL, Selector

AudioTarget = Literal["all", "video", "music"]
"""Everything, the sound of the clips, or the background music."""


class SetVolume(msgspec.Struct, frozen=True):
    """Set the `volume` (0 mutes, 1 is as recorded), or multiply it by `change`."""

    volume: float | None = None
    change: float | None = None
    target: AudioTarget = "all"
    selector: Selector = SELECT_ALL


class AddMusic(msgspec.Struct, frozen=True):
    """Add background music; it replaces the music that was there.

    `mood` is a key of the renderer's MOODS, `name` the name of an uploaded sound. If both are None,
    an unused uploaded sound is taken if there is one. `duck` lowers the music while the clips have
    sound.
    """

    mood: str | None = None
    volume: float | None = None
    name: str | None = None
    duck: bool = False


class DuckMusic(msgspec.Struct, frozen=True):
    """Lower the music that is there while the clips have sound."""


class RemoveMusic(msgspec.Struct, frozen=True):
    """Remove the background music."""


class Fade(msgspec.Struct, frozen=True):
    """Fade in, out, or both: picture and sound, the picture, the music or titles."""

    way: Literal["in", "out", "both"]
    duration_ms: int | None = None
    target: Literal["all", "picture", "music", "title"] = "all"
    selector: Selector = SELECT_ALL
