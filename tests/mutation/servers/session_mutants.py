"""Server mutants of section 3: sessions."""

import re

import msgspec

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_NOT_FOUND = failure(ResponseCode.SESSION_NOT_FOUND, "no such session")


def _made(request: WireRequest, response: WireResponse) -> bool:
    return request.endpoint == "session" and response.code == 0


def _in_digits(request: WireRequest, _memory: Memory) -> WireRequest | None:
    path = re.sub(r"s-(\d{19})", r"\1", request.path)
    body = re.sub(rb"s-(\d{19})", rb"\1", request.body)
    if (path, body) == (request.path, request.body):
        return None
    return msgspec.structs.replace(request, path=path, body=body)


@response_mutant(
    "session.digits", "SES-1", "GEN-7", kills="session.new.digits", on_request=_in_digits
)
def digits(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The id of a session begins with a letter."""
    if request.endpoint not in ("session", "state") or response.code != 0:
        return None
    return response.with_data(session_id=f"s-{response.json['data']['session_id']}")


@response_mutant("session.same", "SES-1", kills="session.new.distinct")
def same(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A second session has the id of the first."""
    shown = memory.pop("shown", None)
    if not _made(request, response):
        return None
    memory["shown"] = shown or response
    return memory["shown"] if shown else None


@response_mutant("session.no-task", "SES-1", kills="session.new.fields")
def no_task(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new session has no task id."""
    return response.with_data(task_id="") if _made(request, response) else None


@response_mutant("session.other-user", "SES-1", "STA-1", kills="session.new.user")
def other_user(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A new session belongs to another user id."""
    return response.with_data(user_id="anon_x") if _made(request, response) else None


@request_mutant("session.language-due", "SES-1", kills="session.new.language-optional")
def language_due(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A session without a language is refused."""
    body = request.json
    if request.endpoint != "session" or not isinstance(body, dict) or "language" in body:
        return None
    if "task_name" not in body:
        return None
    said = b'{"code":400,"message":"body: language is missing","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, said)


@response_mutant("session.chat-unknown", "SES-3", kills="session.unknown.chat")
def chat_of_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A turn in a session that does not exist is refused with 400."""
    if request.endpoint != "chat" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json(failure(ResponseCode.BAD_REQUEST, "bad session_id"), 400)


@response_mutant(
    "session.upload-unknown",
    "SES-3",
    "GEN-7",
    kills="session.unknown.upload session.foreign.everywhere",
)
def upload_to_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An upload to a session that does not exist is refused with 4001."""
    if request.endpoint != "upload" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json(failure(ResponseCode.UNSUPPORTED_FILE, "mp4 mov"))


@response_mutant(
    "session.state-empty", "SES-3", "GEN-7", "STA-1", kills="session.unknown.state state.bad-id"
)
def state_of_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state of a session that does not exist is an empty one."""
    if request.endpoint != "state" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json({"code": 0, "data": {}}, 200)


@response_mutant("session.render-unknown", "SES-3", kills="session.unknown.render")
def render_of_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An export of a session that does not exist is refused with 400."""
    if request.endpoint != "render" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json(_NOT_FOUND | {"code": 400}, 400)
