"""Formats bodies for reading: indented JSON, and the events of a stream with their times."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract.journal import Entry
from nemolocal_contract.turn_events import (
    Heartbeat,
    SseEvent,
    SseEventTooLarge,
    SseParser,
    Text,
    ToolCall,
    ToolResult,
    decode_turn_events,
)

_MAX_FRAMES = 500
_STREAM = "text/event-stream"


class Body(msgspec.Struct, frozen=True):
    """A body to show: its text, whether it is indented JSON, and how many bytes were not kept."""

    text: str
    is_json: bool = False
    left_out: int = 0


class Frame(msgspec.Struct, frozen=True):
    """An event of a stream, or several heartbeats that follow one another.

    `kind` is "text", "call", "result", "heartbeat", "several" or "unreadable"; `offset` is in
    seconds since the request began, None where it is not known.
    """

    kind: str
    offset: float | None
    summary: str
    data: str
    count: int = 1
    last_offset: float | None = None


def is_stream(entry: Entry) -> bool:
    """Return whether the response is an event stream."""
    return entry.response_headers.get("content-type", "").startswith(_STREAM)


def format_body(text: str, size: int) -> Body:
    """Return a body with its JSON indented; `size` is the size of all of it in bytes."""
    kept = len(text.encode("utf-8", "replace"))
    # Tokens are replaced, so a body that is whole may differ a little; one that is cut has a limit.
    left_out = size - kept if kept >= _CUT and size > kept else 0
    indented = _indent(text)
    return Body(text, left_out=left_out) if indented is None else Body(indented, True, left_out)


# Bodies are cut at 64 KB, at a whole character.
_CUT = 64 * 1024 - 4


def _indent(text: str) -> str | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def read_frames(entry: Entry) -> list[Frame]:
    """Return the events of a stream; runs of heartbeats are one."""
    frames: list[Frame] = []
    for offset, event in _timed_events(entry):
        frame = _frame(offset, event)
        before = frames[-1] if frames else None
        if before is not None and before.kind == frame.kind == "heartbeat":
            frames[-1] = msgspec.structs.replace(
                before, count=before.count + 1, last_offset=frame.offset
            )
        else:
            frames.append(frame)
        if len(frames) >= _MAX_FRAMES:
            break
    return frames


def _timed_events(entry: Entry) -> Iterator[tuple[float | None, SseEvent]]:
    """Read the events of the body chunk by chunk; each has the offset of the chunk that ends it."""
    parser, rest = SseParser(), entry.response_body.encode("utf-8", "replace")
    try:
        for offset, size in entry.chunks:
            for event in parser.feed(rest[:size]):
                yield offset, event
            rest = rest[size:]
        for event in (*parser.feed(rest), *parser.finish()):
            yield None, event
    except SseEventTooLarge:
        return


def _frame(offset: float | None, event: SseEvent) -> Frame:
    decoded = decode_turn_events(event)
    data = _indent(event.data) or event.data
    if len(decoded) != 1:
        return Frame("several", offset, "", data, len(decoded))
    match decoded[0]:
        case Text(text):
            return Frame("text", offset, text, data)
        case ToolCall(_, name, args):
            return Frame("call", offset, f"{name}({_arguments(args)})", data)
        case ToolResult(_, name, _):
            return Frame("result", offset, name, data)
        case Heartbeat():
            return Frame("heartbeat", offset, "", data)
        case _:
            return Frame("unreadable", offset, event.data[:200], data)


def _arguments(args: dict[str, Any]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in args.items())
    return text if len(text) <= 200 else f"{text[:199]}…"
