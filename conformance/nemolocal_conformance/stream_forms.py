"""Watches the stream of every turn of a run: the form of its events, and their ids (SSE-2)."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import SseParser

from .reply_forms import is_number, is_text
from .reply_violation import ReplyViolation

if TYPE_CHECKING:
    from .target import TargetResponse

_TYPES = ("text", "tool_call", "tool_result", "heartbeat")
_ACTIONS = ("stateDelta", "artifactDelta")
_TOOLS = {"functionCall": "args", "functionResponse": "response"}
# The longest turn (SSE-6), and how far two clocks of a server may be apart.
_LONGEST, _DRIFT = 900.0, 120.0


class StreamWatch:
    """The ids of the events and turns of a run so far."""

    def __init__(self) -> None:
        self._event_ids: set[str] = set()
        self._turns: set[str] = set()

    def violations(self, response: "TargetResponse") -> Iterator[ReplyViolation]:
        """Yield what is wrong with the stream of a turn."""
        for what, expected, actual in self._findings(response):
            yield ReplyViolation("chat", "SSE-2", what, expected, actual)

    def _findings(self, response: "TargetResponse") -> "_Findings":
        events: list[dict[str, Any]] = []
        parser = SseParser()
        for frame in (*parser.feed(response.body), *parser.finish()):
            if not frame.data.strip():
                continue
            try:
                event = decode_json(frame.data)
            except (msgspec.DecodeError, RecursionError):
                event = None
            if not isinstance(event, dict):
                yield "an event", "a JSON object", frame.data[:200]
            elif "type" in event:
                yield from _typed(event)
            elif "content" in event or "author" in event:
                events.append(event)
        broken = [finding for event in events for finding in _adk(event)]
        yield from broken
        if not broken:
            yield from self._turn(events, response.headers.get("date", ""))

    def _turn(self, events: list[dict[str, Any]], date: str) -> "_Findings":
        """Yield where the events of a turn do not agree, with each other or with other turns."""
        for event in events:
            if event["id"] in self._event_ids:
                yield "id of an event", "a new one each time", event["id"]
            self._event_ids.add(event["id"])
        turns = {event["invocationId"] for event in events}
        if len(turns) > 1 or turns & self._turns:
            yield "invocationId", "one per turn", sorted(turns)
        self._turns |= turns
        times = [event["timestamp"] for event in events]
        if times != sorted(times):
            yield "timestamps", "never decreasing", times
        yield from _times(times, date)
        yield from _tools([part for event in events for part in event["content"]["parts"]])


_Findings = Iterator[tuple[str, str, Any]]


def _typed(event: dict[str, Any]) -> _Findings:
    """Yield what is wrong with a typed event."""
    kind = event["type"]
    if kind not in _TYPES:
        yield "type", f"one of {', '.join(_TYPES)}", kind
    elif kind == "text" and not is_text(event.get("content")):
        yield "content", "a non-empty string", event.get("content")
    elif kind in ("tool_call", "tool_result"):
        held = "args" if kind == "tool_call" else "result"
        if not is_text(event.get("name")):
            yield "name", "the name of a tool", event.get("name")
        if not isinstance(event.get(held), dict):
            yield held, "an object", event.get(held)


def _adk(event: dict[str, Any]) -> _Findings:
    """Yield what is wrong with an ADK event."""
    for name in ("author", "id", "invocationId"):
        if not is_text(event.get(name)):
            yield name, "a non-empty string", event.get(name)
    if not is_number(event.get("timestamp")):
        yield "timestamp", "a number", event.get("timestamp")
    actions = event.get("actions")
    for name in _ACTIONS:
        if not isinstance(actions, dict) or not isinstance(actions.get(name), dict):
            yield f"actions.{name}", "an object", actions
    content = event.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(parts, list) or not parts:
        yield "content", "role and parts", content
        return
    is_result = any(isinstance(part, dict) and "functionResponse" in part for part in parts)
    if content.get("role") != ("user" if is_result else "model"):
        yield "role", "user for a tool result, else model", content.get("role")
    for part in parts:
        yield from _part(part)


def _part(part: Any) -> _Findings:
    if not isinstance(part, dict):
        yield "a part", "an object", part
    elif "text" in part:
        if not is_text(part["text"]):
            yield "text", "a non-empty string", part["text"]
    else:
        for tool, held in _TOOLS.items():
            if tool in part:
                yield from _tool(tool, held, part[tool])


def _tool(tool: str, held: str, call: Any) -> _Findings:
    if not isinstance(call, dict):
        yield tool, "an object", call
        return
    for name in ("id", "name"):
        if not is_text(call.get(name)):
            yield f"{tool}.{name}", "a non-empty string", call.get(name)
    if not isinstance(call.get(held), dict):
        yield f"{tool}.{held}", "an object", call.get(held)


def _times(times: list[float], date: str) -> _Findings:
    """Yield times that are not those of the turn, by the date of the response."""
    try:
        begun = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return
    late = [at for at in times if not begun - _DRIFT <= at <= begun + _LONGEST + _DRIFT]
    if late:
        yield "timestamp", f"seconds since 1970, within the turn that began at {begun:.0f}", late


def _tools(parts: list[dict[str, Any]]) -> _Findings:
    """Yield results that answer no call before them: a turn may end before it has a result."""
    called: dict[str, str] = {}
    for part in parts:
        if "functionCall" in part:
            call = part["functionCall"]
            if call["id"] in called:
                yield "functionCall.id", "a new one each time", call["id"]
            called[call["id"]] = call["name"]
        elif "functionResponse" in part:
            result = part["functionResponse"]
            if called.pop(result["id"], None) != result["name"]:
                yield "functionResponse", "the id and name of an earlier call", result
