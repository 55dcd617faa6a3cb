"""Why a request was refused, and the request that would not have been."""

import uuid
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from nemolocal_contract.endpoints import (
    ATTRIBUTION,
    CLAIM_TOKEN_PREFIX,
    CLIENT_ID,
    CLIENT_ID_MAX,
    CURRENT_USER,
    bearer_header,
    endpoints,
    parse_bearer_token,
)
from nemolocal_contract.responses import encode_json
from tests.mutation.mutation_middleware import WireRequest

from .contract_messages import operations
from .observed_callers import ObservedCallers, token_of

_TOKEN_MARKS = ("nmv_", CLAIM_TOKEN_PREFIX)
_BY_CODE = {"429": "again", "2001": "credits", "4002": "file.size"}
_REQUIRED = {operation.name: operation.required for operation in operations()}


def names_in_path(request: WireRequest) -> dict[str, str]:
    """Return what fills the path template of the endpoint of a request."""
    template = endpoints()[request.endpoint].template
    pairs = zip(template.split("/"), request.path.split("/"), strict=True)
    return {name.strip("{}"): value for name, value in pairs if name.startswith("{")}


def session_of(request: WireRequest) -> str:
    """Return the session that a request is about, "" if none."""
    body = request.json if isinstance(request.json, dict) else {}
    named = names_in_path(request).get("session")
    return str(named or body.get("session_id") or body.get("sessionId") or "")


def cause_of(request: WireRequest, outcome: str, seen: ObservedCallers) -> str:
    """Return the cause of a refusal, "" if it is not known."""
    if outcome == "1001":
        return f"token.{_token_cause(request, seen)}"
    if outcome == "1002":
        return _owner_cause(request, seen)
    if outcome == "402":
        missing = [name for name in ATTRIBUTION if not request.headers.get(name.lower())]
        return f"header.{missing[0]}" if missing else "plan"
    if outcome == "4001":
        return _file_cause(request)
    if outcome == "400":
        return _invalid_cause(request, seen)
    if outcome == "404" and request.endpoint == "claim_page":
        return "claim.unknown"
    return _BY_CODE.get(outcome, "")


def _token_cause(request: WireRequest, seen: ObservedCallers) -> str:
    if any(mark in request.query for mark in _TOKEN_MARKS):
        return "in-query"
    if any(mark in request.path for mark in _TOKEN_MARKS):
        return "in-path"
    header = request.headers.get("authorization")
    if not header:
        return "missing"
    token = parse_bearer_token(header)
    if token is None:
        return "malformed"
    if token.startswith(CLAIM_TOKEN_PREFIX):
        return "claim"
    if token in seen.revoked:
        return "revoked"
    if seen.scopes.get(token):
        return "scope"
    return "expired" if token in seen.users else "unknown"


def _owner_cause(request: WireRequest, seen: ObservedCallers) -> str:
    names, token = names_in_path(request), token_of(request)
    if names.get("user", CURRENT_USER) not in (CURRENT_USER, seen.users.get(token)):
        return "user.foreign"
    held, owners = (
        (names["render"], seen.renders)
        if "render" in names
        else (session_of(request), seen.sessions)
    )
    kind = "render" if "render" in names else "session"
    return f"{kind}.foreign" if owners.get(held, token) != token else f"{kind}.unknown"


def _file_cause(request: WireRequest) -> str:
    if request.headers.get("content-type", "").startswith("application/json"):
        return "url"
    return "file.content" if b'.mp4"' in request.body or b'.mp3"' in request.body else "file.type"


def _invalid_cause(request: WireRequest, seen: ObservedCallers) -> str:
    if request.endpoint == "token":
        client = request.headers.get(CLIENT_ID.lower())
        how = "missing" if client is None else "too-long" if client else "empty"
        return f"header.{CLIENT_ID}.{how}"
    body = request.json
    if not isinstance(body, dict) or not body:
        return "body.not-json"
    missing = [name for name in _REQUIRED.get(request.endpoint, ()) if name not in body]
    if missing:
        return f"body.{missing[0]}.missing"
    if request.endpoint == "render":
        return _draft_cause(body, seen)
    return "body.value"


