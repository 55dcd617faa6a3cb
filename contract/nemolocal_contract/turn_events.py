"""The events of a turn, and the Server-Sent Events that carry them (SSE-1 to SSE-4).

An event is text for the user, a tool call, a tool result or a heartbeat. `TurnEventEncoder` writes
them in one of two dialects, `decode_turn_events` reads both.

Lines end at CR, LF or CRLF only. U+2028 and U+0085, at which Python and some clients split text,
are ordinary characters here: JSON may contain them unescaped.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from .responses import decode_json, encode_json

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
# Memory that a line takes besides its bytes, about.
_LINE = 64

MAX_EVENT_BYTES = 16 << 20
"""Limit for the bytes of an event, much more than the contract needs."""


class SseEventTooLarge(ValueError):
    """An event that is larger than the limit."""


class SseEvent(msgspec.Struct, frozen=True):
    """One event: its data (the `data:` lines joined by a newline), event name and id.

    `data` is "" for an empty `data:` line, which the contract uses as a heartbeat (SSE-3). A
    browser would dispatch nothing for it.
    """

    data: str
    event: str = ""
    id: str = ""


HEARTBEAT_BYTES = b"data:\n\n"


def encode_sse_event(data: str) -> bytes:
    """Return the bytes of an event; each line of the data becomes a `data:` line."""
    lines = re.split(r"\r\n|\r|\n", data)
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


class SseParser:
    """Parses a stream incrementally: the events do not depend on how the bytes are split.

    A `\\r` at the end of a chunk ends its line at once, and a `\\n` at the start of the next chunk
    is then skipped, so that no event waits for a byte that may never come.
    """

    def __init__(self, largest: int = MAX_EVENT_BYTES) -> None:
        self._largest = largest
        self._rest = bytearray()
        # Memory of the lines of the incomplete event.
        self._held = 0
        self._after_cr = False
        self._at_start = True
        self._fields: dict[str, list[str]] = {}

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that a chunk completes; raises `SseEventTooLarge`."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if self._at_start:
            chunk = bytes(self._rest) + chunk
            self._rest.clear()
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._rest += chunk
                return []
            chunk = chunk.removeprefix(_BOM)
            self._at_start = False
        # Only the new bytes are searched, so that a long line is not searched repeatedly.
        *lines, rest = _LINE_END.split(chunk)
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        self._after_cr = chunk.endswith(b"\r")
        frames = list(self._frames(lines))
        if self._held + len(self._rest) > self._largest:
            raise SseEventTooLarge(f"an event of more than {self._largest >> 20} MB")
        return frames

    def finish(self) -> list[SseEvent]:
        """Return the last event of a stream that ended without a blank line, if there is one."""
        line = bytes(self._rest)
        self._rest.clear()
        return list(self._frames([line, b""] if line else [b""]))

    def _frames(self, lines: list[bytes]) -> Iterator[SseEvent]:
        for line in lines:
            if line:
                self._held += len(line) + _LINE
                name, _, value = line.decode(errors="replace").partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            else:
                yield from self._dispatch()

    def _dispatch(self) -> Iterator[SseEvent]:
        fields, self._fields = self._fields, {}
        self._held = 0
        if "data" in fields:
            yield SseEvent(
                "\n".join(fields["data"]),
                fields.get("event", [""])[-1],
                fields.get("id", [""])[-1],
            )


SseDialect = Literal["adk", "typed"]
HeartbeatForm = Literal["line", "event"]


class Text(msgspec.Struct, frozen=True):
    """Text for the user."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """The backend calls one of its tools; internal, never shown (CLI-6)."""

    id: str
    name: str
    args: dict[str, Any]


class ToolResult(msgspec.Struct, frozen=True):
    """The result of a tool call; internal, never shown (CLI-6)."""

    id: str
    name: str
    response: dict[str, Any]


class Heartbeat(msgspec.Struct, frozen=True):
    """Still working (SSE-3)."""


class RawEvent(msgspec.Struct, frozen=True):
    """A JSON object that is sent as it is, whatever the dialect: scripted replies have them."""

    body: dict[str, Any]

    @property
    def has_text(self) -> bool:
        """Whether a client would show a text of it."""
        frame = SseEvent(encode_json(self.body).decode())
        return any(isinstance(event, Text) for event in decode_turn_events(frame))


class UnreadableEvent(msgspec.Struct, frozen=True):
    """An SSE event that is not valid in any dialect; a client can report it."""

    data: str


_HEARTBEAT_EVENT = encode_sse_event('{"type":"heartbeat"}')

TurnEvent = Text | ToolCall | ToolResult | Heartbeat | RawEvent
ReceivedEvent = Text | ToolCall | ToolResult | Heartbeat | UnreadableEvent


class TurnEventEncoder:
    """Encodes the events of one turn as SSE bytes in one dialect.

    `invocation_id` identifies the turn, `new_id` each event, and `now` is the timestamp;
    `heartbeat` is an empty data line or a separate event (SSE-3).
    """

    def __init__(
        self,
        dialect: SseDialect,
        invocation_id: str,
        new_id: Callable[[], str],
        now: Callable[[], float],
        *,
        heartbeat: HeartbeatForm = "line",
    ) -> None:
        self._dialect = dialect
        self._heartbeat = HEARTBEAT_BYTES if heartbeat == "line" else _HEARTBEAT_EVENT
        self._invocation_id = invocation_id
        self._new_id = new_id
        self._now = now

    def encode(self, event: TurnEvent) -> bytes:
        """Return the bytes of one event."""
        if isinstance(event, Heartbeat):
            return self._heartbeat
        if isinstance(event, RawEvent):
            body = event.body
        else:
            body = _typed(event) if self._dialect == "typed" else self._adk(event)
        return encode_sse_event(encode_json(body).decode())

    def _adk(self, event: Text | ToolCall | ToolResult) -> dict[str, Any]:
        role, part = _adk_part(event)
        return {
            "content": {"role": role, "parts": [part]},
            "invocationId": self._invocation_id,
            "author": "nemo_agent",
            "actions": {
                "stateDelta": {},
                "artifactDelta": {},
                "requestedAuthConfigs": {},
                "requestedToolConfirmations": {},
            },
            "id": self._new_id(),
            "timestamp": self._now(),
        }


def _adk_part(event: Text | ToolCall | ToolResult) -> tuple[str, dict[str, Any]]:
    if isinstance(event, Text):
        return "model", {"text": event.text}
    if isinstance(event, ToolCall):
        return "model", {"functionCall": msgspec.to_builtins(event)}
    return "user", {"functionResponse": msgspec.to_builtins(event)}


def _typed(event: Text | ToolCall | ToolResult) -> dict[str, Any]:
    if isinstance(event, Text):
        return {"type": "text", "content": event.text}
    if isinstance(event, ToolCall):
        return {"type": "tool_call", "name": event.name, "args": event.args}
    return {"type": "tool_result", "name": event.name, "result": event.response}


def decode_turn_events(frame: SseEvent) -> list[ReceivedEvent]:
    """Return the turn events of an SSE event in either dialect; an empty one is a heartbeat."""
    if not frame.data.strip():
        return [Heartbeat()]
    try:
        body = decode_json(frame.data)
    except (msgspec.DecodeError, RecursionError):
        return [UnreadableEvent(frame.data)]
    if not isinstance(body, dict):
        return [UnreadableEvent(frame.data)]
    if "type" in body:
        return [_from_typed(body, frame.data)]
    return _from_adk(body)


def _from_typed(body: dict[str, Any], data: str) -> ReceivedEvent:
    match body:
        case {"type": "text", "content": str(text)}:
            return Text(text)
        case {"type": "tool_call", "name": str(name)}:
            return ToolCall(str(body.get("id", "")), name, _object(body.get("args")))
        case {"type": "tool_result", "name": str(name)}:
            return ToolResult(str(body.get("id", "")), name, _object(body.get("result")))
        case {"type": "heartbeat"}:
            return Heartbeat()
    return UnreadableEvent(data)


def _from_adk(body: dict[str, Any]) -> list[ReceivedEvent]:
    content = _object(body.get("content"))
    parts = content.get("parts")
    events = [_from_adk_part(part) for part in parts] if isinstance(parts, list) else []
    # An event without readable parts carries only state: nothing to show, but the turn is alive.
    return [event for event in events if event is not None] or [Heartbeat()]


def _from_adk_part(part: Any) -> Text | ToolCall | ToolResult | None:
    match part:
        case {"text": str(text)} if text and not part.get("thought"):
            return Text(text)
        case {"functionCall": {"name": str(name)} as call}:
            return ToolCall(str(call.get("id", "")), name, _object(call.get("args")))
        case {"functionResponse": {"name": str(name)} as result}:
            return ToolResult(str(result.get("id", "")), name, _object(result.get("response")))
    return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
