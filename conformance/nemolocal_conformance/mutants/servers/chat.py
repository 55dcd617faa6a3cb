"""Servers that break section 5: streams, events, silence, words."""

import re
from collections.abc import Callable
from typing import Any

from nemolocal_contract.envelope import decode_json, encode_json

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory

_STREAM = "text/event-stream"
_SAID = b'"parts":[{"text"'


def _stream(asked: Asked, answered: Answered) -> bool:
    return asked.endpoint == "chat" and answered.headers.get("content-type", "").startswith(_STREAM)


def _frames(answered: Answered) -> list[bytes]:
    return [frame for frame in answered.body.split(b"\n\n") if frame]


def _joined(answered: Answered, frames: list[bytes]) -> Answered:
    return Answered(answered.status, answered.headers, b"".join(f + b"\n\n" for f in frames))


def _each_event(answered: Answered, change: Callable[[dict[str, Any]], Any]) -> Answered | None:
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


def _without(answered: Answered, unwanted: Callable[[bytes], bool]) -> Answered | None:
    frames = _frames(answered)
    kept = [frame for frame in frames if not unwanted(frame)]
    return _joined(answered, kept) if len(kept) < len(frames) else None


@replies("chat.json-type", "SSE-1", kills="chat.stream.type")
def json_type(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A stream is served as JSON."""
    changed = answered.headed(content_type="application/x-ndjson")
    return changed if _stream(asked, answered) else None


@replies("chat.latin-1", "SSE-1", kills="chat.stream.utf-8")
def latin_1(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A stream begins with a byte that is no UTF-8."""
    if not _stream(asked, answered) or "你好".encode() not in asked.body:
        return None
    return Answered(answered.status, answered.headers, b": caf\xe9\n\n" + answered.body)


@replies("chat.torn-frame", "SSE-1", kills="chat.stream.frames")
def torn_frame(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The last frame lacks its blank line."""
    if not _stream(asked, answered):
        return None
    return Answered(answered.status, answered.headers, answered.body[:-1])


@replies("chat.bad-json", "SSE-1", kills="chat.stream.frames")
def bad_json(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A frame is no JSON."""
    if not _stream(asked, answered) or b"hello" not in asked.body:
        return None
    return _joined(answered, [*_frames(answered), b"data: {oops"])


@replies("chat.cached", "SSE-1", kills="chat.stream.uncached")
def cached(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A stream may be kept by caches."""
    return answered.headed(cache_control=None) if _stream(asked, answered) else None


@requests("chat.fields-due", "SSE-1", kills="chat.body.minimal")
def fields_due(asked: Asked, _memory: Memory) -> Answered | None:
    """A turn without app_name is refused."""
    body = asked.json
    minimal = isinstance(body, dict) and {"session_id", "new_message"} == set(body)
    if asked.endpoint != "chat" or not minimal or "1000000000000000000" in str(body):
        return None
    said = b'{"code":400,"message":"body: session_id and new_message need app_name","data":null}'
    return Answered(400, {"content-type": "application/json"}, said)


@requests("chat.camel-case", "SSE-1", kills="chat.body.snake-case")
def camel_case(asked: Asked, _memory: Memory) -> Answered | None:
    """A turn in camelCase is taken."""
    if asked.endpoint != "chat" or b"newMessage" not in asked.body:
        return None
    return Answered(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@requests("chat.empty-message", "SSE-1", "GEN-6", kills="chat.body.empty-message")
def empty_message(asked: Asked, _memory: Memory) -> Answered | None:
    """An empty message is a turn."""
    body = asked.json if asked.endpoint == "chat" else None
    if not isinstance(body, dict) or body.get("new_message") != {"parts": [{"text": "  "}]}:
        return None
    return Answered(200, {"content-type": _STREAM}, b'data: {"content":{"parts":[]}}\n\n')


@replies("chat.shapes-mixed", "SSE-2", "SSE-5", "SSE-10", kills="chat.events.shape")
def shapes_mixed(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A turn speaks both dialects."""
    if not _stream(asked, answered):
        return None
    return _joined(answered, [b'data: {"type":"text","content":"hi"}', *_frames(answered)])


@replies("chat.no-author", "SSE-2", kills="chat.events.adk-fields")
def no_author(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """ADK events have no author."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {k: v for k, v in event.items() if k != "author"})


@replies("chat.nulls", "SSE-2", kills="chat.events.adk-fields")
def nulls(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """ADK events carry fields that are null."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {**event, "errorCode": None})


@replies("chat.same-ids", "SSE-2", kills="chat.events.distinct")
def same_ids(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """ADK events of a turn share an id."""
    if not _stream(asked, answered):
        return None
    return _each_event(answered, lambda event: {**event, "id": "1"})


@replies("chat.roles", "SSE-2", kills="chat.events.roles")
def roles(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Tool results have the role model."""
    if not _stream(asked, answered):
        return None
    return _each_event(
        answered, lambda event: {**event, "content": {**event["content"], "role": "model"}}
    )


@replies("chat.no-tools", "SSE-2", "SSE-5", "SSE-8", kills="chat.tools.called")
def no_tools(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An edit is told without its tool."""
    if not _stream(asked, answered):
        return None
    return _without(
        answered, lambda frame: b"functionCall" in frame or b"functionResponse" in frame
    )


@replies("chat.results-first", "SSE-2", kills="chat.tools.matched")
def results_first(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Tool results come before their calls."""
    if not _stream(asked, answered):
        return None
    frames = _frames(answered)
    ordered = sorted(frames, key=lambda frame: b"functionResponse" not in frame)
    return _joined(answered, ordered) if ordered != frames else None


@replies("chat.tool-renamed", "SSE-2", kills="chat.tools.documented-name")
def tool_renamed(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The tool of an edit has another name."""
    if not _stream(asked, answered) or b"edit_multitrack" not in answered.body:
        return None
    body = answered.body.replace(b"edit_multitrack", b"timeline_tool")
    return Answered(answered.status, answered.headers, body)


@replies("chat.no-heartbeat", "SSE-3", kills="chat.heartbeat.sent")
def no_heartbeat(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A long turn sends no heartbeats."""
    if not _stream(asked, answered):
        return None
    return _without(answered, lambda frame: frame.strip() == b"data:")


@replies("chat.comments", "SSE-3", kills="chat.heartbeat.form")
def comments(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Heartbeats are comment lines."""
    if not _stream(asked, answered) or b"data:\n\n" not in answered.body:
        return None
    body = answered.body.replace(b"data:\n\n", b": ping\n\n") + b"data:\n\n" * 9
    return Answered(answered.status, answered.headers, body)


@replies("chat.cut", "SSE-4", kills="chat.end.clean")
def cut(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A turn ends by cutting the connection."""
    if not _stream(asked, answered) or b"hello" not in asked.body:
        return None
    return Answered(answered.status, answered.headers, answered.body, cut=True)


@replies("chat.silence-cut", "SSE-5", "SSE-4", kills="chat.silent.clean")
def silence_cut(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A silent turn ends by cutting the connection."""
    silent = _stream(asked, answered) and _SAID not in answered.body
    if not silent or b"functionResponse" not in answered.body:
        return None
    return Answered(answered.status, answered.headers, answered.body, cut=True)


@replies("chat.done", "SSE-4", "SSE-1", "SSE-2", kills="chat.end.no-done")
def done(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A turn ends with a done event."""
    if not _stream(asked, answered):
        return None
    return _joined(answered, [*_frames(answered), b"data: [DONE]"])


@replies("chat.silence-told", "SSE-5", "SSE-2", kills="chat.silent.state-changed chat.silent.rate")
def silence_told(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
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


@replies("chat.talk-silent", "SSE-5", kills="chat.silent.talk-never")
def talk_silent(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An answer to a question is empty."""
    if not _stream(asked, answered) or b"what can you do" not in asked.body:
        return None
    return Answered(answered.status, answered.headers, b"data:\n\n")


@replies("chat.all-silent", "SSE-5", "SSE-9", "SSE-10", kills="chat.silent.rate")
def all_silent(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Every edit is silent."""
    if not _stream(asked, answered) or b"functionResponse" not in answered.body:
        return None
    return _without(answered, _is(_SAID))


@replies("chat.no-excuse", "SSE-9", kills="chat.excuse.harmless")
def no_excuse(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The excuse at the end of a turn is left out."""
    if not _stream(asked, answered):
        return None
    return _without(answered, _is(b"temporary issue"))


@replies("chat.no-gui", "SSE-10", kills="chat.gui.english")
def no_gui(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Texts know nothing of a screen."""
    if not _stream(asked, answered):
        return None
    words = rb"(?i)\b(?:click|open|drag|drop|button|panel|preview|export)\b"
    body = re.sub(words, b"see", answered.body)
    return Answered(answered.status, answered.headers, body) if body != answered.body else None


@replies("chat.english-only", "SSE-10", kills="chat.gui.chinese")
def english_only(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A Chinese session is answered in English."""
    if not _stream(asked, answered) or not re.search("[\u4e00-\u9fff]", answered.body.decode()):
        return None
    body = re.sub('"text":"[^"]*"', '"text":"Click here"', answered.body.decode())
    return Answered(answered.status, answered.headers, body.encode())


@replies("chat.tool-talk", "SSE-10", "SSE-2", "SSE-5", kills="chat.gui.hidden-tools")
def tool_talk(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A text names the tool that was called."""
    if not _stream(asked, answered) or b"edit_multitrack" not in answered.body:
        return None
    return _joined(
        answered,
        [*_frames(answered), b'data: {"content":{"parts":[{"text":"edit_multitrack: click ok"}]}}'],
    )
