"""What a server answered to the calls of a document, held against what the document says."""

import re
import sys
from typing import Any

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import decode_json
from nemolocal_contract.events import Text, decode_events
from nemolocal_contract.sse import FrameParser

from ..errors import one_line
from .calls import SkillCall
from .reader import Skill

# The fields of replies that a document may promise.
_PROMISES = {
    "token": ("token", "credits", "user_id", "expires_at"),
    "session": ("session_id", "task_id"),
    "upload": ("cdn_url", "file_type"),
    "balance": ("available", "frozen", "total"),
    "state": ("draft", "video_infos", "canvas_config", "generated_media"),
    "render_status": ("status", "url"),
}


class Received(msgspec.Struct, frozen=True):
    """A reply: status 0 where none came; `text` is the body, or the reason why there is none."""

    status: int
    kind: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    """What became of a call; `rules` are the rules of the contract that it touched.

    `as_said`: it was answered as the document says. `told` is what was answered, in one line.
    """

    number: int
    line: int
    call: str
    status: int
    code: int | None
    as_said: bool
    told: str
    rules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def json_of(text: str) -> Any:
    """The JSON of a reply, None where it is none."""
    try:
        return decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def find_field(body: object, name: str) -> object:
    """The first value under this key, anywhere in a reply; None where there is none."""
    rows = [body]
    for row in rows:  # grows while it is walked: breadth first, no recursion
        if isinstance(row, dict):
            if name in row:
                return row[name]
            rows += row.values()
        elif isinstance(row, list):
            rows += row
    return None


def code_of(received: Received) -> int | None:
    """The code of a reply: the envelope's, else 0 for a success and the status for a failure or
    a redirection; None where no reply came."""
    body = json_of(received.text)
    if isinstance(body, dict) and type(body.get("code")) is int:
        return int(body["code"])
    return received.status if received.status >= 300 else 0 if received.status else None


def judge(skill: Skill, call: SkillCall, received: Received) -> tuple[bool, str]:
    """Whether a reply is what the document promises, and what it says."""
    code = code_of(received)
    if code != Code.OK:
        return False, _failure(skill, received, code)
    if call.name == "chat":
        return _judge_stream(received)
    body = json_of(received.text)
    promised = [n for n in _PROMISES.get(call.name, ()) if re.search(rf"\b{n}\b", call.about)]
    lacking = [name for name in promised if find_field(body, name) is None]
    if lacking:
        return False, f"the document promises {', '.join(lacking)}, and there is none"
    grant = skill.limits.credits
    credits = find_field(body, "credits")
    if call.name == "token" and grant is not None and credits != grant:
        return False, f"the document promises {grant} credits, and there are {credits}"
    return _judge_render(call, body) or (True, _summary(call, body))


def _failure(skill: Skill, received: Received, code: int | None) -> str:
    if code is None:
        return received.text
    body = json_of(received.text)
    message = body.get("message") or body.get("detail") if isinstance(body, dict) else ""
    row = next((row for row in skill.errors if row.code == code), None)
    said = f" (the document: {row.text})" if row is not None else ""
    return one_line(f"{message or 'no message'}{said}")


def _judge_stream(received: Received) -> tuple[bool, str]:
    if received.kind != "text/event-stream":
        return False, f"no stream of events but {received.kind or 'nothing'}"
    parser = FrameParser(largest=sys.maxsize)
    frames = [*parser.feed(received.text.encode()), *parser.finish()]
    events = [event for frame in frames for event in decode_events(frame)]
    texts = [event.text for event in events if isinstance(event, Text)]
    return True, one_line(texts[0]) if texts else "no text: the state tells what changed"


def _judge_render(call: SkillCall, body: Any) -> tuple[bool, str] | None:
    if call.name != "render_status":
        return None
    status = find_field(body, "status")
    if status == "completed":
        return None
    return False, one_line(f"{status}: {find_field(body, 'error') or 'not completed in time'}")


def _summary(call: SkillCall, body: Any) -> str:
    names = _PROMISES.get(call.name, ("id", "status"))
    shown = ((name, find_field(body, name)) for name in names if name != "token")
    plain = (f"{name} {value}" for name, value in shown if isinstance(value, str | int | float))
    return one_line(", ".join(plain) or "ok")
