"""A request as faults see it: which endpoint, whose, and what it is about."""

import msgspec
from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import Scope

from nemolocal_contract.endpoints import (
    AUTHORIZATION,
    CLIENT_ID,
    ChatRequest,
    RenderRequest,
    endpoints,
    parse_bearer_token,
)
from nemolocal_contract.responses import decode_json

from ..data.assets import CDN_PATH
from ..data.tokens import TokenRecord, TokenRepository

# The contract's endpoints by their names there, and the file behind `output.url`.
_NAMES = (
    "token claim_token session upload chat balance state "
    "render render_status render_cancel render_download"
).split()
_FILE = "file"
CALL_NAMES = (*_NAMES, _FILE)
# Those whose session, message or render id is in the body.
CALLS_WITH_BODY = ("chat", "render")
_ENDPOINTS = {name: endpoint for name, endpoint in endpoints().items() if name in _NAMES}
# Where a path says all there is to say, it is looked up; the others are patterns.
_STATIC = {
    (endpoint.method, endpoint.template): name
    for name, endpoint in _ENDPOINTS.items()
    if "{" not in endpoint.template
}
_PATTERNS = {
    **{
        name: ((endpoint.method,), compile_path(endpoint.template)[0])
        for name, endpoint in _ENDPOINTS.items()
        if name not in _STATIC.values()
    },
    _FILE: (("GET", "HEAD"), compile_path(f"{CDN_PATH}/renders/{{file}}")[0]),
}


class ApiCall(msgspec.Struct, frozen=True):
    """A request to an endpoint; what is not known of it is empty."""

    endpoint: str
    token: TokenRecord | None = None
    client_id: str = ""
    session: str = ""
    message: str = ""
    render: str = ""
    file: str = ""


def identify_call(scope: Scope) -> ApiCall | None:
    """The call that a request makes, as far as its path tells; None where it is no endpoint."""
    found = _endpoint(scope)
    if found is None:
        return None
    endpoint, params = found
    return ApiCall(
        endpoint,
        session=params.get("session", ""),
        render=params.get("render", ""),
        file=params.get("file", "").partition(".")[0],
    )


def with_caller(call: ApiCall, scope: Scope, tokens: TokenRepository) -> ApiCall:
    """The call with its token, if that is live, and the client that it names."""
    headers = Headers(scope=scope)
    text = parse_bearer_token(headers.get(AUTHORIZATION))
    token = None if text is None else tokens.find(text)
    client_id = headers.get(CLIENT_ID, "").strip() if token is None else token.client_id
    return _replace(call, token=token, client_id=client_id)


def with_body(call: ApiCall, body: bytes) -> ApiCall:
    """The call with what its body tells; a body that is no good tells nothing."""
    try:
        if call.endpoint == "chat":
            chat = decode_json(body, type=ChatRequest)
            return _replace(call, session=chat.session_id, message=chat.new_message.text)
        render = decode_json(body, type=RenderRequest)
    except (msgspec.MsgspecError, RecursionError):
        return call
    return _replace(call, session=render.session_id, render=render.id)


_replace = msgspec.structs.replace


def _endpoint(scope: Scope) -> tuple[str, dict[str, str]] | None:
    method, path = scope["method"], scope["path"]
    plain = _STATIC.get((method, path))
    if plain is not None:
        return plain, {}
    for name, (methods, pattern) in _PATTERNS.items():
        found = pattern.match(path)
        if found is not None and method in methods:
            return name, found.groupdict()
    return None
