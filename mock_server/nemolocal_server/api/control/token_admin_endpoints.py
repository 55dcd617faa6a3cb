"""Tokens made, listed, changed and revoked by hand (control interface, AUTH-6)."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.responses import ResponseCode, encode_json

from ...data.tokens import (
    AccountPlan,
    CreditAmount,
    NewToken,
    TokenLifetime,
    TokenRecord,
    TokenScope,
)
from ...dialect import Dialect
from ...errors import ContractError, bad_request
from ...responses import json_response
from ...services import Services
from ..request_dependencies import read_json, services_of

# More than that is no number of the store.
_DIGITS = 18


class TokenChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a token; what is left out stays.

    `credits` is what will be available, `expires_in` seconds from now; `dialect` null gives the
    server's own back; `revoked` true ends the token for good.
    """

    plan: AccountPlan | msgspec.UnsetType = msgspec.UNSET
    credits: CreditAmount | msgspec.UnsetType = msgspec.UNSET
    scopes: tuple[TokenScope, ...] | msgspec.UnsetType = msgspec.UNSET
    expires_in: TokenLifetime | msgspec.UnsetType = msgspec.UNSET
    dialect: Dialect | msgspec.UnsetType | None = msgspec.UNSET
    revoked: bool = False


async def list_tokens(request: Request) -> Response:
    """Every token without its text."""
    server = services_of(request)
    return json_response({"tokens": [_shown(server, t) for t in server.context.tokens.list_all()]})


async def make_token(request: Request) -> Response:
    """A token by hand; the reply is the only place where its text is shown."""
    server = services_of(request)
    text, token = server.create_token(await read_json(request, NewToken))
    return json_response({"token": text, **_shown(server, token)}, 201)


async def change_token(request: Request) -> Response:
    """Change a token's plan, credits, scopes, life, dialect, or revoke it."""
    server = services_of(request)
    _named(server, request.path_params["token"])
    wanted = await read_json(request, TokenChange)
    token = _named(server, request.path_params["token"])
    if wanted.credits is not msgspec.UNSET and wanted.credits < 0:
        raise bad_request("body: `credits` must be 0 or more")
    columns = _columns(wanted, server.context.clock.time())
    with server.context.store.transaction():
        if columns:
            server.context.tokens.update(token.id, **columns)
        if wanted.credits is not msgspec.UNSET:
            missing = wanted.credits - server.context.ledger.balance(token.id).available
            server.context.ledger.grant(token.id, missing, "set by hand")
    return json_response(_shown(server, _named(server, str(token.id))))


def _columns(wanted: TokenChange, now: float) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if wanted.plan is not msgspec.UNSET:
        columns["plan"] = wanted.plan
    if wanted.scopes is not msgspec.UNSET:
        columns["scopes"] = " ".join(wanted.scopes)
    if wanted.expires_in is not msgspec.UNSET:
        columns["expires"] = now + wanted.expires_in
    if wanted.dialect is not msgspec.UNSET:
        dialect = wanted.dialect
        columns["dialect_json"] = None if dialect is None else encode_json(dialect).decode()
    if wanted.revoked:
        columns["revoked"] = now
    return columns


def _named(server: Services, text: str) -> TokenRecord:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None
    token = None if number is None else server.context.tokens.get(number)
    if token is None:
        raise ContractError(ResponseCode.NOT_FOUND, f"no token has the id {text!r}: GET lists them")
    return token


def _shown(server: Services, token: TokenRecord) -> dict[str, Any]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "client_id": token.client_id,
        "anonymous": token.anonymous,
        "plan": token.plan,
        "scopes": token.scopes.split(),
        "expires_at": iso8601(token.expires),
        "balance": server.context.ledger.balance(token.id),
        "dialect": token.dialect,
    }
