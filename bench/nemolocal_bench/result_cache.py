"""What was measured before: results by content and settings, in the user's cache folder."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

# Whoever changes what a result means counts on.
_FORMAT = 1

T = TypeVar("T")


def cache_folder() -> Path:
    """Where results are kept."""
    return platformdirs.user_cache_path("nemolocal") / "bench"


class ResultCache:
    """Results in a folder, a file for each; `version` is FFmpeg's, whose results they are."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version

    def find(self, kind: type[T], *parts: object) -> T | None:
        """The result of these parts (digests, settings); None where there is none to read."""
        try:
            return msgspec.json.decode(self._path(kind, parts).read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError):
            return None

    def store(self, value: object, *parts: object) -> None:
        """Keep a result, whole or not at all; where nothing can be kept, nothing is."""
        path = self._path(type(value), parts)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(value))
            os.replace(fresh, path)
        except OSError:
            # Then it is measured again next time.
            return

    def _path(self, kind: type, parts: tuple[object, ...]) -> Path:
        key = msgspec.json.encode([_FORMAT, self._version, kind.__name__, *parts])
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.json"
