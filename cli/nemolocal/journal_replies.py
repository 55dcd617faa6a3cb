"""Scripted replies made of a journal: each chat request, answered again as it was then."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from nemolocal_contract.endpoints import ChatRequest
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import (
    Heartbeat,
    SseEvent,
    SseParser,
    Text,
    ToolCall,
    ToolResult,
    UnreadableEvent,
    decode_turn_events,
)

_LONGEST_WAIT = 3600.0
_APPLIED = {"late": "late", "not_applied": "no", "pending": "no"}
_CUTS = ("cut-fin", "cut-reset")
# These leave their traces in what was streamed, which the reply repeats.
_IN_THE_STREAM = (
    "silent", "silent-not-applied", "silent-late", "stall", "temporary-issue", "bad-json",
    "split-utf8", "split-frames", "duplicate-event", "slow-bytes", "late-heartbeat",
    "line-separator",
)  # fmt: skip


def replies_of(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return a reply for each chat request that was answered, in order."""
    chats = (entry for entry in entries if entry.endpoint == "chat")
    return [reply for entry in chats if (reply := _reply(entry)) is not None]


def write_scenario(entries: Iterable[Entry], description: str) -> str:
    """Return a scenario file (TOML) with the replies; "" if no chat request was answered."""
    import tomli_w

    replies = replies_of(entries)
    if not replies:
        return ""
    return tomli_w.dumps(without_nulls({"description": description, "replies": replies}))


def _reply(entry: Entry) -> dict[str, Any] | None:
    try:
        message = decode_json(entry.request_body, type=ChatRequest).new_message.text
    except (msgspec.MsgspecError, RecursionError):
        return None  # it was refused, or the journal has only its beginning
    reply: dict[str, Any] = {"match": {"message": {"equals": message}}}
    frames = _frames(entry)
    fault = next((name for name in entry.faults if name not in _IN_THE_STREAM), None)
    if fault is not None:
        reply["fault"] = f"{fault};after={len(frames)}" if fault in _CUTS else fault
    is_stream = entry.response_headers.get("content-type", "").startswith("text/event-stream")
    if is_stream and entry.ending == "complete":
        reply |= _streamed(frames)
        seconds = (entry.ended - entry.started) * (entry.speed or 1.0)
        reply["wait"] = min(round(max(seconds, 0.0), 3), _LONGEST_WAIT)
    elif fault is None:
        return None
    return reply | _result(entry, reply)


def _result(entry: Entry, reply: dict[str, Any]) -> dict[str, Any]:
    """What the journal of a local server knows besides the stream."""
    if entry.turn is None:
        return {}
    if entry.turn.truth == "talk":
        # A talk turn without a text has its tool calls or events only.
        return {"edits": []} if "say" in reply or "events" in reply else {}
    applied = _APPLIED.get(entry.turn.truth)
    return {"credits": entry.turn.cost, **({"applied": applied} if applied else {})}


def _frames(entry: Entry) -> list[SseEvent]:
    parser = SseParser()
    return [*parser.feed(entry.response_body.encode()), *parser.finish()]


def _streamed(frames: Sequence[SseEvent]) -> dict[str, Any]:
    """The text and the tools of a stream, or its events if it has another shape."""
    events = [event for frame in frames for event in decode_turn_events(frame)]
    texts = [event.text for event in events if isinstance(event, Text)]
    is_plain = not any(isinstance(event, UnreadableEvent) for event in events)
    if len(texts) > 1 or not is_plain:
        return {"events": list(_raw_events(frames))}
    calls = [event for event in events if isinstance(event, ToolCall)]
    results = [event for event in events if isinstance(event, ToolResult)]
    return {"say": "".join(texts), "tools": [_tool(call, results) for call in calls]}


def _tool(call: ToolCall, results: list[ToolResult]) -> dict[str, Any]:
    """A call with its result: the one with its id, else the first of its name; each once."""
    same = [result for result in results if result.name == call.name]
    found = next((result for result in same if result.id == call.id), same[0] if same else None)
    if found is None:
        return {"name": call.name, "args": call.args}
    results.remove(found)
    return {"name": call.name, "args": call.args, "response": found.response}


def _raw_events(frames: Iterable[SseEvent]) -> Iterator[dict[str, Any]]:
    for frame in frames:
        try:
            body = decode_json(frame.data)
        except (msgspec.DecodeError, RecursionError):
            continue
        if isinstance(body, dict) and decode_turn_events(frame) != [Heartbeat()]:
            yield body


def without_nulls(value: Any) -> Any:
    """The value without the keys and items that are null, which TOML cannot say."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value if item is not None]
    return value
