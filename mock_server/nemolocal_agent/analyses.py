"""What an edit must know of the sound and the picture of files: asked for here, found elsewhere.

The agent reads no file. An edit that depends on what is in the files names its requests
(`requested_analyses`); whoever applies it puts the results into the `MediaPool`, by asset id and
request.
"""

from collections.abc import Iterable

import msgspec

from . import intents
from .intents import Edit

CAPTION_SILENCE_MS = 300
"""Shorter silence does not separate two captions."""


class SilenceRequest(msgspec.Struct, frozen=True):
    """Where a file is quieter than `level_db` (dB of full scale) for at least `min_ms`."""

    level_db: float
    min_ms: int


class MomentsRequest(msgspec.Struct, frozen=True):
    """How loud each second of a file is, and where its scenes change."""


class SubtitlesRequest(msgspec.Struct, frozen=True):
    """The subtitles of an uploaded file."""


class Silences(msgspec.Struct, frozen=True):
    """The silent ranges of a file in order, as milliseconds of the file."""

    ranges: tuple[tuple[int, int], ...] = ()


class Moments(msgspec.Struct, frozen=True):
    """The loudness of each second of a file in dB, and its scene changes in milliseconds."""

    loudness: tuple[float, ...] = ()
    scene_changes: tuple[int, ...] = ()


class Subtitles(msgspec.Struct, frozen=True):
    """The subtitles of a file, in its order."""

    cues: tuple[intents.Cue, ...] = ()


AnalysisRequest = SilenceRequest | MomentsRequest | SubtitlesRequest
Analysis = Silences | Moments | Subtitles


def requested_analyses(edits: Iterable[Edit]) -> list[AnalysisRequest]:
    """The analyses that these edits need, each once: of subtitle files, the others of videos."""
    found: dict[AnalysisRequest, None] = {}
    for edit in edits:
        if isinstance(edit, intents.CutSilence):
            found[SilenceRequest(edit.level_db, edit.min_ms)] = None
        elif isinstance(edit, intents.AddCaptions):
            found[SilenceRequest(intents.CutSilence().level_db, CAPTION_SILENCE_MS)] = None
        elif isinstance(edit, intents.KeepHighlights):
            found[MomentsRequest()] = None
        elif isinstance(edit, intents.AddSubtitleFile):
            found[SubtitlesRequest()] = None
    return list(found)
