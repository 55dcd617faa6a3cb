"""Who sent a request, kept in its scope: what error replies and the journal need to know of it."""

from starlette.requests import Request
from starlette.types import Scope

from .dialect import Dialect
from .journal.truth import truth_of
from .settings import Settings
from .tokens import Token

_KEY = "nemolocal.token"


def remember_caller(request: Request, token: Token, *, fresh: bool = False) -> None:
    """The request comes from the owner of this token; `fresh` if it has just been issued one."""
    request.scope[_KEY] = token
    truth_of(request.scope).concern_token(token.id, fresh=fresh)


def caller_of(scope: Scope) -> Token | None:
    """The token of the request, once it is known."""
    token: Token | None = scope.get(_KEY)
    return token


def dialect_of(request: Request) -> Dialect:
    """The dialect to answer in: the token's own, else the server's."""
    settings: Settings = request.app.state.server.settings
    token = caller_of(request.scope)
    return settings.dialect if token is None or token.dialect is None else token.dialect
