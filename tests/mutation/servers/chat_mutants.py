"""Server mutants of section 5: streams, events, silent turns, texts."""

import re
from collections.abc import Callable
from typing import Any

from nemolocal_contract.responses import decode_json, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_STREAM = "text/event-stream"
_SAID = b'"parts":[{"text"'


def _stream(request: WireRequest, response: WireResponse) -> bool:
    return request.endpoint == "chat" and response.headers.get("content-type", "").startswith(
        _STREAM
    )


def _frames(response: WireResponse) -> list[bytes]:
    return [frame for frame in response.body.split(b"\n\n") if frame]


def _joined(response: WireResponse, frames: list[bytes]) -> WireResponse:
    return WireResponse(response.status, response.headers, b"".join(f + b"\n\n" for f in frames))


def _each_event(
    response: WireResponse, change: Callable[[dict[str, Any]], Any]
) -> WireResponse | None:
    """Return every ADK event with content, changed; None if none changed."""
    frames, changed = [], False
    for frame in _frames(response):
        data = frame.removeprefix(b"data:").strip()
        if data.startswith(b"{"):
            frames.append(b"data: " + encode_json(change(decode_json(data))))
            changed = True
        else:
            frames.append(frame)
    return _joined(response, frames) if changed else None


def _is(kind: bytes) -> Callable[[bytes], bool]:
    return lambda frame: kind in frame


def _without(response: WireResponse, unwanted: Callable[[bytes], bool]) -> WireResponse | None:
    frames = _frames(response)
    kept = [frame for frame in frames if not unwanted(frame)]
    return _joined(response, kept) if len(kept) < len(frames) else None


