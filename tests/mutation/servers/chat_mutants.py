"""Servers that break section 5: streams, events, silence, words."""

import re
from collections.abc import Callable
from typing import Any

from nemolocal_contract.envelope import decode_json, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_STREAM = "text/event-stream"
_SAID = b'"parts":[{"text"'


def _stream(asked: WireRequest, answered: WireResponse) -> bool:
    return asked.endpoint == "chat" and answered.headers.get("content-type", "").startswith(_STREAM)


def _frames(answered: WireResponse) -> list[bytes]:
    return [frame for frame in answered.body.split(b"\n\n") if frame]


def _joined(answered: WireResponse, frames: list[bytes]) -> WireResponse:
    return WireResponse(answered.status, answered.headers, b"".join(f + b"\n\n" for f in frames))


def _each_event(
    answered: WireResponse, change: Callable[[dict[str, Any]], Any]
) -> WireResponse | None:
    """Every ADK event that holds something, changed; None where none is."""
    frames, changed = [], False
    for frame in _frames(answered):
        data = frame.removeprefix(b"data:").strip()
        if data.startswith(b"{"):
            frames.append(b"data: " + encode_json(change(decode_json(data))))
            changed = True
        else:
            frames.append(frame)
    return _joined(answered, frames) if changed else None


def _is(kind: bytes) -> Callable[[bytes], bool]:
    return lambda frame: kind in frame


def _without(answered: WireResponse, unwanted: Callable[[bytes], bool]) -> WireResponse | None:
    frames = _frames(answered)
    kept = [frame for frame in frames if not unwanted(frame)]
    return _joined(answered, kept) if len(kept) < len(frames) else None


