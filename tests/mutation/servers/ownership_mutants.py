"""Server mutants of sections 1, 3 and 8: ids in paths, and what a refusal leaves."""

from typing import Any

import msgspec

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_NEVER = "1000000000000000000"
_BEARER = "Bearer nmv_usr_"
_NOT_FOUND = failure(ResponseCode.SESSION_NOT_FOUND, "no such user")
# Where the user id stands in the path.
_USER_AT = {"session": 3, "upload": 4, "state": 4}


def _user(request: WireRequest) -> str:
    """Return the user of a path, "" for one without, and for one that is a token (GEN-5)."""
    at = _USER_AT.get(request.endpoint)
    return "" if at is None or "nmv_" in request.path else request.path.split("/")[at]


def _with_user(request: WireRequest, user: str) -> WireRequest:
    parts = request.path.split("/")
    parts[_USER_AT[request.endpoint]] = user
    return msgspec.structs.replace(request, path="/".join(parts))


def _session(request: WireRequest) -> str:
    """Return the session of a request, "" for none."""
    if request.endpoint in ("upload", "state"):
        return request.path.split("/")[5]
    body = request.json if isinstance(request.json, dict) else {}
    return str(body.get("session_id") or body.get("sessionId") or "")


def _as(request: WireRequest, authorization: str) -> WireRequest:
    headers = {**request.headers, "authorization": authorization}
    return msgspec.structs.replace(request, headers=headers)


def _unknown(request: WireRequest, response: WireResponse, endpoint: str) -> WireResponse | None:
    if request.endpoint != endpoint or _user(request) in ("", "me"):
        return None
    return response.with_json(_NOT_FOUND, 200) if response.code == 0 else None