def _draft_cause(body: dict[str, object], seen: ObservedCallers) -> str:
    if str(body["id"]) in seen.renders:
        return "id.duplicate"
    text = encode_json(body["draft"])
    if b'"sg"' not in text:
        return "draft.empty"
    return "draft.media" if b'"src":"nothing"' in text else "draft.times"


Amend = Callable[[WireRequest, ObservedCallers], WireRequest]


def amended_request(cause: str, request: WireRequest, seen: ObservedCallers) -> WireRequest | None:
    """Return the request as the server would have taken it, None if there is none."""
    amend = next((one for start, one in _AMENDMENTS.items() if cause.startswith(start)), None)
    return None if amend is None else amend(request, seen)


def _with_headers(request: WireRequest, **headers: str) -> WireRequest:
    named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
    return msgspec.structs.replace(request, headers={**request.headers, **named})


def _with_token(request: WireRequest, seen: ObservedCallers) -> WireRequest:
    render = names_in_path(request).get("render", "")
    owner = seen.renders.get(render) or seen.sessions.get(session_of(request))
    return _with_headers(request, **bearer_header(owner or seen.good_token()))


def _without_query(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    return msgspec.structs.replace(request, query="")


def _as_me(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    user = names_in_path(request)["user"]
    path = request.path.replace(f"/{user}", f"/{CURRENT_USER}", 1)
    return msgspec.structs.replace(request, path=path)


def _known(held: str, owners: dict[str, str], token: str) -> str:
    """Return the newest session or render of a token."""
    return next((one for one in reversed(owners) if owners[one] == token), held)


def _with_known_session(request: WireRequest, seen: ObservedCallers) -> WireRequest:
    before, token = session_of(request), token_of(request)
    after = _known(before, seen.sessions, token)
    if not before:
        return request
    body = request.body.replace(before.encode(), after.encode())
    path = request.path.replace(quote(before, safe=""), after).replace(before, after)
    return msgspec.structs.replace(request, path=path, body=body)


def _with_known_render(request: WireRequest, seen: ObservedCallers) -> WireRequest:
    before = names_in_path(request)["render"]
    path = request.path.replace(before, _known(before, seen.renders, token_of(request)))
    return msgspec.structs.replace(request, path=path)


def _with_client_id(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    kept = request.headers.get(CLIENT_ID.lower(), "")[:CLIENT_ID_MAX]
    return _with_headers(request, **{CLIENT_ID: kept or str(uuid.uuid4())})


def _as_new_client(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    return _with_headers(request, **{CLIENT_ID: str(uuid.uuid4())})


def _with_attribution(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    missing = [name for name in ATTRIBUTION if not request.headers.get(name.lower())]
    return _with_headers(request, **dict.fromkeys(missing, "x"))


def _with_fields(request: WireRequest, seen: ObservedCallers) -> WireRequest:
    before = seen.requests.get(request.endpoint)
    body = request.json if isinstance(request.json, dict) else {}
    known = before.json if before is not None and isinstance(before.json, dict) else {}
    return msgspec.structs.replace(request, body=encode_json({**known, **body}))


def _with_new_id(request: WireRequest, _seen: ObservedCallers) -> WireRequest:
    body = {**request.json, "id": f"render_{uuid.uuid4().hex}"}
    return msgspec.structs.replace(request, body=encode_json(body))


_AMENDMENTS: dict[str, Amend] = {
    "token.in-query": _without_query,
    "token.in-path": _with_known_session,
    "token.": _with_token,
    "user.": _as_me,
    "session.unknown": _with_known_session,
    "session.foreign": _with_token,
    "render.unknown": _with_known_render,
    "render.foreign": _with_token,
    f"header.{CLIENT_ID}": _with_client_id,
    "header.": _with_attribution,
    "again": _as_new_client,
    "body.": _with_fields,
    "id.duplicate": _with_new_id,
}
