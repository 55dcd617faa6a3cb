"""Edits of sound effects, and of what a file contains: silence, speech, highlights."""

from typing import Literal

import msgspec

from .timeline_selection import SELECT_ALL, TIMELINE_START, Selector, TimelinePoint


class ApplyAudioEffect(msgspec.Struct, frozen=True):
    """Change the sound of clips or of the music; `name` is a row of `audio_effects.toml`.

    It replaces an effect of the same name. Without `amount`, the row has the usual one.
    """

    name: str
    amount: float | None = None
    target: Literal["video", "music"] = "video"
    selector: Selector = SELECT_ALL


class RemoveAudioEffects(msgspec.Struct, frozen=True):
    """Remove one audio effect, or all if `name` is None."""

    name: str | None = None
    target: Literal["video", "music"] = "video"
    selector: Selector = SELECT_ALL


class AddSound(msgspec.Struct, frozen=True):
    """Play a sound effect: `name` is a row of `sound_effects.toml`, None if none is named.

    It begins at `start`, ends at the end of the video if that is the end, or is played `at_cuts`.
    `duration_ms` is for sounds that can be made longer.
    """

    name: str | None
    start: TimelinePoint = TIMELINE_START
    at_cuts: bool = False
    duration_ms: int | None = None


class RemoveSounds(msgspec.Struct, frozen=True):
    """Remove one sound effect, or all if `name` is None."""

    name: str | None = None


class ReplaceSound(msgspec.Struct, frozen=True):
    """Mute the clips and play the sound of an upload, of a clip or a sound, in their place."""

    name: str


class CutSilence(msgspec.Struct, frozen=True):
    """Cut out what is quieter than `level_db` (dB of full scale) for at least `min_ms`.

    `place` is for silence at the start or the end of the video alone.
    """

    min_ms: int = 500
    level_db: float = -35.0
    place: Literal["all", "start", "end", "ends"] = "all"
    selector: Selector = SELECT_ALL


class AddCaptions(msgspec.Struct, frozen=True):
    """Add captions where there is sound; without `words` they are placeholders.

    With `by_word` each is as short as a word. Of `words`, one text for each caption, all are shown;
    no message gives them, only scripts.
    """

    by_word: bool = False
    words: tuple[str, ...] = ()


class KeepHighlights(msgspec.Struct, frozen=True):
    """Keep the loudest parts and those after scene changes, `duration_ms` in all."""

    duration_ms: int | None = None
