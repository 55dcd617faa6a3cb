"""Servers that break section 3: sessions."""

import re

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import failure

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory

_NOT_FOUND = failure(Code.SESSION_NOT_FOUND, "no such session")


def _made(asked: Asked, answered: Answered) -> bool:
    return asked.endpoint == "session" and answered.code == 0


def _in_digits(asked: Asked, _memory: Memory) -> Asked | None:
    path = re.sub(r"s-(\d{19})", r"\1", asked.path)
    body = re.sub(rb"s-(\d{19})", rb"\1", asked.body)
    if (path, body) == (asked.path, asked.body):
        return None
    return msgspec.structs.replace(asked, path=path, body=body)


@replies("session.digits", "SES-1", "GEN-7", kills="session.new.digits", on_request=_in_digits)
def digits(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The id of a session begins with a letter."""
    if asked.endpoint not in ("session", "state") or answered.code != 0:
        return None
    return answered.having(session_id=f"s-{answered.json['data']['session_id']}")


@replies("session.same", "SES-1", kills="session.new.distinct")
def same(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Who opens two sessions in a row gets the first one twice."""
    shown = memory.pop("shown", None)
    if not _made(asked, answered):
        return None
    memory["shown"] = shown or answered
    return memory["shown"] if shown else None


@replies("session.no-task", "SES-1", kills="session.new.fields")
def no_task(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A new session has no task id."""
    return answered.having(task_id="") if _made(asked, answered) else None


@replies("session.other-user", "SES-1", kills="session.new.user")
def other_user(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A new session belongs to another user id."""
    return answered.having(user_id="anon_x") if _made(asked, answered) else None


@requests("session.language-due", "SES-1", kills="session.new.language-optional")
def language_due(asked: Asked, _memory: Memory) -> Answered | None:
    """A session without a language is refused."""
    body = asked.json
    if asked.endpoint != "session" or not isinstance(body, dict) or "language" in body:
        return None
    if "task_name" not in body:
        return None
    said = b'{"code":400,"message":"body: language is missing","data":null}'
    return Answered(400, {"content-type": "application/json"}, said)


@replies("session.chat-unknown", "SES-3", kills="session.unknown.chat")
def chat_of_unknown(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A turn in a session that never was is 400."""
    if asked.endpoint != "chat" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying(failure(Code.BAD_REQUEST, "bad session_id"), 400)


@replies(
    "session.upload-unknown",
    "SES-3",
    "GEN-7",
    kills="session.unknown.upload session.foreign.everywhere",
)
def upload_to_unknown(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An upload to a session that never was is 4001."""
    if asked.endpoint != "upload" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying(failure(Code.UNSUPPORTED_FILE, "mp4 mov"))


@replies("session.state-empty", "SES-3", "GEN-7", kills="session.unknown.state state.bad-id")
def state_of_unknown(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The state of a session that never was is an empty one."""
    if asked.endpoint != "state" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying({"code": 0, "data": {}}, 200)


@replies("session.render-unknown", "SES-3", kills="session.unknown.render")
def render_of_unknown(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An export of a session that never was is 400."""
    if asked.endpoint != "render" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying(_NOT_FOUND | {"code": 400}, 400)
