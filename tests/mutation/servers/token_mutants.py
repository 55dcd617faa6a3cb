"""Server mutants of section 2: tokens, their lifetime, claim tokens."""

import re

import msgspec

from nemolocal_contract.responses import ResponseCode

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant


def _made(request: WireRequest, response: WireResponse, endpoint: str) -> bool:
    return request.endpoint == endpoint and response.code == 0


@response_mutant("token.credits", "AUTH-1", kills="token.new.credits token.new.balance")
def other_credits(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A new token comes with 99 credits."""
    return response.with_data(credits=99) if _made(request, response, "token") else None


def _prefixed(request: WireRequest, _memory: Memory) -> WireRequest | None:
    header = request.headers.get("authorization", "")
    if not re.fullmatch("Bearer (?!nmv_|clm_)[A-Za-z0-9_-]{20,}", header):
        return None
    known = header.replace("Bearer ", "Bearer nmv_usr_")
    return msgspec.structs.replace(request, headers={**request.headers, "authorization": known})


@response_mutant("token.prefix", "AUTH-1", "GEN-5", kills="token.new.prefix", on_request=_prefixed)
def prefix(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new token has no prefix."""
    if not _made(request, response, "token"):
        return None
    return response.with_data(token=response.json["data"]["token"].removeprefix("nmv_usr_"))


@response_mutant("token.user-prefix", "AUTH-1", kills="token.new.user")
def user_prefix(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A new token comes with a user id that is not an anonymous one."""
    if not _made(request, response, "token") or memory.setdefault("done", False):
        return None
    memory["done"] = True
    return response.with_data(user_id=response.json["data"]["user_id"].replace("anon_", "user_"))


@response_mutant("token.no-expiry", "AUTH-1", kills="token.new.expiry")
def no_expiry(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new token expires a day late."""
    if not _made(request, response, "token"):
        return None
    said = response.json["data"]["expires_at"]
    return response.with_data(expires_at=f"{said[:8]}{int(said[8:10]) % 28 + 1:02}{said[10:]}")


@response_mutant("token.local-time", "AUTH-1", kills="token.new.expiry")
def local_time(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """`expires_at` has no time zone."""
    if not _made(request, response, "token"):
        return None
    said = response.json["data"]["expires_at"]
    return response.with_data(expires_at=said.removesuffix("Z").removesuffix("+00:00"))


@request_mutant("token.body-due", "AUTH-1", kills="token.new.no-body")
def body_due(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """The token call refuses an empty JSON object."""
    if request.endpoint != "token" or request.body != b"{}":
        return None
    body = b'{"code":400,"message":"body: no fields","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, body)


@request_mutant("token.uuid-only", "AUTH-1", kills="token.client-id.any-string")
def uuid_only(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A client id must be a UUID with its hyphens."""
    client_id = request.headers.get("x-client-id", "-")
    if request.endpoint != "token" or "-" in client_id or not 0 < len(client_id) <= 64:
        return None
    body = b'{"code":400,"message":"X-Client-Id is no UUID","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, body)


@request_mutant("token.long-id", "AUTH-1", kills="token.client-id.too-long")
def long_id(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A client id that is too long is truncated."""
    client_id = request.headers.get("x-client-id", "")
    if len(client_id) <= 64:
        return None
    return msgspec.structs.replace(
        request, headers={**request.headers, "x-client-id": client_id[:64]}
    )


@request_mutant(
    "token.id-optional", "AUTH-2", kills="token.client-id.missing token.client-id.empty"
)
def id_optional(request: WireRequest, memory: Memory) -> WireRequest | None:
    """A token call without a client id gets one from the server."""
    if request.endpoint != "token" or request.headers.get("x-client-id"):
        return None
    memory["count"] = memory.get("count", 0) + 1
    named = {**request.headers, "x-client-id": f"made-up-{memory['count']}"}
    return msgspec.structs.replace(request, headers=named)


@response_mutant("token.400-as-200", "AUTH-2", "AUTH-1", "GEN-2", kills="token.client-id.missing")
def bad_request_is_200(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token call without a client id is HTTP 200 with code 400."""
    refused = request.endpoint == "token" and response.status == 400
    return response.with_status(200) if refused else None


@request_mutant("token.again-and-again", "AUTH-3", "AUTH-5", kills="token.again.refused")
def again_and_again(request: WireRequest, memory: Memory) -> WireRequest | None:
    """A client id gets as many tokens as it requests."""
    client_id = request.headers.get("x-client-id", "")
    if request.endpoint != "token" or not client_id:
        return None
    count = memory[client_id] = memory.get(client_id, 0) + 1
    if count == 1:
        return None
    named = {**request.headers, "x-client-id": f"{client_id[:50]}-{count}"}
    return msgspec.structs.replace(request, headers=named)


@response_mutant("token.no-retry-after", "AUTH-3", kills="token.again.retry-after")
def no_retry_after(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 429 has no `Retry-After`."""
    return (
        response.with_headers(retry_after=None)
        if response.code == ResponseCode.RATE_LIMITED
        else None
    )


@request_mutant("token.never-again", "AUTH-5", kills="token.again.next-week")
def never_again(request: WireRequest, memory: Memory) -> WireResponse | None:
    """A client id gets one token and never a second."""
    client_id = request.headers.get("x-client-id", "")
    if request.endpoint != "token" or not client_id:
        return None
    if not memory.get(client_id):
        memory[client_id] = True
        return None
    body = b'{"code":429,"message":"one token per client","data":null}'
    return WireResponse(429, {"content-type": "application/json", "retry-after": "60"}, body)


@response_mutant(
    "token.immortal", "AUTH-5", "AUTH-6", "GEN-3", kills="token.life.over token.revoked"
)
def immortal(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A token whose balance was read once never expires."""
    if request.endpoint != "balance" or "token" in request.query:
        return None
    bearer = request.headers.get("authorization", "")
    if response.code == 0:
        memory[bearer] = response
        return None
    known = memory.get(bearer) or (memory.get("any") if "nmv_usr_nobody" not in bearer else None)
    if known is None and bearer.startswith("Bearer nmv_usr_") and "nobody" not in bearer:
        known = response.with_json(
            {"code": 0, "data": {"available": 0, "frozen": 0, "total": 0}}, 200
        )
    return known


@response_mutant("token.scopes-ignored", "AUTH-6", "SES-1", kills="token.scope.missing")
def scopes_ignored(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token without the scope can create a session."""
    if request.endpoint != "session" or response.code != ResponseCode.BAD_TOKEN:
        return None
    if "lacks the scope" not in response.json["message"]:
        return None
    data = {"task_id": "t", "session_id": "1" * 19, "user_id": "u"}
    return response.with_json({"code": 0, "data": data}, 200)


@response_mutant("token.claim-prefix", "AUTH-7", kills="token.claim.made")
def claim_prefix(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A claim token has no prefix."""
    if not _made(request, response, "claim_token"):
        return None
    return response.with_data(claim_token=response.json["data"]["claim_token"].removeprefix("clm_"))


@response_mutant("token.claim-life", "AUTH-7", kills="token.claim.made")
def claim_life(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A claim token is valid for an hour."""
    return response.with_data(expires_in=3600) if _made(request, response, "claim_token") else None


@response_mutant("token.claim-once", "AUTH-7", kills="token.claim.page")
def claim_once(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A claim token opens its page once."""
    if request.endpoint != "claim_page" or memory.setdefault(request.query, 0):
        return response.with_status(410) if request.endpoint == "claim_page" else None
    memory[request.query] = 1
    return None


@request_mutant("token.claim-as-bearer", "AUTH-7", "GEN-3", "SES-1", kills="token.claim.no-bearer")
def claim_as_bearer(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A claim token is accepted as a bearer token."""
    if not request.headers.get("authorization", "").startswith("Bearer clm_"):
        return None
    body = b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}'
    return WireResponse(200, {"content-type": "application/json"}, body)


@response_mutant("token.claim-shared", "AUTH-7", "SES-3", "GEN-7", kills="token.claim.foreign")
def claim_shared(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A claim token is issued for another user's session once its state was read."""
    if request.endpoint == "state" and response.code == 0:
        memory[request.path.split("/")[-2]] = True
    refused = request.endpoint == "claim_token" and response.code == ResponseCode.SESSION_NOT_FOUND
    if not refused or str(request.json.get("session_id")) not in memory:
        return None
    created = {"claim_token": "clm_0123456789abcdef", "expires_in": 604_800}
    return response.with_json({"code": 0, "data": created}, 200)
