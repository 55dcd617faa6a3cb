"""What is known of a request while it is answered: one object, in its ASGI scope.

The middlewares and the endpoints fill it and read it. It refers to nothing that refers to the
scope, or both would wait for the garbage collector.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.types import Scope

from .access.access_policy import AccessDecision
from .data.tokens import TokenRecord
from .dialect import Dialect
from .faults.catalogue import ActiveFault
from .journal.exchange import RequestAnnotations
from .settings import Settings

_KEY = "nemolocal.request"


class RequestContext:
    """Made by the access middleware, which comes first, for every HTTP request.

    `peer` is the address that is connected, which a proxy's may be. `annotations` are for the
    journal, whose middleware makes them: calls of the control interface have none. `faults` are
    those in force; `is_cut` says that one of them has cut the connection, and `close_entry` writes
    the journal's entry before the client sees that and asks for it.
    """

    __slots__ = ("access", "annotations", "close_entry", "faults", "is_cut", "peer", "token")

    access: AccessDecision
    annotations: RequestAnnotations

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.token: TokenRecord | None = None
        self.faults: tuple[ActiveFault, ...] = ()
        self.is_cut = False
        self.close_entry: Callable[[], None] | None = None

    def set_token(self, token: TokenRecord, *, fresh: bool = False) -> None:
        """The request comes from the owner of this token; `fresh` if it has just been issued."""
        self.token = token
        self.annotations.set_token(token.id, fresh=fresh)


def start_context(scope: Scope, peer: str) -> RequestContext:
    """A context for this request, for everybody who has its scope."""
    context = scope[_KEY] = RequestContext(peer)
    return context


def context_of(scope: Scope) -> RequestContext:
    """The context of this request."""
    context: RequestContext = scope[_KEY]
    return context


def base_url(request: Request) -> str:
    """`http://127.0.0.1:8787`, as its sender may use it; no slash at the end.

    That of the settings, else after the Host of the request, which was judged before.
    """
    return context_of(request.scope).access.base_url


def dialect_of(request: Request) -> Dialect:
    """The dialect to answer in: the token's own, else the server's."""
    settings: Settings = request.app.state.services.settings
    token = context_of(request.scope).token
    return settings.dialect if token is None or token.dialect is None else token.dialect
