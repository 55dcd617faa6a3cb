"""What happens in a turn, and its two shapes on the wire (SSE-2, SSE-3).

The backend says three things: text for the user, a tool call, a tool result; and, when it has
nothing to say, a heartbeat. `TurnEventEncoder` writes them in either dialect, `decode_turn_events`
reads both without being told which.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from .envelope import decode_json, encode_json
from .sse import HEARTBEAT_BYTES, SseEvent, encode_sse_event

SseDialect = Literal["adk", "typed"]
HeartbeatForm = Literal["line", "event"]


class Text(msgspec.Struct, frozen=True):
    """Words for the user."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """The backend calls one of its tools; internal, never shown (CLI-6)."""

    id: str
    name: str
    args: dict[str, Any]


class ToolResult(msgspec.Struct, frozen=True):
    """What the tool answered; internal, never shown (CLI-6)."""

    id: str
    name: str
    response: dict[str, Any]


class Heartbeat(msgspec.Struct, frozen=True):
    """Still working (SSE-3)."""


class UnreadableEvent(msgspec.Struct, frozen=True):
    """A frame that is no event in any dialect; kept so that a client can say so."""

    data: str


_HEARTBEAT_EVENT = encode_sse_event('{"type":"heartbeat"}')

TurnEvent = Text | ToolCall | ToolResult | Heartbeat
ReceivedEvent = TurnEvent | UnreadableEvent


class TurnEventEncoder:
    """Writes the events of one turn as SSE bytes in one dialect.

    `invocation_id` is the turn's, `new_id` gives each event its own, `now` the time stamp;
    `heartbeat` is an empty data line or an event of its own (SSE-3).
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
        """The bytes of one event."""
        if isinstance(event, Heartbeat):
            return self._heartbeat
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
    """The events in a frame, whichever dialect it speaks; an empty frame is a heartbeat."""
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
    # An event without readable parts carries state only: nothing to show, but a sign of life.
    return [event for event in events if event is not None] or [Heartbeat()]


def _from_adk_part(part: Any) -> TurnEvent | None:
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
