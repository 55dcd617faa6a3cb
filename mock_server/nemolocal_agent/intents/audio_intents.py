"""Wishes about sound: volumes and fades. Volumes are shares, 1 is as recorded."""

from typing import Literal

import msgspec

from .selectors import SELECT_ALL, Selector

AudioTarget = Literal["all", "video", "music"]
"""Whose sound: everything, the clips' own, or the background music."""


class SetVolume(msgspec.Struct, frozen=True):
    """How loud: a share (0 mutes, 1 is as recorded), or `change` times as loud as now."""

    volume: float | None = None
    change: float | None = None
    target: AudioTarget = "all"
    selector: Selector = SELECT_ALL


class AddMusic(msgspec.Struct, frozen=True):
    """Put background music under everything; replaces the music that was there.

    `mood` is a key of the renderer's MOODS; `name` is an uploaded sound that the user names, and
    None with mood None too takes the uploaded sound if there is one. `duck` lowers it under the
    sound of the clips.
    """

    mood: str | None = None
    volume: float | None = None
    name: str | None = None
    duck: bool = False


class DuckMusic(msgspec.Struct, frozen=True):
    """The music that is there becomes quieter while the clips have sound."""


class RemoveMusic(msgspec.Struct, frozen=True):
    """Take the background music away."""


class Fade(msgspec.Struct, frozen=True):
    """Fade in, out, or both: pictures and sound, or the sound of one alone."""

    way: Literal["in", "out", "both"]
    duration_ms: int | None = None
    target: Literal["all", "picture", "music", "title"] = "all"
    selector: Selector = SELECT_ALL
