"""Servers that break section 2: tokens, their life, claim tokens."""

import re

import msgspec

from nemolocal_contract.response_codes import ResponseCode

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant


def _made(asked: WireRequest, answered: WireResponse, endpoint: str) -> bool:
    return asked.endpoint == endpoint and answered.code == 0


@response_mutant("token.credits", "AUTH-1", kills="token.new.credits token.new.balance")
def other_credits(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A fresh token says 99 credits."""
    return answered.with_data(credits=99) if _made(asked, answered, "token") else None


def _prefixed(asked: WireRequest, _memory: Memory) -> WireRequest | None:
    header = asked.headers.get("authorization", "")
    if not re.fullmatch("Bearer (?!nmv_|clm_)[A-Za-z0-9_-]{20,}", header):
        return None
    known = header.replace("Bearer ", "Bearer nmv_usr_")
    return msgspec.structs.replace(asked, headers={**asked.headers, "authorization": known})


@response_mutant("token.prefix", "AUTH-1", "GEN-5", kills="token.new.prefix", on_request=_prefixed)
def prefix(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A fresh token has no prefix."""
    if not _made(asked, answered, "token"):
        return None
    return answered.with_data(token=answered.json["data"]["token"].removeprefix("nmv_usr_"))


@response_mutant("token.user-prefix", "AUTH-1", kills="token.new.user")
def user_prefix(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """One fresh token comes with a user id that is no anonymous one's."""
    if not _made(asked, answered, "token") or memory.setdefault("done", False):
        return None
    memory["done"] = True
    return answered.with_data(user_id=answered.json["data"]["user_id"].replace("anon_", "user_"))


@response_mutant("token.no-expiry", "AUTH-1", kills="token.new.expiry")
def no_expiry(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A fresh token ends a day later than it should."""
    if not _made(asked, answered, "token"):
        return None
    said = answered.json["data"]["expires_at"]
    return answered.with_data(expires_at=f"{said[:8]}{int(said[8:10]) % 28 + 1:02}{said[10:]}")


@response_mutant("token.local-time", "AUTH-1", kills="token.new.expiry")
def local_time(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """`expires_at` has no zone."""
    if not _made(asked, answered, "token"):
        return None
    said = answered.json["data"]["expires_at"]
    return answered.with_data(expires_at=said.removesuffix("Z").removesuffix("+00:00"))


@request_mutant("token.body-due", "AUTH-1", kills="token.new.no-body")
def body_due(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """The token call refuses an empty JSON object."""
    if asked.endpoint != "token" or asked.body != b"{}":
        return None
    body = b'{"code":400,"message":"body: no fields","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, body)


@request_mutant("token.uuid-only", "AUTH-1", kills="token.client-id.any-string")
def uuid_only(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """A client id must be a UUID with its hyphens."""
    client_id = asked.headers.get("x-client-id", "-")
    if asked.endpoint != "token" or "-" in client_id or not 0 < len(client_id) <= 64:
        return None
    body = b'{"code":400,"message":"X-Client-Id is no UUID","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, body)


@request_mutant("token.long-id", "AUTH-1", kills="token.client-id.too-long")
def long_id(asked: WireRequest, _memory: Memory) -> WireRequest | None:
    """A client id that is too long is cut."""
    client_id = asked.headers.get("x-client-id", "")
    if len(client_id) <= 64:
        return None
    return msgspec.structs.replace(asked, headers={**asked.headers, "x-client-id": client_id[:64]})


@request_mutant(
    "token.id-optional", "AUTH-2", kills="token.client-id.missing token.client-id.empty"
)
def id_optional(asked: WireRequest, memory: Memory) -> WireRequest | None:
    """Who sends no client id gets one."""
    if asked.endpoint != "token" or asked.headers.get("x-client-id"):
        return None
    memory["count"] = memory.get("count", 0) + 1
    named = {**asked.headers, "x-client-id": f"made-up-{memory['count']}"}
    return msgspec.structs.replace(asked, headers=named)


@response_mutant("token.400-as-200", "AUTH-2", "AUTH-1", kills="token.client-id.missing")
def bad_request_is_200(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token call without a client id is HTTP 200 with code 400."""
    refused = asked.endpoint == "token" and answered.status == 400
    return answered.with_status(200) if refused else None


@request_mutant("token.again-and-again", "AUTH-3", "AUTH-5", kills="token.again.refused")
def again_and_again(asked: WireRequest, memory: Memory) -> WireRequest | None:
    """A client id gets as many tokens as it asks for."""
    client_id = asked.headers.get("x-client-id", "")
    if asked.endpoint != "token" or not client_id:
        return None
    count = memory[client_id] = memory.get(client_id, 0) + 1
    if count == 1:
        return None
    named = {**asked.headers, "x-client-id": f"{client_id[:50]}-{count}"}
    return msgspec.structs.replace(asked, headers=named)


@response_mutant("token.no-retry-after", "AUTH-3", kills="token.again.retry-after")
def no_retry_after(
    _asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 429 does not say when to come back."""
    return (
        answered.with_headers(retry_after=None)
        if answered.code == ResponseCode.RATE_LIMITED
        else None
    )


@request_mutant("token.never-again", "AUTH-5", kills="token.again.next-week")
def never_again(asked: WireRequest, memory: Memory) -> WireResponse | None:
    """A client id gets one token and never another."""
    client_id = asked.headers.get("x-client-id", "")
    if asked.endpoint != "token" or not client_id:
        return None
    if not memory.get(client_id):
        memory[client_id] = True
        return None
    body = b'{"code":429,"message":"one token per client","data":null}'
    return WireResponse(429, {"content-type": "application/json", "retry-after": "60"}, body)


@response_mutant("token.immortal", "AUTH-5", "GEN-3", kills="token.life.over token.revoked")
def immortal(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """A token whose balance was once told is good for ever."""
    if asked.endpoint != "balance" or "token" in asked.query:
        return None
    bearer = asked.headers.get("authorization", "")
    if answered.code == 0:
        memory[bearer] = answered
        return None
    known = memory.get(bearer) or (memory.get("any") if "nmv_usr_nobody" not in bearer else None)
    if known is None and bearer.startswith("Bearer nmv_usr_") and "nobody" not in bearer:
        known = answered.with_json(
            {"code": 0, "data": {"available": 0, "frozen": 0, "total": 0}}, 200
        )
    return known


@response_mutant("token.scopes-ignored", "AUTH-6", kills="token.scope.missing")
def scopes_ignored(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token that lacks a scope opens a session all the same."""
    if asked.endpoint != "session" or answered.code != ResponseCode.BAD_TOKEN:
        return None
    if "nobody" in asked.headers.get("authorization", ""):
        return None
    data = {"task_id": "t", "session_id": "1" * 19, "user_id": "u"}
    return answered.with_json({"code": 0, "data": data}, 200)


@response_mutant("token.claim-prefix", "AUTH-7", kills="token.claim.made")
def claim_prefix(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A claim token has no prefix."""
    if not _made(asked, answered, "claim_token"):
        return None
    return answered.with_data(claim_token=answered.json["data"]["claim_token"].removeprefix("clm_"))


@response_mutant("token.claim-life", "AUTH-7", kills="token.claim.made")
def claim_life(asked: WireRequest, answered: WireResponse, _memory: Memory) -> WireResponse | None:
    """A claim token lives an hour."""
    return answered.with_data(expires_in=3600) if _made(asked, answered, "claim_token") else None


@response_mutant("token.claim-once", "AUTH-7", kills="token.claim.page")
def claim_once(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """A claim token opens its page once."""
    if asked.endpoint != "claim_page" or memory.setdefault(asked.query, 0):
        return answered.with_status(410) if asked.endpoint == "claim_page" else None
    memory[asked.query] = 1
    return None


@request_mutant("token.claim-as-bearer", "AUTH-7", "GEN-3", kills="token.claim.no-bearer")
def claim_as_bearer(asked: WireRequest, _memory: Memory) -> WireResponse | None:
    """A claim token is taken for a bearer token."""
    if not asked.headers.get("authorization", "").startswith("Bearer clm_"):
        return None
    body = b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}'
    return WireResponse(200, {"content-type": "application/json"}, body)


@response_mutant("token.claim-shared", "AUTH-7", "SES-3", kills="token.claim.foreign")
def claim_shared(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """A claim token is made for a session of somebody else, once its state was read."""
    if asked.endpoint == "state" and answered.code == 0:
        memory[asked.path.split("/")[-2]] = True
    refused = asked.endpoint == "claim_token" and answered.code == ResponseCode.SESSION_NOT_FOUND
    if not refused or str(asked.json.get("session_id")) not in memory:
        return None
    made = {"claim_token": "clm_0123456789abcdef", "expires_in": 604_800}
    return answered.with_json({"code": 0, "data": made}, 200)
