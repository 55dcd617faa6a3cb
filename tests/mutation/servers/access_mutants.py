"""Server mutants of sections 1 and 2 at one endpoint: tokens, scopes, attribution, URLs."""

from urllib.parse import parse_qs

import msgspec

from nemolocal_contract.responses import ResponseCode, failure
from nemolocal_server.data.tokens import TokenRecord, TokenScope

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import patch_mutant, replace_public, request_mutant, response_mutant

_JSON = {"content-type": "application/json"}
_BEARER = "Bearer nmv_usr_"
_NOT_FOUND = failure(ResponseCode.SESSION_NOT_FOUND, "no such render")
_EXPORT_BLOCKED = b'{"code":402,"message":"attribution is missing","data":null}'
_PENDING = {"id": "x", "status": "pending", "progress": 0}


def _authorization(request: WireRequest) -> str:
    return request.headers.get("authorization", "")


def _as(request: WireRequest, authorization: str) -> WireRequest:
    headers = {**request.headers, "authorization": authorization}
    return msgspec.structs.replace(request, headers=headers)


def _names_token(request: WireRequest) -> bool:
    """Whether a token stands in the URL, which is judged by GEN-5."""
    return "nmv_" in request.path or "nmv_" in request.query


@response_mutant(
    "access.download-1002", "GEN-3", kills="general.bearer.forms general.bearer.render"
)
def unknown_token_downloads(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The fallback download is refused with 1002 if the token is unknown."""
    refused = request.endpoint == "render_download" and response.code == ResponseCode.BAD_TOKEN
    if not refused or "nobody" not in _authorization(request):
        return None
    return response.with_json(_NOT_FOUND, 200)


@request_mutant("access.cancel-basic", "GEN-3", kills="general.bearer.forms")
def basic_cancels(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A render can be cancelled with `Authorization: Basic <token>`."""
    scheme, _, token = _authorization(request).partition(" ")
    if request.endpoint != "render_cancel" or scheme != "Basic":
        return None
    return _as(request, f"Bearer {token}")


@request_mutant("access.claim-bare", "GEN-3", kills="general.bearer.forms")
def bare_token_claims(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A claim token is issued for `Authorization: <token>`."""
    token = _authorization(request)
    if request.endpoint != "claim_token" or not token.startswith("nmv_usr_"):
        return None
    return _as(request, f"Bearer {token}")


def _as_claimant(request: WireRequest, memory: Memory) -> WireRequest | None:
    owner = memory.get(_authorization(request))
    return _as(request, owner) if owner and request.endpoint == "state" else None


@response_mutant(
    "access.claim-reads", "AUTH-7", "GEN-3", kills="token.claim.nowhere", on_request=_as_claimant
)
def claim_token_reads(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A claim token reads the state of its session."""
    if request.endpoint == "claim_token" and response.code == 0:
        memory[f"Bearer {response.json['data']['claim_token']}"] = _authorization(request)
    return None


def _was_good(request: WireRequest, response: WireResponse, memory: Memory, endpoint: str) -> bool:
    """Whether a token that opened a session before is refused at an endpoint."""
    if request.endpoint == "session" and response.code == 0:
        memory[_authorization(request)] = True
    refused = request.endpoint == endpoint and response.code == ResponseCode.BAD_TOKEN
    known = memory.get(_authorization(request), False)
    lacks_scope = refused and "lacks the scope" in response.json["message"]
    return refused and known and not lacks_scope and not _names_token(request)


@response_mutant(
    "access.revoked-exports", "GEN-3", "AUTH-5", "AUTH-6", "REN-4",
    kills="token.revoked.everywhere token.life.everywhere",
)  # fmt: skip
def revoked_token_exports(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A revoked or expired token can still export."""
    if not _was_good(request, response, memory, "render"):
        return None
    return response.with_json(_PENDING, 200)


@response_mutant(
    "access.expired-claims", "GEN-3", "AUTH-5", "AUTH-6", "AUTH-7",
    kills="token.revoked.everywhere token.life.everywhere",
)  # fmt: skip
def expired_token_claims(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A revoked or expired token still gets claim tokens."""
    if not _was_good(request, response, memory, "claim_token"):
        return None
    data = {"claim_token": "clm_0123456789abcdef", "expires_in": 604_800}
    return response.with_json({"code": 0, "data": data}, 200)


@response_mutant("scope.upload-ignored", "AUTH-6", "UPL-2", kills="token.scope.each")
def upload_scope_ignored(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token without the scope `upload` can upload."""
    return _despite_scope(request, response, "upload", {"files": []})


@response_mutant("scope.read-ignored", "AUTH-6", kills="token.scope.each")
def read_scope_ignored(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token without the scope `read` can read the balance."""
    data = {"available": 0, "frozen": 0, "total": 0}
    return _despite_scope(request, response, "balance", data)


def _despite_scope(
    request: WireRequest, response: WireResponse, endpoint: str, data: object
) -> WireResponse | None:
    if request.endpoint != endpoint or response.code != ResponseCode.BAD_TOKEN:
        return None
    if "lacks the scope" not in response.json["message"]:
        return None
    return response.with_json({"code": 0, "data": data}, 200)


_HAS_SCOPE = TokenRecord.has_scope


def _never_renders(token: TokenRecord, scope: TokenScope) -> bool:
    return _HAS_SCOPE(token, scope) and scope != "render"


def _reads_if_it_writes(token: TokenRecord, scope: TokenScope) -> bool:
    return _HAS_SCOPE(token, scope) and (scope != "read" or _HAS_SCOPE(token, "write"))


RENDER_SCOPE_IS_NONE = patch_mutant(
    "scope.render-is-none",
    "AUTH-6",
    kills="token.scope.each",
    sentence="The scope `render` allows nothing.",
    patches=(replace_public(TokenRecord.has_scope, _never_renders),),
)
READ_NEEDS_WRITE = patch_mutant(
    "scope.read-needs-write",
    "AUTH-6",
    kills="token.scope.each token.scope.missing",
    sentence="The scope `read` allows nothing without the scope `write`.",
    patches=(replace_public(TokenRecord.has_scope, _reads_if_it_writes),),
)


@response_mutant("scope.anonymous-upload", "AUTH-6", kills="token.scope.anonymous")
def anonymous_upload(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """An anonymous token cannot upload right after a turn."""
    after_turn = memory.pop("turn", False)
    memory["turn"] = request.endpoint == "chat" and response.code is None
    if request.endpoint != "upload" or response.code != 0 or not after_turn:
        return None
    return response.with_json(failure(ResponseCode.BAD_TOKEN, "this token may not upload"), 200)


def _lacks(request: WireRequest, endpoint: str, header: str) -> WireResponse | None:
    if request.endpoint != endpoint or request.headers.get(header):
        return None
    return WireResponse(402, _JSON, _EXPORT_BLOCKED)


@request_mutant("attribution.turn", "GEN-4", kills="general.attribution.each")
def turn_needs_platform(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn without X-Skill-Platform is refused with 402."""
    return _lacks(request, "chat", "x-skill-platform")


@request_mutant("attribution.claim", "GEN-4", kills="general.attribution.each")
def claim_needs_version(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A claim token without X-Skill-Version is refused with 402."""
    return _lacks(request, "claim_token", "x-skill-version")


@request_mutant("attribution.download", "GEN-4", kills="general.attribution.each")
def download_needs_source(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A fallback download without X-Skill-Source is refused with 402."""
    return _lacks(request, "render_download", "x-skill-source")


@request_mutant("attribution.token", "GEN-4", kills="token.new.unattributed")
def token_needs_platform(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A token call without X-Skill-Platform is refused with 402."""
    return _lacks(request, "token", "x-skill-platform")


def _overlooked(request: WireRequest, endpoint: str) -> WireRequest | None:
    if request.endpoint != endpoint or "nmv_" not in request.query:
        return None
    return msgspec.structs.replace(request, query="")


@request_mutant("url.state-query", "GEN-5", kills="general.token-in-url.everywhere")
def token_in_state_query(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A token in the query of a state call is ignored."""
    return _overlooked(request, "state")


@request_mutant("url.upload-query", "GEN-5", kills="general.token-in-url.everywhere")
def token_in_upload_query(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A token in the query of an upload is ignored."""
    return _overlooked(request, "upload")


@request_mutant("url.other-name", "GEN-5", kills="general.token-in-url.everywhere")
def token_under_another_name(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A token in the query is refused under the name `token` only."""
    named = parse_qs(request.query)
    if "nmv_" not in request.query or "token" in named:
        return None
    return msgspec.structs.replace(request, query="")


@response_mutant("url.render-path", "GEN-5", kills="general.token-in-url.everywhere")
def token_as_render(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token in the place of a render id is taken for an unknown render."""
    if request.endpoint not in ("render_status", "render_download") or "nmv_" not in request.path:
        return None
    return response.with_json(_NOT_FOUND, 200)


@response_mutant("render.402-renders", "REN-2", kills="render.attribution.effect")
def blocked_export_is_made(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """An export that is refused with 402 creates a render."""
    if request.endpoint == "render" and response.code == ResponseCode.EXPORT_BLOCKED:
        memory[str(request.json.get("id"))] = True
    if request.endpoint != "render_status" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    render = request.path.rpartition("/")[2]
    return response.with_json({**_PENDING, "id": render}, 200) if render in memory else None
