"""Servers that break section 3: sessions."""

import re

import msgspec

from nemolocal_contract.envelope import failure
from nemolocal_contract.response_codes import ResponseCode

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_NOT_FOUND = failure(ResponseCode.SESSION_NOT_FOUND, "no such session")


def _made(asked: WireRequest, answered: WireResponse) -> bool:
    return asked.endpoint == "session" and answered.code == 0


def _in_digits(asked: WireRequest, _memory: Memory) -> WireRequest | None:
    path = re.sub(r"s-(\d{19})", r"\1", asked.path)
    body = re.sub(rb"s-(\d{19})", rb"\1", asked.body)
    if (path, body) == (asked.path, asked.body):
        return None
    return msgspec.structs.replace(asked, path=path, body=body)


@response_mutant(
    "session.digits", "SES-1", "GEN-7", kills="session.new.digits", on_request=_in_digits
)
def digits(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """The id of a session begins with a letter."""
    if asked.endpoint not in ("session", "state") or answered.code != 0:
        return None
    return answered.with_data(session_id=f"s-{answered.json['data']['session_id']}")


@response_mutant("session.same", "SES-1", kills="session.new.distinct")
def same(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """Who opens two sessions in a row gets the first one twice."""
    shown = memory.pop("shown", None)
    if not _made(asked, answered):
        return None
    memory["shown"] = shown or answered
    return memory["shown"] if shown else None


@response_mutant("session.no-task", "SES-1", kills="session.new.fields")
def no_task(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new session has no task id."""
    return answered.with_data(task_id="") if _made(asked, answered) else None


@response_mutant("session.other-user", "SES-1", kills="session.new.user")
def other_user(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new session belongs to another user id."""
    return answered.with_data(user_id="anon_x") if _made(asked, answered) else None


@request_mutant("session.language-due", "SES-1", kills="session.new.language-optional")
def language_due(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """A session without a language is refused."""
    body = asked.json
    if asked.endpoint != "session" or not isinstance(body, dict) or "language" in body:
        return None
    if "task_name" not in body:
        return None
    said = b'{"code":400,"message":"body: language is missing","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, said)


@response_mutant("session.chat-unknown", "SES-3", kills="session.unknown.chat")
def chat_of_unknown(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A turn in a session that never was is 400."""
    if asked.endpoint != "chat" or answered.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return answered.with_json(failure(ResponseCode.BAD_REQUEST, "bad session_id"), 400)


@response_mutant(
    "session.upload-unknown",
    "SES-3",
    "GEN-7",
    kills="session.unknown.upload session.foreign.everywhere",
)
def upload_to_unknown(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An upload to a session that never was is 4001."""
    if asked.endpoint != "upload" or answered.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return answered.with_json(failure(ResponseCode.UNSUPPORTED_FILE, "mp4 mov"))


@response_mutant(
    "session.state-empty", "SES-3", "GEN-7", kills="session.unknown.state state.bad-id"
)
def state_of_unknown(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state of a session that never was is an empty one."""
    if asked.endpoint != "state" or answered.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return answered.with_json({"code": 0, "data": {}}, 200)


@response_mutant("session.render-unknown", "SES-3", kills="session.unknown.render")
def render_of_unknown(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An export of a session that never was is 400."""
    if asked.endpoint != "render" or answered.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return answered.with_json(_NOT_FOUND | {"code": 400}, 400)