@response_mutant("chat.json-type", "SSE-1", "GEN-1", kills="chat.stream.type")
def json_type(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream is served as JSON."""
    changed = response.with_headers(content_type="application/x-ndjson")
    return changed if _stream(request, response) else None


@response_mutant("chat.latin-1", "SSE-1", kills="chat.stream.utf-8")
def latin_1(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream begins with a byte that is not UTF-8."""
    if not _stream(request, response) or "你好".encode() not in request.body:
        return None
    return WireResponse(response.status, response.headers, b": caf\xe9\n\n" + response.body)


@response_mutant("chat.torn-frame", "SSE-1", kills="chat.stream.frames")
def torn_frame(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The last frame lacks its blank line."""
    if not _stream(request, response):
        return None
    return WireResponse(response.status, response.headers, response.body[:-1])


@response_mutant("chat.bad-json", "SSE-1", "SSE-2", kills="chat.stream.frames")
def bad_json(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A frame is not JSON."""
    if not _stream(request, response) or b"hello" not in request.body:
        return None
    return _joined(response, [*_frames(response), b"data: {oops"])


@response_mutant("chat.cached", "SSE-1", kills="chat.stream.uncached")
def cached(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A stream can be cached."""
    return response.with_headers(cache_control=None) if _stream(request, response) else None


@request_mutant("chat.fields-due", "SSE-1", kills="chat.body.minimal")
def fields_due(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn without app_name is refused."""
    body = request.json
    minimal = isinstance(body, dict) and {"session_id", "new_message"} == set(body)
    if request.endpoint != "chat" or not minimal or "1000000000000000000" in str(body):
        return None
    said = b'{"code":400,"message":"body: session_id and new_message need app_name","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, said)


@request_mutant("chat.camel-case", "SSE-1", "SSE-2", kills="chat.body.snake-case")
def camel_case(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn with camelCase fields is accepted."""
    if request.endpoint != "chat" or b"newMessage" not in request.body:
        return None
    return WireResponse(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@request_mutant("chat.empty-message", "SSE-1", "SSE-2", "GEN-6", kills="chat.body.empty-message")
def empty_message(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """An empty message is accepted as a turn."""
    body = request.json if request.endpoint == "chat" else None
    if not isinstance(body, dict) or body.get("new_message") != {"parts": [{"text": "  "}]}:
        return None
    return WireResponse(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@response_mutant("chat.shapes-mixed", "SSE-2", "SSE-5", "SSE-10", kills="chat.events.shape")
def shapes_mixed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A stream mixes ADK events and typed objects."""
    if not _stream(request, response):
        return None
    return _joined(response, [b'data: {"type":"text","content":"hi"}', *_frames(response)])


@response_mutant("chat.no-author", "SSE-2", kills="chat.events.adk-fields")
def no_author(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events have no author."""
    if not _stream(request, response):
        return None
    return _each_event(response, lambda event: {k: v for k, v in event.items() if k != "author"})


@response_mutant("chat.nulls", "SSE-2", kills="chat.events.adk-fields")
def nulls(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events have fields that are null."""
    if not _stream(request, response):
        return None
    return _each_event(response, lambda event: {**event, "errorCode": None})


@response_mutant("chat.same-ids", "SSE-2", kills="chat.events.distinct")
def same_ids(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """ADK events of a turn share an id."""
    if not _stream(request, response):
        return None
    return _each_event(response, lambda event: {**event, "id": "1"})


@response_mutant("chat.roles", "SSE-2", kills="chat.events.roles")
def roles(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Tool results have the role model."""
    if not _stream(request, response):
        return None
    return _each_event(
        response, lambda event: {**event, "content": {**event["content"], "role": "model"}}
    )


@response_mutant("chat.no-tools", "SSE-2", "SSE-5", "SSE-8", kills="chat.tools.called")
def no_tools(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """An edit has no tool call."""
    if not _stream(request, response):
        return None
    return _without(
        response, lambda frame: b"functionCall" in frame or b"functionResponse" in frame
    )


@response_mutant("chat.results-first", "SSE-2", kills="chat.tools.matched")
def results_first(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Tool results come before their calls."""
    if not _stream(request, response):
        return None
    frames = _frames(response)
    ordered = sorted(frames, key=lambda frame: b"functionResponse" not in frame)
    return _joined(response, ordered) if ordered != frames else None


@response_mutant("chat.tool-renamed", "SSE-2", kills="chat.tools.documented-name")
def tool_renamed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The tool of an edit has another name."""
    if not _stream(request, response) or b"edit_multitrack" not in response.body:
        return None
    body = response.body.replace(b"edit_multitrack", b"timeline_tool")
    return WireResponse(response.status, response.headers, body)


@response_mutant("chat.no-heartbeat", "SSE-3", kills="chat.heartbeat.sent")
def no_heartbeat(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A long turn sends no heartbeats."""
    if not _stream(request, response):
        return None
    return _without(response, lambda frame: frame.strip() == b"data:")


@response_mutant("chat.comments", "SSE-3", kills="chat.heartbeat.form")
def comments(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Heartbeats are comment lines."""
    if not _stream(request, response) or b"data:\n\n" not in response.body:
        return None
    body = response.body.replace(b"data:\n\n", b": ping\n\n")
    return WireResponse(response.status, response.headers, body)


@response_mutant("chat.cut", "SSE-4", kills="chat.end.clean")
def cut(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A turn ends with a reset connection."""
    if not _stream(request, response) or b"hello" not in request.body:
        return None
    return WireResponse(response.status, response.headers, response.body, cut=True)


@response_mutant("chat.silence-cut", "SSE-5", "SSE-4", kills="chat.silent.clean")
def silence_cut(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A silent turn ends with a reset connection."""
    silent = _stream(request, response) and _SAID not in response.body
    if not silent or b"functionResponse" not in response.body:
        return None
    return WireResponse(response.status, response.headers, response.body, cut=True)


@response_mutant("chat.done", "SSE-4", "SSE-1", "SSE-2", kills="chat.end.no-done")
def done(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A turn ends with a done event."""
    if not _stream(request, response):
        return None
    return _joined(response, [*_frames(response), b"data: [DONE]"])


@response_mutant(
    "chat.silence-told", "SSE-5", "SSE-2", kills="chat.silent.state-changed chat.silent.rate"
)
def silence_told(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A silent turn contains a text."""
    silent = _stream(request, response) and _SAID not in response.body
    if not silent or b"functionResponse" not in response.body:
        return None
    return _joined(
        response,
        [
            *_frames(response),
            b'data: {"content":{"role":"model","parts":[{"text":"Done, click Play"}]}}',
        ],
    )


@response_mutant("chat.talk-silent", "SSE-5", kills="chat.silent.talk-never")
def talk_silent(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A turn that changes nothing has no text."""
    if not _stream(request, response) or b"what can you do" not in request.body:
        return None
    return WireResponse(response.status, response.headers, b"data:\n\n")


@response_mutant("chat.all-silent", "SSE-5", "SSE-9", "SSE-10", kills="chat.silent.rate")
def all_silent(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Every edit is silent."""
    if not _stream(request, response) or b"functionResponse" not in response.body:
        return None
    return _without(response, _is(_SAID))


@response_mutant("chat.no-excuse", "SSE-9", kills="chat.excuse.harmless")
def no_excuse(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The excuse at the end of a turn is missing."""
    if not _stream(request, response):
        return None
    return _without(response, _is(b"temporary issue"))


@response_mutant("chat.no-gui", "SSE-10", kills="chat.gui.english")
def no_gui(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Texts do not mention a GUI."""
    if not _stream(request, response):
        return None
    words = rb"(?i)\b(?:click|open|drag|drop|button|panel|preview|export)\b"
    body = re.sub(words, b"see", response.body)
    return WireResponse(response.status, response.headers, body) if body != response.body else None


@response_mutant("chat.english-only", "SSE-10", kills="chat.gui.chinese")
def english_only(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A Chinese session is answered in English."""
    if not _stream(request, response) or not re.search("[\u4e00-\u9fff]", response.body.decode()):
        return None
    body = re.sub('"text":"[^"]*"', '"text":"Click here"', response.body.decode())
    return WireResponse(response.status, response.headers, body.encode())


@response_mutant("chat.tool-talk", "SSE-10", "SSE-2", "SSE-5", kills="chat.gui.hidden-tools")
def tool_talk(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A text names the tool that was called."""
    if not _stream(request, response) or b"edit_multitrack" not in response.body:
        return None
    return _joined(
        response,
        [*_frames(response), b'data: {"content":{"parts":[{"text":"edit_multitrack: click ok"}]}}'],
    )
