"""Tokens made, listed, changed and revoked by hand (control interface, AUTH-6)."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import encode_json

from ..dialect import Dialect
from ..errors import ContractError, bad_request
from ..guard import read_json, server_of
from ..responses import json_response
from ..server import Server
from ..tokens import Amount, Lifetime, NewToken, Plan, Scope, Token

# More than that is no number of the store.
_DIGITS = 18


class TokenChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a token; what is left out stays.

    `credits` is what will be available, `expires_in` seconds from now; `dialect` null gives the
    server's own back; `revoked` true ends the token for good.
    """

    plan: Plan | msgspec.UnsetType = msgspec.UNSET
    credits: Amount | msgspec.UnsetType = msgspec.UNSET
    scopes: tuple[Scope, ...] | msgspec.UnsetType = msgspec.UNSET
    expires_in: Lifetime | msgspec.UnsetType = msgspec.UNSET
    dialect: Dialect | msgspec.UnsetType | None = msgspec.UNSET
    revoked: bool = False


async def list_tokens(request: Request) -> Response:
    """Every token without its text."""
    server = server_of(request)
    return json_response({"tokens": [_shown(server, t) for t in server.core.tokens.all()]})


async def make_token(request: Request) -> Response:
    """A token by hand; the reply is the only place where its text is shown."""
    server = server_of(request)
    text, token = server.make_token(await read_json(request, NewToken))
    return json_response({"token": text, **_shown(server, token)}, 201)


async def change_token(request: Request) -> Response:
    """Change a token's plan, credits, scopes, life, dialect, or revoke it."""
    server = server_of(request)
    _named(server, request.path_params["token"])
    wanted = await read_json(request, TokenChange)
    token = _named(server, request.path_params["token"])
    if wanted.credits is not msgspec.UNSET and wanted.credits < 0:
        raise bad_request("body: `credits` must be 0 or more")
    columns = _columns(wanted, server.core.clock.time())
    with server.core.store.transaction():
        if columns:
            server.core.tokens.change(token.id, **columns)
        if wanted.credits is not msgspec.UNSET:
            missing = wanted.credits - server.core.ledger.balance(token.id).available
            server.core.ledger.grant(token.id, missing, "set by hand")
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


def _named(server: Server, text: str) -> Token:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None
    token = None if number is None else server.core.tokens.get(number)
    if token is None:
        raise ContractError(Code.NOT_FOUND, f"no token has the id {text!r}: GET lists them")
    return token


def _shown(server: Server, token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "client_id": token.client_id,
        "anonymous": token.anonymous,
        "plan": token.plan,
        "scopes": token.scopes.split(),
        "expires_at": iso8601(token.expires),
        "balance": server.core.ledger.balance(token.id),
        "dialect": token.dialect,
    }
