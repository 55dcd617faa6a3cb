"""Reads a body while it passes, and returns what a recording keeps of it.

A body is JSON, a form with files, an event stream, or media of which only size and hash are kept.
Compressed bodies are decompressed first. Nothing that is kept depends on how the bytes are split.
"""

import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from nemolocal_contract.responses import decode_json

from .allowlist_redactor import AllowlistRedactor
from .event_capture import EventCapture
from .form_capture import FormCapture

_MOST_JSON = 16 << 20
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_INFLATABLE = ("gzip", "x-gzip", "deflate")
Kept = dict[str, Any]


class BodyReader(Protocol):
    """Takes the decoded bytes of a body."""

    def feed(self, data: bytes) -> list[Kept]:
        """Take the next bytes; return the events that they complete."""

    def finish(self) -> Kept:
        """Return what is kept of the body."""


class OpaqueReader:
    """Keeps size and salted hash."""

    def __init__(self, redactor: AllowlistRedactor) -> None:
        self._redactor = redactor
        self._hash = sha256()
        self._size = 0

    def feed(self, data: bytes) -> list[Kept]:
        self._hash.update(data)
        self._size += len(data)
        return []

    def finish(self) -> Kept:
        digest = self._redactor.pseudonyms.digest_of_hash(self._hash.digest())
        return {"kind": "media", "size": self._size, "hash": digest} if self._size else {}


class JsonReader:
    """Keeps the redacted JSON; of text that is no JSON only that it is none."""

    def __init__(self, redactor: AllowlistRedactor) -> None:
        self._redactor = redactor
        self._body = bytearray()
        self._is_too_long = False

    def feed(self, data: bytes) -> list[Kept]:
        self._is_too_long = self._is_too_long or len(self._body) + len(data) > _MOST_JSON
        if not self._is_too_long:
            self._body += data
        return []

    def finish(self) -> Kept:
        if self._is_too_long:
            return {"kind": "json", "is_too_long": True}
        if not self._body:
            return {}
        try:
            value = decode_json(self._body)
        except (msgspec.DecodeError, RecursionError):
            begins = {"begins": "data:"} if self._body.startswith(b"data:") else {}
            return {"kind": "text", "size": len(self._body), **begins}
        return {"kind": "json", "json": self._redactor.json(value)}


class BodyRecorder:
    """Captures one body by its headers (lower-case names)."""

    def __init__(self, headers: dict[str, str], redactor: AllowlistRedactor) -> None:
        self.size = 0
        encoding = headers.get("content-encoding", "").strip().lower()
        kind = headers.get("content-type", "")
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in _INFLATABLE else None
        is_readable = encoding in ("", "identity", *_INFLATABLE)
        self._opaque: Callable[[], BodyReader] = lambda: OpaqueReader(redactor)
        self._reader = _reader_for(kind, redactor) if is_readable else self._opaque()
        self.is_stream = isinstance(self._reader, EventCapture)

    def feed(self, data: bytes) -> list[Kept]:
        """Take the next bytes as they are on the wire; return the events that they complete."""
        self.size += len(data)
        if self._inflate is None:
            return self._reader.feed(data)
        return self._feed_inflated(data)

    def finish(self) -> Kept:
        """Return what is kept of the body."""
        return self._reader.finish()

    def _feed_inflated(self, data: bytes) -> list[Kept]:
        """Inflate in steps, so that a small body cannot fill the memory."""
        events: list[Kept] = []
        assert self._inflate is not None
        while data:
            try:
                plain = self._inflate.decompress(data, 1 << 20)
            except zlib.error:  # It is not what its header says.
                self._inflate, self._reader = None, self._opaque()
                self._reader.feed(data)
                return events
            events += self._reader.feed(plain)
            data = self._inflate.unconsumed_tail
        return events


def _reader_for(content_type: str, redactor: AllowlistRedactor) -> BodyReader:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return EventCapture(redactor)
    if kind == "multipart/form-data":
        return FormCapture(content_type, redactor)
    if kind.startswith(("video/", "audio/", "image/")) or kind == "application/octet-stream":
        return OpaqueReader(redactor)
    return JsonReader(redactor)
