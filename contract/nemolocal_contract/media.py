"""The file types and sizes that may be uploaded, by skill (UPL-3, UPL-4, REN-7)."""

from collections.abc import Iterable
from typing import Literal

import msgspec

MediaKind = Literal["video", "image", "audio"]
FileKind = MediaKind | Literal["lut", "subtitles"]
"""The kinds of files: those of the contract, and those that a setting accepts besides."""
ExtraExtension = Literal["cube", "srt", "vtt"]
Resolution = Literal["720p", "1080p", "4k"]

ACCEPTED_EXTENSIONS: dict[str, MediaKind] = {
    "mp4": "video",
    "mov": "video",
    "avi": "video",
    "webm": "video",
    "mkv": "video",
    "jpg": "image",
    "png": "image",
    "gif": "image",
    "webp": "image",
    "mp3": "audio",
    "wav": "audio",
    "m4a": "audio",
    "aac": "audio",
}
EXTRA_EXTENSIONS: dict[ExtraExtension, FileKind] = {
    "cube": "lut",
    "srt": "subtitles",
    "vtt": "subtitles",
}
"""No document of the cloud names these: a server accepts them only where a setting says so."""
ACCEPTED_EXTENSIONS_TEXT = ", ".join(ACCEPTED_EXTENSIONS)

_ALIASES = {"jpeg": "jpg"}
MB = 1_000_000


def normalize_extension(filename: str, extra: Iterable[str] = ()) -> str | None:
    """Return the canonical extension of a file name, or None if it is not accepted.

    `extra` are extensions that are accepted besides those of the contract.
    """
    suffix = filename.rpartition(".")[2].lower() if "." in filename else ""
    suffix = _ALIASES.get(suffix, suffix)
    return suffix if suffix in ACCEPTED_EXTENSIONS or suffix in extra else None


class SkillProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of a skill, chosen by X-Skill-Source."""

    source: str
    upload_limit: int = 2000 * MB
    resolution: Resolution = "1080p"


_PROFILES = {
    "ai-rtk-compressor": SkillProfile("ai-rtk-compressor", 2000 * MB, "1080p"),
    "4k-with-session": SkillProfile("4k-with-session", 500 * MB, "4k"),
}


def skill_profile(source: str, more: tuple[SkillProfile, ...] = ()) -> SkillProfile:
    """Return the profile of a skill, from `more` first; unknown skills get 2 GB and 1080p."""
    name = source.strip().lower()
    ours = {profile.source.lower(): profile for profile in more}
    return ours.get(name) or _PROFILES.get(name) or SkillProfile(source)
