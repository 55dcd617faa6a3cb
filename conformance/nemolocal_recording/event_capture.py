"""Keeps the frames of an event stream, each when it is complete, without their texts."""

import codecs
from typing import Any

import msgspec

from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import SseEvent, SseEventTooLarge, SseParser

from .allowlist_redactor import AllowlistRedactor

Kept = dict[str, Any]


class EventCapture:
    """Parses a stream as it comes; secrets are redacted frame by frame, never chunk by chunk."""

    def __init__(self, redactor: AllowlistRedactor) -> None:
        self._redactor = redactor
        self._parser = SseParser()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_utf8 = True
        self._count = 0
        self._is_too_large = False

    def feed(self, data: bytes) -> list[Kept]:
        """Return the frames that these bytes complete."""
        self._check_utf8(data, final=False)
        if self._is_too_large:
            return []
        try:
            frames = self._parser.feed(data)
        except SseEventTooLarge:
            self._is_too_large = True
            return []
        self._count += len(frames)
        return [self._kept(frame) for frame in frames]

    def finish(self) -> Kept:
        """Return the facts about the whole stream; `torn` is a last frame without its end."""
        self._check_utf8(b"", final=True)
        torn = [] if self._is_too_large else [self._kept(one) for one in self._parser.finish()]
        return {
            "kind": "events",
            "frames": self._count,
            "utf8": self._is_utf8,
            "torn": torn,
            **({"is_too_large": True} if self._is_too_large else {}),
        }

    def _check_utf8(self, data: bytes, *, final: bool) -> None:
        if self._is_utf8:
            try:
                self._decoder.decode(data, final)
            except UnicodeDecodeError:
                self._is_utf8 = False

    def _kept(self, frame: SseEvent) -> Kept:
        named: Kept = {"event": self._redactor.text(frame.event)} if frame.event else {}
        if frame.id:
            named["id"] = self._redactor.pseudonyms.of(frame.id)
        if not frame.data.strip():
            return {**named, "data": ""}
        try:
            value = decode_json(frame.data)
        except (msgspec.DecodeError, RecursionError):
            return {**named, "text": len(frame.data)}
        return {**named, "json": self._redactor.json(value)}
