"""What edits are made with: uploads, generated media, and what is being made for an edit."""

import math
from collections.abc import Iterable, Mapping
from pathlib import PurePath

import msgspec

from nemolocal_contract.draft import Number, Segment
from nemolocal_contract.media import MediaKind

from ..intents import Edit

PENDING = "pending"
"""Stands for the id of what has not been made yet, while an edit is only foreseen."""

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
"""No music is composed longer; what plays longer plays it again."""


class Media(msgspec.Struct, frozen=True):
    """What an edit needs to know of a file; stills last 0 ms, and pictures have no `sound`."""

    id: str
    filename: str
    kind: MediaKind
    duration_ms: int
    has_audio: bool = True

    @property
    def stem(self) -> str:
        """The file's name without its extension."""
        return PurePath(self.filename).stem


class MediaPool(msgspec.Struct, frozen=True):
    """The media of a session; `made` gives the asset id of what an edit needed made or chosen."""

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
        """Whether it can be heard; what nobody knows is believed to be."""
        media = self.find(segment.source)
        return media is None or (media.has_audio and media.kind != "image")

    def is_static(self, segment: Segment) -> bool:
        """Whether it shows the same at any time: a text or a picture."""
        return self.static_flags([segment])[0]

    def static_flags(self, segments: Iterable[Segment]) -> list[bool]:
        """Which of these show the same at any time: texts and pictures."""
        stills = {m.id for m in (*self.uploads, *self.generated) if m.kind == "image"}
        return [s.text is not None if s.source is None else s.source in stills for s in segments]

    def source_duration_ms(self, source: str | None) -> Number | None:
        """Where a source ends; None where nobody knows it."""
        if source == PENDING:
            return math.inf
        media = self.find(source)
        return None if media is None or media.kind == "image" else media.duration_ms