@response_mutant("own-id.session", "GEN-7", kills="general.user.own-id-session")
def own_id_opens_nothing(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A new session under the caller's own user id is refused with 1002."""
    return _unknown(request, response, "session")


@response_mutant("own-id.upload", "GEN-7", kills="general.user.own-id-upload")
def own_id_uploads_nothing(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An upload under the caller's own user id is refused with 1002."""
    return _unknown(request, response, "upload")


@request_mutant("foreign-id.upload", "GEN-7", kills="general.user.foreign-everywhere")
def any_id_uploads(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """Any user id in the path of an upload means the caller."""
    stands = request.endpoint == "upload" and _user(request) not in ("", "me")
    return _with_user(request, "me") if stands else None


@request_mutant("foreign-id.session", "GEN-7", kills="general.user.foreign-everywhere")
def any_id_opens(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """Any user id in the path of a new session means the caller."""
    stands = request.endpoint == "session" and _user(request) not in ("", "me")
    return _with_user(request, "me") if stands else None


def _as_user(request: WireRequest, memory: Memory) -> WireRequest | None:
    owner = memory.get(_user(request))
    known = request.headers.get("authorization", "").startswith(_BEARER)
    return _as(request, owner) if owner and known and request.endpoint == "state" else None


@response_mutant(
    "foreign-id.state",
    "GEN-7",
    "SES-3",
    "STA-1",
    kills="general.user.foreign-path",
    on_request=_as_user,
)
def id_opens_its_sessions(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A user id in the path of a state opens that user's sessions to anyone."""
    if request.endpoint == "session" and response.code == 0:
        memory[response.json["data"]["user_id"]] = request.headers["authorization"]
    return None


@response_mutant("hint.export", "GEN-7", kills="general.user.no-hint-anywhere")
def export_hints(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The 1002 of an export says that another user has the session."""
    failed = request.endpoint == "render" and response.code == ResponseCode.SESSION_NOT_FOUND
    if not failed or _session(request) == _NEVER:
        return None
    return response.with_json({**response.json, "message": "This session is not yours."})


@response_mutant("hint.render", "GEN-7", kills="general.user.no-hint-anywhere")
def render_hints(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """The 1002 of a download says that another user has the render."""
    if request.endpoint == "render" and response.code is None:
        memory[str(request.json.get("id"))] = True
    render = request.path.split("/")[-2]
    failed = response.code == ResponseCode.SESSION_NOT_FOUND
    if request.endpoint != "render_download" or not failed or render not in memory:
        return None
    return response.with_json({**response.json, "message": "This render is not yours."})


@response_mutant("session.claim-unknown", "SES-3", "GEN-7", kills="session.unknown.claim")
def claim_of_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A claim token request for an unknown session is refused with 400."""
    failed = request.endpoint == "claim_token" and response.code == ResponseCode.SESSION_NOT_FOUND
    if not failed or _session(request) != _NEVER:
        return None
    return response.with_json(failure(ResponseCode.BAD_REQUEST, "session_id is unknown"), 400)


def _as_owner(request: WireRequest, memory: Memory) -> WireRequest | None:
    owner, caller = memory.get(_session(request)), request.headers.get("authorization", "")
    known = caller.startswith(_BEARER) and "nobody" not in caller
    if request.endpoint != "render" or not owner or not known or caller == owner:
        return None
    return _as(request, owner)


@response_mutant(
    "session.export-shared",
    "SES-3",
    "GEN-7",
    kills="session.foreign.export",
    on_request=_as_owner,
)
def export_shared(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """An export of another user's session is accepted."""
    if request.endpoint == "session" and response.code == 0:
        memory[response.json["data"]["session_id"]] = request.headers["authorization"]
    return None


@response_mutant("session.refused-upload-kept", "SES-3", "GEN-7", kills="session.foreign.unchanged")
def refused_upload_kept(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused upload of another user is added to the session."""
    if request.endpoint == "upload" and response.code == ResponseCode.SESSION_NOT_FOUND:
        memory[_session(request)] = True
    if request.endpoint != "state" or response.code != 0 or _session(request) not in memory:
        return None
    state: dict[str, Any] = response.json["data"]["state"]
    infos = [*state["video_infos"], {"filename": "picture.png"}]
    return response.with_data(state={**state, "video_infos": infos})


@response_mutant("session.refused-turn-charged", "SES-3", kills="session.foreign.unchanged")
def refused_turn_charged(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A turn that is refused with 1002 costs a credit."""
    caller = request.headers.get("authorization", "")
    if request.endpoint == "chat" and b"'Mine'" in request.body:
        memory[caller] = True
    if request.endpoint != "balance" or response.code != 0 or caller not in memory:
        return None
    data = response.json["data"]
    return response.with_data(available=data["available"] - 1, total=data["total"] - 1)


@response_mutant(
    "render.unknown-cancelled",
    "REN-8",
    "SES-3",
    "GEN-7",
    "REN-4",
    kills="render.unknown.everywhere",
)
def unknown_cancelled(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Cancelling an unknown render succeeds."""
    failed = request.endpoint == "render_cancel" and response.code == ResponseCode.SESSION_NOT_FOUND
    if not failed or request.headers.get("x-skill-source") == "x":
        return None
    return response.with_json({"id": "x", "status": "failed", "progress": 0}, 200)


@response_mutant(
    "render.unknown-download", "REN-8", "SES-3", "GEN-7", kills="render.unknown.everywhere"
)
def unknown_download(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The download of an unknown render gets HTTP 404 and code 404."""
    failed = response.code == ResponseCode.SESSION_NOT_FOUND
    if request.endpoint != "render_download" or not failed:
        return None
    return response.with_json(failure(ResponseCode.NOT_FOUND, "no such file"), 404)


def _failed_instead(
    request: WireRequest, response: WireResponse, memory: Memory, status: str
) -> WireResponse | None:
    """Tell another status of a render that is remembered."""
    body = response.json if request.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("id") not in memory:
        return None
    return response.with_json({"id": body["id"], "status": status, "progress": 100})


@response_mutant(
    "render.foreign-cancels", "REN-8", "REN-5", "REN-4", kills="render.foreign.unchanged"
)
def foreign_cancels(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused cancel of another user's render still cancels it."""
    if request.endpoint == "render_cancel" and response.code == ResponseCode.SESSION_NOT_FOUND:
        memory[request.path.split("/")[-2]] = True
    return _failed_instead(request, response, memory, "failed")


@response_mutant("render.duplicate-restarts", "REN-6", "REN-5", kills="render.foreign.unchanged")
def duplicate_restarts(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A submit that is refused as a duplicate restarts the first render."""
    if request.endpoint == "render" and b"duplicate" in response.body:
        memory[request.json["id"]] = True
    return _failed_instead(request, response, memory, "processing")