@response_mutant("chat.json-type", "SSE-1", kills="chat.stream.type")
def json_type(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream is served as JSON."""
    changed = answered.with_headers(content_type="application/x-ndjson")
    return changed if _stream(asked, answered) else None


@response_mutant("chat.latin-1", "SSE-1", kills="chat.stream.utf-8")
def latin_1(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream begins with a byte that is no UTF-8."""
    if not _stream(asked, answered) or "你好".encode() not in asked.body:
        return None
    return WireResponse(answered.status, answered.headers, b": caf\xe9\n\n" + answered.body)


@response_mutant("chat.torn-frame", "SSE-1", kills="chat.stream.frames")
def torn_frame(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """The last frame lacks its blank line."""
    if not _stream(asked, answered):
        return None
    return WireResponse(answered.status, answered.headers, answered.body[:-1])


@response_mutant("chat.bad-json", "SSE-1", kills="chat.stream.frames")
def bad_json(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A frame is no JSON."""
    if not _stream(asked, answered) or b"hello" not in asked.body:
        return None
    return _joined(answered, [*_frames(answered), b"data: {oops"])


@response_mutant("chat.cached", "SSE-1", kills="chat.stream.uncached")
def cached(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream may be kept by caches."""
    return answered.with_headers(cache_control=None) if _stream(asked, answered) else None


@request_mutant("chat.fields-due", "SSE-1", kills="chat.body.minimal")
def fields_due(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn without app_name is refused."""
    body = asked.json
    minimal = isinstance(body, dict) and {"session_id", "new_message"} == set(body)
    if asked.endpoint != "chat" or not minimal or "1000000000000000000" in str(body):
        return None
    said = b'{"code":400,"message":"body: session_id and new_message need app_name","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, said)


@request_mutant("chat.camel-case", "SSE-1", kills="chat.body.snake-case")
def camel_case(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn in camelCase is taken."""
    if asked.endpoint != "chat" or b"newMessage" not in asked.body:
        return None
    return WireResponse(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@request_mutant("chat.empty-message", "SSE-1", "GEN-6", kills="chat.body.empty-message")
def empty_message(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """An empty message is a turn."""
    body = asked.json if asked.endpoint == "chat" else None
    if not isinstance(body, dict) or body.get("new_message") != {"parts": [{"text": "  "}]}:
        return None
    return WireResponse(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@response_mutant("chat.shapes-mixed", "SSE-2", "SSE-5", "SSE-10", kills="chat.events.shape")
def shapes_mixed(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A turn speaks both dialects."""
    if not _stream(asked, answered):
        return None
    return _joined(answered, [b'data: {"type":"text","content":"hi"}', *_frames(answered)])


@response_mutant("chat.no-author", "SSE-2", kills="chat.events.adk-fields")
def no_author(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events have no author."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {k: v for k, v in event.items() if k != "author"})


@response_mutant("chat.nulls", "SSE-2", kills="chat.events.adk-fields")
def nulls(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events carry fields that are null."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {**event, "errorCode": None})


@response_mutant("chat.same-ids", "SSE-2", kills="chat.events.distinct")
def same_ids(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events of a turn share an id."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {**event, "id": "1"})


@response_mutant("chat.roles", "SSE-2", kills="chat.events.roles")
def roles(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """Tool results have the role model."""
    if not _stream(asked, answered):
        return None
    return _each_event(
        answered, lambda event: {**event, "content": {**event["content"], "role": "model"}}
    )


@response_mutant("chat.no-tools", "SSE-2", "SSE-5", "SSE-8", kills="chat.tools.called")
def no_tools(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """An edit is told without its tool."""
    if not _stream(asked, answered):
        return None
    return _without(
        answered, lambda frame: b"functionCall" in frame or b"functionResponse" in frame
    )


@response_mutant("chat.results-first", "SSE-2", kills="chat.tools.matched")
def results_first(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Tool results come before their calls."""
    if not _stream(asked, answered):
        return None
    frames = _frames(answered)
    ordered = sorted(frames, key=lambda frame: b"functionResponse" not in frame)
    return _joined(answered, ordered) if ordered != frames else None


@response_mutant("chat.tool-renamed", "SSE-2", kills="chat.tools.documented-name")
def tool_renamed(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The tool of an edit has another name."""
    if not _stream(asked, answered) or b"edit_multitrack" not in answered.body:
        return None
    body = answered.body.replace(b"edit_multitrack", b"timeline_tool")
    return WireResponse(answered.status, answered.headers, body)


@response_mutant("chat.no-heartbeat", "SSE-3", kills="chat.heartbeat.sent")
def no_heartbeat(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A long turn sends no heartbeats."""
    if not _stream(asked, answered):
        return None
    return _without(answered, lambda frame: frame.strip() == b"data:")


@response_mutant("chat.comments", "SSE-3", kills="chat.heartbeat.form")
def comments(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """Heartbeats are comment lines."""
    if not _stream(asked, answered) or b"data:\n\n" not in answered.body:
        return None
    body = answered.body.replace(b"data:\n\n", b": ping\n\n") + b"data:\n\n" * 9
    return WireResponse(answered.status, answered.headers, body)


@response_mutant("chat.cut", "SSE-4", kills="chat.end.clean")
def cut(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A turn ends by cutting the connection."""
    if not _stream(asked, answered) or b"hello" not in asked.body:
        return None
    return WireResponse(answered.status, answered.headers, answered.body, cut=True)


@response_mutant("chat.silence-cut", "SSE-5", "SSE-4", kills="chat.silent.clean")
def silence_cut(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A silent turn ends by cutting the connection."""
    silent = _stream(asked, answered) and _SAID not in answered.body
    if not silent or b"functionResponse" not in answered.body:
        return None
    return WireResponse(answered.status, answered.headers, answered.body, cut=True)


@response_mutant("chat.done", "SSE-4", "SSE-1", "SSE-2", kills="chat.end.no-done")
def done(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A turn ends with a done event."""
    if not _stream(asked, answered):
        return None
    return _joined(answered, [*_frames(answered), b"data: [DONE]"])


@response_mutant(
    "chat.silence-told", "SSE-5", "SSE-2", kills="chat.silent.state-changed chat.silent.rate"
)
def silence_told(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A silent turn says that it is done."""
    silent = _stream(asked, answered) and _SAID not in answered.body
    if not silent or b"functionResponse" not in answered.body:
        return None
    return _joined(
        answered,
        [
            *_frames(answered),
            b'data: {"content":{"role":"model","parts":[{"text":"Done, click Play"}]}}',
        ],
    )


@response_mutant("chat.talk-silent", "SSE-5", kills="chat.silent.talk-never")
def talk_silent(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """An answer to a question is empty."""
    if not _stream(asked, answered) or b"what can you do" not in asked.body:
        return None
    return WireResponse(answered.status, answered.headers, b"data:\n\n")


@response_mutant("chat.all-silent", "SSE-5", "SSE-9", "SSE-10", kills="chat.silent.rate")
def all_silent(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """Every edit is silent."""
    if not _stream(asked, answered) or b"functionResponse" not in answered.body:
        return None
    return _without(answered, _is(_SAID))


@response_mutant("chat.no-excuse", "SSE-9", kills="chat.excuse.harmless")
def no_excuse(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """The excuse at the end of a turn is left out."""
    if not _stream(asked, answered):
        return None
    return _without(answered, _is(b"temporary issue"))


@response_mutant("chat.no-gui", "SSE-10", kills="chat.gui.english")
def no_gui(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """Texts know nothing of a screen."""
    if not _stream(asked, answered):
        return None
    words = rb"(?i)\b(?:click|open|drag|drop|button|panel|preview|export)\b"
    body = re.sub(words, b"see", answered.body)
    return WireResponse(answered.status, answered.headers, body) if body != answered.body else None


@response_mutant("chat.english-only", "SSE-10", kills="chat.gui.chinese")
def english_only(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A Chinese session is answered in English."""
    if not _stream(asked, answered) or not re.search("[\u4e00-\u9fff]", answered.body.decode()):
        return None
    body = re.sub('"text":"[^"]*"', '"text":"Click here"', answered.body.decode())
    return WireResponse(answered.status, answered.headers, body.encode())


@response_mutant("chat.tool-talk", "SSE-10", "SSE-2", "SSE-5", kills="chat.gui.hidden-tools")
def tool_talk(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A text names the tool that was called."""
    if not _stream(asked, answered) or b"edit_multitrack" not in answered.body:
        return None
    return _joined(
        answered,
        [*_frames(answered), b'data: {"content":{"parts":[{"text":"edit_multitrack: click ok"}]}}'],
    )
