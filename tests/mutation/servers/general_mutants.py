"""Server mutants of section 1: envelopes, errors, bearer tokens, attribution."""

import msgspec

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_JSON = {"content-type": "application/json"}


@response_mutant("general.no-code", "GEN-1", kills="general.envelope.success")
def no_code(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A balance comes without its envelope."""
    if request.endpoint != "balance" or response.code != 0:
        return None
    return response.with_json({"data": response.json["data"]})


@response_mutant("general.message-missing", "GEN-1", kills="general.envelope.failure")
def message_missing(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 1002 has no message."""
    if response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json({"code": 1002, "data": None})


@response_mutant("general.data-not-null", "GEN-1", kills="general.envelope.failure")
def data_not_null(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The data of a failure is an empty object."""
    if response.code in (0, None):
        return None
    return response.with_json({**response.json, "data": {}})


@response_mutant("general.text-plain", "GEN-1", kills="general.envelope.content-type")
def text_plain(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A balance is served as plain text."""
    return (
        response.with_headers(content_type="text/plain") if request.endpoint == "balance" else None
    )


@response_mutant("general.status-1001", "GEN-2", kills="general.status.of-failures")
def status_of_1001(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 1001 has the HTTP status 403, which no style uses."""
    return response.with_status(403) if response.code == ResponseCode.BAD_TOKEN else None


@response_mutant("general.status-2001", "GEN-2", kills="general.status.of-credits")
def status_of_2001(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 2001 has the HTTP status 403, which no style uses."""
    return response.with_status(403) if response.code == ResponseCode.NO_CREDITS else None


@response_mutant("general.bearer-optional", "GEN-3", kills="general.bearer.missing credits.token")
def bearer_optional(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A balance needs no Authorization header."""
    if request.endpoint != "balance" or "authorization" in request.headers:
        return None
    balance = {"available": 0, "frozen": 0, "total": 0}
    return response.with_json({"code": 0, "data": balance}, 200)


@request_mutant("general.any-scheme", "GEN-3", kills="general.bearer.malformed")
def any_scheme(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A balance is returned for any Authorization scheme other than Bearer."""
    header = request.headers.get("authorization", "Bearer")
    if request.endpoint != "balance" or header.startswith("Bearer"):
        return None
    return WireResponse(200, _JSON, b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}')


@request_mutant("general.any-token", "GEN-3", kills="general.bearer.unknown")
def any_token(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A balance is returned for a token that was never issued."""
    if request.endpoint != "balance" or "nobody" not in request.headers.get("authorization", ""):
        return None
    return WireResponse(200, _JSON, b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}')


@response_mutant("general.chat-unguarded", "GEN-3", "GEN-5", "AUTH-6", kills="general.bearer.chat")
def chat_unguarded(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A turn with an unknown token is refused with 1002."""
    if request.endpoint != "chat" or response.code != ResponseCode.BAD_TOKEN:
        return None
    return response.with_json(failure(ResponseCode.SESSION_NOT_FOUND, "no such session"))


@response_mutant(
    "general.upload-unguarded", "GEN-3", "GEN-5", "AUTH-6", kills="general.bearer.everywhere"
)
def upload_unguarded(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An upload with an unknown token is refused with 1002."""
    if request.endpoint != "upload" or response.code != ResponseCode.BAD_TOKEN:
        return None
    return response.with_json(failure(ResponseCode.SESSION_NOT_FOUND, "no such session"))


@request_mutant("general.attribution-due", "GEN-4", kills="general.attribution.optional")
def attribution_due(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """Every call without attribution is refused with 402, not only exports."""
    if request.endpoint != "balance" or "x-skill-source" in request.headers:
        return None
    return WireResponse(402, _JSON, b'{"code":402,"message":"attribution is missing","data":null}')


@request_mutant("general.token-in-query", "GEN-5", kills="general.token-in-url.query")
def token_in_query(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A token in the query is ignored."""
    return msgspec.structs.replace(request, query="") if "token" in request.query_params else None


@response_mutant("general.token-in-path", "GEN-5", kills="general.token-in-url.path")
def token_in_path(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token in the path is taken for an unknown session."""
    if "nmv_" not in request.path:
        return None
    return response.with_json(failure(ResponseCode.SESSION_NOT_FOUND, "no such session"), 200)


@response_mutant("general.unknown-path", "GEN-6", kills="general.path.unknown")
def unknown_path(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An unknown path is answered with HTTP 200."""
    return response.with_status(200) if response.code == ResponseCode.NOT_FOUND else None


@response_mutant("general.no-allow", "GEN-6", kills="general.method.wrong")
def no_allow(_request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A 405 has no `Allow` header."""
    return response.with_headers(allow=None) if response.status == 405 else None


@response_mutant("general.bad-json-500", "GEN-6", "GEN-2", kills="general.body.not-json")
def bad_json_is_500(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Invalid JSON in a session call gets HTTP 500."""
    broken = request.endpoint == "session" and response.status == 400
    return response.with_status(500) if broken else None


@response_mutant(
    "general.field-unnamed",
    "AUTH-2",
    "GEN-6",
    "SSE-1",
    kills="general.body.field-named chat.body.no-session chat.body.no-message",
)
def field_unnamed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 400 names no field, except for exports."""
    if response.code != ResponseCode.BAD_REQUEST or request.endpoint == "render":
        return None
    return response.with_json({**response.json, "message": "Bad request"})


@response_mutant("general.own-id-unknown", "GEN-7", "GEN-5", kills="general.user.own-id")
def own_id_unknown(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A path with the caller's own user id is refused with 1002."""
    if request.endpoint != "state" or "/me/" in request.path:
        return None
    return response.with_json(failure(ResponseCode.SESSION_NOT_FOUND, "no such session"), 200)


@request_mutant("general.foreign-id", "GEN-7", kills="general.user.foreign-id")
def foreign_id(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """Any user id in a path means the caller."""
    parts = request.path.split("/")
    if request.endpoint != "state" or "somebody" not in request.path:
        return None
    parts[parts.index("anon_somebody_else")] = "me"
    return msgspec.structs.replace(request, path="/".join(parts))


@response_mutant("general.hint", "GEN-7", kills="general.user.no-hint")
def hint(_request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A 1002 for another user's session says that it exists."""
    message = (response.json or {}).get("message", "") if response.code == 1002 else ""
    if not message or "1000000000000000000" in message:
        return None
    return response.with_json({**response.json, "message": f"{message} (it is not yours)"})


@response_mutant("general.mixed-styles", "GEN-2", kills="general.status.one-style")
def mixed_styles(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """1002 has the HTTP status 404 for the state, and 200 elsewhere."""
    unknown = request.endpoint == "state" and response.code == ResponseCode.SESSION_NOT_FOUND
    return response.with_status(404) if unknown else None


@response_mutant("general.session-tells", "GEN-3", "STA-1", kills="general.bearer.held")
def session_tells(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state of a session needs no Authorization header."""
    if request.endpoint != "state" or "authorization" in request.headers:
        return None
    return response.with_json({"code": 0, "data": {"state": {"draft": {"t": []}}}}, 200)
