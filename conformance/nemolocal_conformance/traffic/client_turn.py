"""A turn of the conversation: the message, the timed events of its stream, and its ending."""

import functools
from collections.abc import Iterator

import msgspec

from nemolocal_contract.responses import ResponseCode, decode_json
from nemolocal_contract.turn_events import Heartbeat, SseEvent, SseParser, Text, decode_turn_events

from .recorded_call import RecordedCall

_TEMPORARY_ISSUES = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")
# The journal keeps so much of a body: a longer one does not show its end.
_KEPT = 64 * 1024


class TimedEvent(msgspec.Struct, frozen=True):
    """An event or a heartbeat, with its seconds since the request."""

    seconds: float
    has_content: bool


class ClientTurn:
    """A message that the server began to work on, and charged."""

    def __init__(self, call: RecordedCall) -> None:
        self.call = call

    @property
    def session_id(self) -> str:
        return self.call.session_id

    @property
    def message(self) -> str:
        return self.call.message

    @property
    def ended(self) -> float:
        return self.call.entry.ended

    @property
    def duration(self) -> float:
        """Seconds from the request to the end of the stream."""
        return self.ended - self.call.entry.started

    @property
    def credits(self) -> int:
        """The cost, as far as the journal shows it."""
        return self.call.entry.turn.cost if self.call.entry.turn else 0

    @property
    def is_complete(self) -> bool:
        """Whether the stream ended by itself (SSE-4)."""
        return self.call.entry.ending == "complete"

    @property
    def is_cut(self) -> bool:
        """Whether the connection broke, and the client did not close it."""
        return self.call.entry.ending in ("cut by fault", "cut by server")

    @property
    def is_disconnected(self) -> bool:
        """Whether the client disconnected before the end."""
        return self.call.entry.ending == "cut by client"

    @property
    def is_silent(self) -> bool:
        """Whether it completed without text for the user (SSE-5), temporary-issue texts aside."""
        return self.is_complete and not self.error_code and not self._has_text

    @functools.cached_property
    def error_code(self) -> int:
        """The error code that ended the stream, 0 if there is none."""
        return next(filter(None, map(_error_code, _frames(self._bytes))), 0)

    @functools.cached_property
    def timed_events(self) -> tuple[TimedEvent, ...]:
        """The events with their times, as far as chunks and body are recorded."""
        return tuple(self._read_events())

    @functools.cached_property
    def _bytes(self) -> bytes:
        return self.call.entry.response_body.encode()

    @property
    def _has_text(self) -> bool:
        entry = self.call.entry
        if entry.turn is not None and entry.response_size > _KEPT:
            return not entry.turn.silent
        return entry.response_size > _KEPT or any(_texts(self._bytes))

    def _read_events(self) -> Iterator[TimedEvent]:
        parser, begin = SseParser(), 0
        for at, size in self.call.entry.chunks:
            piece, begin = self._bytes[begin : begin + size], begin + size
            for frame in parser.feed(piece):
                beats = [isinstance(event, Heartbeat) for event in decode_turn_events(frame)]
                yield TimedEvent(at, not all(beats))


def turn_of(call: RecordedCall) -> ClientTurn | None:
    """Return the turn that a chat request started, None if it started none."""
    entry = call.entry
    if call.endpoint != "chat":
        return None
    streams = entry.response_headers.get("content-type", "").startswith("text/event-stream")
    lost = not entry.status and entry.ending != "complete"
    return ClientTurn(call) if entry.turn is not None or streams or lost else None


def _texts(body: bytes) -> Iterator[str]:
    for frame in _frames(body):
        for event in decode_turn_events(frame):
            if isinstance(event, Text) and not _is_temporary_issue(event.text):
                yield event.text.strip()


def _is_temporary_issue(text: str) -> bool:
    """Whether a text reports a temporary issue, which clients ignore (SSE-9)."""
    lowered = text.lower()
    return any(excuse in lowered for excuse in _TEMPORARY_ISSUES)


def _frames(body: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [*parser.feed(body), *parser.finish()]


def _error_code(frame: SseEvent) -> int:
    if '"code"' not in frame.data:
        return 0
    try:
        body = decode_json(frame.data)
    except (msgspec.DecodeError, RecursionError):
        return 0
    code = body.get("code") if isinstance(body, dict) else None
    return code if type(code) is int and code != ResponseCode.OK else 0
