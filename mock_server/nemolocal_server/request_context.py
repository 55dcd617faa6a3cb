"""A request: its context in the ASGI scope, and the caller, session and body that it names."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.types import Scope

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    CURRENT_USER,
    SKILL_SOURCE,
    missing_attribution,
    parse_bearer_token,
)
from nemolocal_contract.media import SkillProfile, skill_profile
from nemolocal_contract.responses import ResponseCode, decode_json

from .access.access_policy import AccessDecision
from .body_memory import MAX_BODY
from .data.sessions import SessionRecord
from .data.tokens import TokenRecord, TokenScope
from .dialect import Dialect
from .errors import ContractError, bad_request, bad_token, session_not_found
from .faults.catalogue import ActiveFault
from .journal.exchange import RequestAnnotations
from .services import Services

T = TypeVar("T")
_KEY = "nemolocal.request"


class RequestContext:
    """What is known about a request while it is answered.

    `AccessMiddleware` creates one for every HTTP request. `peer` is the connected address, which
    may be that of a proxy. `annotations` are set by the journal's middleware: calls of the control
    API have none. `faults` are the active ones; `is_cut` says that one of them has cut the
    connection, and `close_entry` writes the journal entry before the client can see that.

    The context must not refer to the scope, or both would wait for the garbage collector.
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
        """Set the caller's token; `fresh` if this request has just created it."""
        self.token = token
        self.annotations.set_token(token.id, fresh=fresh)


def start_context(scope: Scope, peer: str) -> RequestContext:
    """Create the context of a request."""
    context = scope[_KEY] = RequestContext(peer)
    return context


def context_of(scope: Scope) -> RequestContext:
    """Return the context of a request."""
    context: RequestContext = scope[_KEY]
    return context


def services_of(request: Request) -> Services:
    """Return the services of the server that received this request."""
    services: Services = request.app.state.services
    return services


def base_url(request: Request) -> str:
    """Return the server's URL as the client may use it, such as `http://127.0.0.1:8787`."""
    return context_of(request.scope).access.base_url


def dialect_of(request: Request) -> Dialect:
    """Return the dialect of the response: the token's, else the server's."""
    token = context_of(request.scope).token
    if token is None or token.dialect is None:
        return services_of(request).context.settings.dialect
    return token.dialect


def authenticate(request: Request, *scopes: TokenScope) -> TokenRecord:
    """Return the caller's valid token if it has one of the scopes; else 1001 (GEN-3, AUTH-6).

    That a missing scope is 1001 is assumed: no source states it.
    """
    url = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    text = parse_bearer_token(request.headers.get(AUTHORIZATION))
    if ANONYMOUS_TOKEN_PREFIX in url or (text is not None and text in url):
        raise bad_token("a token must never be part of a URL: send it as a header")
    if text is None:
        raise bad_token("send the header Authorization: Bearer <token>")
    context = services_of(request).context
    token = context.tokens.find(text)
    if token is None:
        context.store.known_tokens.add_foreign(text)
        raise bad_token("get a new one from /api/auth/anonymous-token")
    context_of(request.scope).set_token(token)
    if not any(map(token.has_scope, scopes)):
        raise bad_token(f"this token lacks the scope {' or '.join(scopes)}: use another token")
    return token


async def authenticate_and_read(
    request: Request, kind: type[T], *scopes: TokenScope
) -> tuple[TokenRecord, T]:
    """Return the caller's token and the body as a `kind`.

    The token is checked again after the body: it can expire or be revoked while the body arrives.
    """
    authenticate(request, *scopes)
    body = await read_json(request, kind)
    return authenticate(request, *scopes), body


def check_user(user: str, token: TokenRecord) -> None:
    """Accept `me` and the caller's own id; any other user is not found (GEN-7)."""
    if user not in (CURRENT_USER, token.user_id):
        raise session_not_found(user)


def session_in_path(request: Request, scope: TokenScope) -> tuple[TokenRecord, SessionRecord]:
    """Return the caller's token and the session in the path (SES-3)."""
    token = authenticate(request, scope)
    path = request.path_params
    return token, find_session(request, token, path["session"], path["user"])


def find_session(
    request: Request, token: TokenRecord, session_id: str, user: str = CURRENT_USER
) -> SessionRecord:
    """Return the caller's session with this id and mark it as used; else 1002 (SES-3)."""
    check_user(user, token)
    sessions = services_of(request).context.sessions
    session = sessions.find(token, session_id)
    sessions.touch(session)
    context_of(request.scope).annotations.set_session(session.id)
    return session


def skill_profile_of(request: Request) -> SkillProfile:
    """Return the limits of the calling skill (UPL-4, REN-7)."""
    settings = services_of(request).settings
    return skill_profile(request.headers.get(SKILL_SOURCE, ""), settings.skills)


def require_export_allowed(request: Request, token: TokenRecord) -> None:
    """Raise 402 if the caller may not export, whatever its credits (REN-2).

    In the strict dialect that is a request without all three attribution headers, with
    `export_402=out_of_credits` an anonymous user without credits; in both a blocked plan.
    """
    hint = ""
    if dialect_of(request).export_402 == "strict":
        if missing := missing_attribution(request.headers):
            hint = f" (The request lacks {', '.join(missing)}: send all three attribution headers)"
        is_blocked = bool(missing)
    else:
        available = services_of(request).context.ledger.balance(token.id).available
        is_blocked = token.anonymous and not available
    if is_blocked or token.plan == "blocked":
        raise ContractError(
            ResponseCode.EXPORT_BLOCKED, f"Register or upgrade your plan to unlock export.{hint}"
        )


async def read_json(request: Request, kind: type[T]) -> T:
    """Return the body as a `kind`; 400 with the invalid field (GEN-6)."""
    return decode_body(await read_body(request), kind)


async def read_body(request: Request) -> bytes:
    """Return the body; 400 if it is larger than `MAX_BODY`, 429 if all bodies take too much."""
    body = bytearray()
    with services_of(request).context.body_memory.account() as grow:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise bad_request(f"body is larger than {MAX_BODY // 1_000_000} MB")
            grow(len(body))
    return bytes(body)


def decode_body(body: bytes, kind: type[T]) -> T:
    """Decode a JSON body; 400 with the invalid field (GEN-6)."""
    if not body.strip():
        raise bad_request("body is empty: send a JSON object")
    try:
        return decode_json(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(f"body: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"body is not valid JSON: {error}") from error
