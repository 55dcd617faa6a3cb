"""Edits: each takes a draft and an intent and returns a new draft. Pure functions.

After every edit no time is negative, no segments of a track overlap, no segment extends beyond the
end of its source, the draft is as long as its last segment, and no id occurs twice. Times are
milliseconds. Fields that an edit does not know are kept (STA-4).
"""

from ..timeline import DEFAULT_MOOD, MAX_MUSIC_MS, MUSIC_TITLES, PENDING, Media, MediaPool
from .apply import apply_edits, place_uploads_if_empty
from .audio_edits import DEFAULT_MUSIC_VOLUME, choose_music_upload

__all__ = [
    "DEFAULT_MOOD",
    "DEFAULT_MUSIC_VOLUME",
    "MAX_MUSIC_MS",
    "MUSIC_TITLES",
    "PENDING",
    "Media",
    "MediaPool",
    "apply_edits",
    "choose_music_upload",
    "place_uploads_if_empty",
]
