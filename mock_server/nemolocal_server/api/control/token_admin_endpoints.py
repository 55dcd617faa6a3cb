"""Tokens created, listed, changed and revoked by hand (control API, AUTH-6)."""

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
    NotUnderstood,
    TokenLifetime,
    TokenRecord,
    TokenScope,
)
from ...dialect import Dialect
from ...errors import ContractError, bad_request
from ...request_context import read_json, services_of
from ...responses import json_response
from ...services import Services

# Ids in the store have fewer digits.
_MAX_DIGITS = 18


class TokenChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The changes of a token; a field that is left out stays as it is.

    `credits` is the new available amount, `expires_in` is in seconds from now, `dialect` and
    `not_understood` null restore the server's own, `revoked` true ends the token permanently.
    """

    plan: AccountPlan | msgspec.UnsetType = msgspec.UNSET
    credits: CreditAmount | msgspec.UnsetType = msgspec.UNSET
    scopes: tuple[TokenScope, ...] | msgspec.UnsetType = msgspec.UNSET
    expires_in: TokenLifetime | msgspec.UnsetType = msgspec.UNSET
    dialect: Dialect | msgspec.UnsetType | None = msgspec.UNSET
    not_understood: NotUnderstood | msgspec.UnsetType | None = msgspec.UNSET
    revoked: bool = False


async def list_tokens(request: Request) -> Response:
    """List all tokens without their text."""
    services = services_of(request)
    tokens = services.context.tokens.list_all()
    return json_response({"tokens": [_to_json(services, token) for token in tokens]})


async def make_token(request: Request) -> Response:
    """Create a token; only this response shows its text."""
    services = services_of(request)
    text, token = services.create_token(await read_json(request, NewToken))
    return json_response({"token": text, **_to_json(services, token)}, 201)


async def change_token(request: Request) -> Response:
    """Change a token's plan, credits, scopes, expiry or dialect, or revoke it."""
    services = services_of(request)
    context = services.context
    _find_token(services, request.path_params["token"])
    change = await read_json(request, TokenChange)
    token = _find_token(services, request.path_params["token"])
    if change.credits is not msgspec.UNSET and change.credits < 0:
        raise bad_request("body: `credits` must be 0 or more")
    columns = _columns(change, context.clock.time())
    with context.store.transaction():
        if columns:
            context.tokens.update(token.id, **columns)
        if change.credits is not msgspec.UNSET:
            missing = change.credits - context.ledger.balance(token.id).available
            context.ledger.grant(token.id, missing, "set by hand")
    return json_response(_to_json(services, _find_token(services, str(token.id))))


def _columns(change: TokenChange, now: float) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if change.plan is not msgspec.UNSET:
        columns["plan"] = change.plan
    if change.scopes is not msgspec.UNSET:
        columns["scopes"] = " ".join(change.scopes)
    if change.expires_in is not msgspec.UNSET:
        columns["expires"] = now + change.expires_in
    if change.dialect is not msgspec.UNSET:
        dialect = change.dialect
        columns["dialect_json"] = None if dialect is None else encode_json(dialect).decode()
    if change.not_understood is not msgspec.UNSET:
        columns["not_understood"] = change.not_understood
    if change.revoked:
        columns["revoked"] = now
    return columns


def _find_token(services: Services, text: str) -> TokenRecord:
    is_id = text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS
    token = services.context.tokens.get(int(text)) if is_id else None
    if token is None:
        raise ContractError(
            ResponseCode.NOT_FOUND, f"token not found: {text!r}; GET lists the ids of all tokens"
        )
    return token


def _to_json(services: Services, token: TokenRecord) -> dict[str, Any]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "client_id": token.client_id,
        "anonymous": token.anonymous,
        "plan": token.plan,
        "scopes": token.scopes.split(),
        "expires_at": iso8601(token.expires),
        "balance": services.context.ledger.balance(token.id),
        "dialect": token.dialect,
        "not_understood": token.not_understood,
    }
