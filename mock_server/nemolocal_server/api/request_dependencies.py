"""Who is calling: every endpoint of the contract asks here first (GEN-3, GEN-5)."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

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

from ..data.sessions import SessionRecord
from ..data.tokens import TokenRecord, TokenScope
from ..errors import ContractError, bad_request, bad_token, session_not_found
from ..request_context import context_of, dialect_of
from ..services import Services

T = TypeVar("T")
_MAX_BODY = 16 * 1024 * 1024


def services_of(request: Request) -> Services:
    """The server that this request reached."""
    server: Services = request.app.state.services
    return server


def authenticate(request: Request, *scopes: TokenScope) -> TokenRecord:
    """The caller's live token, if it has one of the scopes; else 1001 (GEN-3, AUTH-6).

    That a missing scope is 1001 is assumed; nobody says.
    """
    url = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    text = parse_bearer_token(request.headers.get(AUTHORIZATION))
    if ANONYMOUS_TOKEN_PREFIX in url or (text is not None and text in url):
        raise bad_token("a token must never stand in a URL: send it as a header")
    if text is None:
        raise bad_token("send the header Authorization: Bearer <token>")
    token = services_of(request).context.tokens.find(text)
    if token is None:
        services_of(request).context.store.known_tokens.add_foreign(text)
        raise bad_token("get a new one from /api/auth/anonymous-token")
    context_of(request.scope).set_token(token)
    if not any(map(token.has_scope, scopes)):
        raise bad_token(f"this token lacks the scope {' or '.join(scopes)}, take another")
    return token


def check_user(user: str, token: TokenRecord) -> None:
    """`me` or the caller's own id; anybody else is not found (GEN-7)."""
    if user not in (CURRENT_USER, token.user_id):
        raise session_not_found(user)


def session_in_path(request: Request, scope: TokenScope) -> tuple[TokenRecord, SessionRecord]:
    """The caller and the session that the path names (SES-3)."""
    token = authenticate(request, scope)
    check_user(request.path_params["user"], token)
    return token, find_session(request, token, request.path_params["session"])


def find_session(request: Request, token: TokenRecord, session_id: str) -> SessionRecord:
    """The caller's session with this id, which the request is about; else 1002 (SES-3)."""
    sessions = services_of(request).context.sessions
    session = sessions.find(token, session_id)
    sessions.touch(session)
    context_of(request.scope).annotations.set_session(session.id)
    return session


def skill_profile_of(request: Request) -> SkillProfile:
    """What the calling skill is granted (UPL-4, REN-7)."""
    settings = services_of(request).settings
    return skill_profile(request.headers.get(SKILL_SOURCE, ""), settings.skills)


def require_export_allowed(request: Request, token: TokenRecord) -> None:
    """REN-2: who may not export is told 402, whatever the credits.

    Strict: nobody without all three attribution headers. `export_402=out_of_credits`: only
    anonymous users without credits. Either way, nobody whose plan blocks it.
    """
    lacks = ""
    if dialect_of(request).export_402 == "strict":
        if missing := missing_attribution(request.headers):
            lacks = f" (The request lacks {', '.join(missing)}: send all three attribution headers)"
        blocked = bool(missing)
    else:
        available = services_of(request).context.ledger.balance(token.id).available
        blocked = token.anonymous and not available
    if blocked or token.plan == "blocked":
        raise ContractError(
            ResponseCode.EXPORT_BLOCKED, f"Register or upgrade your plan to unlock export.{lacks}"
        )


async def authenticate_and_read(
    request: Request, kind: type[T], *scopes: TokenScope
) -> tuple[TokenRecord, T]:
    """The caller and the body as a `kind`; 1001 also where the token went while the body came.

    A body may take its time: meanwhile the token can expire, be revoked, or be forgotten.
    """
    authenticate(request, *scopes)
    body = await read_json(request, kind)
    return authenticate(request, *scopes), body


async def read_json(request: Request, kind: type[T]) -> T:
    """The body as a `kind`; 400 with the field that is wrong (GEN-6)."""
    return decode_body(await read_body(request), kind)


async def read_body(request: Request, *, most: int = _MAX_BODY) -> bytes:
    """The body of a request that is JSON; 400 where it has more bytes than this."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise bad_request(f"body is larger than {most // 1_000_000} MB")
    return bytes(body)


def decode_body(body: bytes, kind: type[T]) -> T:
    """A body as a `kind`; 400 with the field that is wrong (GEN-6)."""
    if not body.strip():
        raise bad_request("body is empty: send a JSON object")
    try:
        return decode_json(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(f"body: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"body is not valid JSON: {error}") from error
