"""Compares the responses to a document's calls with what the document says."""

import re
import sys
from typing import Any

import msgspec

from nemolocal_client.errors import sanitize_line
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode, decode_json
from nemolocal_contract.turn_events import SseParser, Text, decode_turn_events

from ..parse.document import Skill
from .calls import SkillCall

# The fields of responses that a document may mention.
_PROMISABLE_FIELDS = {
    "token": ("token", "credits", "user_id", "expires_at"),
    "session": ("session_id", "task_id"),
    "upload": ("cdn_url", "file_type"),
    "balance": ("available", "frozen", "total"),
    "state": ("draft", "video_infos", "canvas_config", "generated_media"),
    "render_status": ("status", "url"),
}


class ReceivedResponse(msgspec.Struct, frozen=True):
    """A response; with status 0 there is none, and `text` is the reason instead of the body."""

    status: int
    kind: str
    text: str


class SkillCallResult(msgspec.Struct, frozen=True):
    """The result of a call; `rules` are the rules of the contract that it touched.

    `as_said`: the response is as the document says. `summary` is the response in one line.
    """

    number: int
    line: int
    call: str
    status: int
    code: int | None
    as_said: bool
    # The JSON key of earlier versions.
    summary: str = msgspec.field(name="told")
    rules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def decode_json_or_none(text: str) -> Any:
    """Decode JSON; None if it is not valid."""
    try:
        return decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def find_field(body: object, name: str) -> object:
    """Return the first value of this key anywhere in a response, None if there is none."""
    rows = [body]
    for row in rows:  # grows while it is walked: breadth first, no recursion
        if isinstance(row, dict):
            if name in row:
                return row[name]
            rows += row.values()
        elif isinstance(row, list):
            rows += row
    return None


def response_code(received: ReceivedResponse) -> int | None:
    """Return the code of the envelope, else 0 for a success or the status of a failure.

    None if there is no response.
    """
    body = decode_json_or_none(received.text)
    if isinstance(body, dict) and type(body.get("code")) is int:
        return int(body["code"])
    return received.status if received.status >= 300 else 0 if received.status else None


def evaluate_response(
    skill: Skill, call: SkillCall, received: ReceivedResponse
) -> tuple[bool, str]:
    """Return whether a response is as the document says, and a summary."""
    code = response_code(received)
    if code != ResponseCode.OK:
        return False, _failure(skill, received, code)
    if call.name == "chat":
        return _evaluate_stream(received)
    body = decode_json_or_none(received.text)
    promised = [
        n for n in _PROMISABLE_FIELDS.get(call.name, ()) if re.search(rf"\b{n}\b", call.about)
    ]
    lacking = [name for name in promised if find_field(body, name) is None]
    if lacking:
        return False, f"the document promises {', '.join(lacking)}, but the response lacks it"
    grant = skill.limits.credits
    credits = find_field(body, "credits")
    if call.name == "token" and grant is not None and credits != grant:
        return (
            False,
            f"the document promises {pluralize(grant, 'credit')}, but the response has {credits}",
        )
    return _evaluate_render(call, body) or (True, _summary(call, body))


def _failure(skill: Skill, received: ReceivedResponse, code: int | None) -> str:
    if code is None:
        return received.text
    body = decode_json_or_none(received.text)
    message = body.get("message") or body.get("detail") if isinstance(body, dict) else ""
    row = next((row for row in skill.errors if row.code == code), None)
    advice = f" (the document: {row.text})" if row is not None else ""
    return sanitize_line(f"{message or 'no message'}{advice}")


def stream_texts(stream: str) -> list[str]:
    """Return the texts of an event stream."""
    parser = SseParser(largest=sys.maxsize)
    frames = [*parser.feed(stream.encode()), *parser.finish()]
    events = [event for frame in frames for event in decode_turn_events(frame)]
    return [event.text for event in events if isinstance(event, Text)]


def _evaluate_stream(received: ReceivedResponse) -> tuple[bool, str]:
    if received.kind != "text/event-stream":
        return False, f"expected an event stream, got {received.kind or 'nothing'}"
    texts = stream_texts(received.text)
    return True, sanitize_line(texts[0]) if texts else "no text: the state shows what changed"


def _evaluate_render(call: SkillCall, body: Any) -> tuple[bool, str] | None:
    if call.name != "render_status":
        return None
    status = find_field(body, "status")
    if status == "completed":
        return None
    return False, sanitize_line(f"{status}: {find_field(body, 'error') or 'not completed in time'}")


def _summary(call: SkillCall, body: Any) -> str:
    names = _PROMISABLE_FIELDS.get(call.name, ("id", "status"))
    shown = ((name, find_field(body, name)) for name in names if name != "token")
    plain = (f"{name} {value}" for name, value in shown if isinstance(value, str | int | float))
    return sanitize_line(", ".join(plain) or "ok")
