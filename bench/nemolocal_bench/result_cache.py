"""A cache of results by content and settings, in the user's cache folder."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

# Increase it when the meaning of a result changes.
_FORMAT = 1

T = TypeVar("T")


def cache_folder() -> Path:
    """Return the folder of cached results."""
    return platformdirs.user_cache_path("nemolocal") / "bench"


class ResultCache:
    """A folder with a file for each result; `version` includes FFmpeg's version."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version

    def find(self, kind: type[T], *parts: object) -> T | None:
        """Return the result for these parts (digests, settings); None if none can be read."""
        try:
            return msgspec.json.decode(self._path(kind, parts).read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError):
            return None

    def store(self, value: object, *parts: object) -> None:
        """Store a result atomically; does nothing if the folder cannot be written."""
        path = self._path(type(value), parts)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(value))
            os.replace(fresh, path)
        except OSError:
            # It is measured again next time.
            return

    def _path(self, kind: type, parts: tuple[object, ...]) -> Path:
        key = msgspec.json.encode([_FORMAT, self._version, kind.__name__, *parts])
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.json"
