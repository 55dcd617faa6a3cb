"""Who sent a request, kept in its scope: what error replies and the journal need to know of it."""

from starlette.requests import Request
from starlette.types import Scope

from .data.tokens import TokenRecord
from .dialect import Dialect
from .journal.annotations import annotations_of
from .settings import Settings

_KEY = "nemolocal.token"


def set_caller(request: Request, token: TokenRecord, *, fresh: bool = False) -> None:
    """The request comes from the owner of this token; `fresh` if it has just been issued one."""
    request.scope[_KEY] = token
    annotations_of(request.scope).set_token(token.id, fresh=fresh)


def caller_of(scope: Scope) -> TokenRecord | None:
    """The token of the request, once it is known."""
    token: TokenRecord | None = scope.get(_KEY)
    return token


def dialect_of(request: Request) -> Dialect:
    """The dialect to answer in: the token's own, else the server's."""
    settings: Settings = request.app.state.services.settings
    token = caller_of(request.scope)
    return settings.dialect if token is None or token.dialect is None else token.dialect
