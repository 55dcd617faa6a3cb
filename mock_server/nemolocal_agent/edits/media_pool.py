"""The media that edits use: uploads, generated media, and media that an edit still needs."""

import math
from collections.abc import Iterable, Mapping
from pathlib import PurePath

import msgspec

from nemolocal_contract.draft import Number, Segment
from nemolocal_contract.media import MediaKind

from ..intents import Edit

PENDING = "pending"
"""The asset id of media that do not exist yet, while an edit is only planned."""

STILL_DURATION_MS = 5000
MUSIC_TITLES = {
    "lofi": "Lo-fi",
    "upbeat": "Upbeat",
    "calm": "Calm",
    "ambient": "Ambient",
    "cinematic": "Cinematic",
    "happy": "Happy",
    "sad": "Sad",
    "epic": "Epic",
}
DEFAULT_MOOD = "calm"
MAX_MUSIC_MS = 3_600_000
"""The maximum length of composed music; a longer video repeats it."""


class Media(msgspec.Struct, frozen=True):
    """What edits need to know about a file. Images have a duration of 0 ms and no audio."""

    id: str
    filename: str
    kind: MediaKind
    duration_ms: int
    has_audio: bool = True

    @property
    def stem(self) -> str:
        """The file name without its extension."""
        return PurePath(self.filename).stem


class MediaPool(msgspec.Struct, frozen=True):
    """The media of a session.

    `asset_ids` has the asset id of what was generated or chosen for an edit.
    """

    uploads: tuple[Media, ...] = ()
    generated: tuple[Media, ...] = ()
    asset_ids: Mapping[Edit, str] = {}

    @property
    def visual_uploads(self) -> list[Media]:
        """The uploads that can be clips, in upload order."""
        return [media for media in self.uploads if media.kind != "audio"]

    def find(self, source: str | None) -> Media | None:
        """The file with this asset id."""
        return next((m for m in (*self.uploads, *self.generated) if m.id == source), None)

    def has_audio(self, segment: Segment) -> bool:
        """Whether the segment has audio; True if its file is not known."""
        media = self.find(segment.source)
        return media is None or (media.has_audio and media.kind != "image")

    def is_static(self, segment: Segment) -> bool:
        """Whether the segment looks the same at any time: a text or a still image."""
        return self.static_flags([segment])[0]

    def static_flags(self, segments: Iterable[Segment]) -> list[bool]:
        """`is_static` for several segments."""
        stills = {m.id for m in (*self.uploads, *self.generated) if m.kind == "image"}
        return [s.text is not None if s.source is None else s.source in stills for s in segments]

    def source_duration_ms(self, source: str | None) -> Number | None:
        """The duration of a source; None for an image or an unknown file."""
        if source == PENDING:
            return math.inf
        media = self.find(source)
        return None if media is None or media.kind == "image" else media.duration_ms
