"""Who is calling: every endpoint of the contract asks here first (GEN-3, GEN-5)."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from nemolocal_contract.codes import Code
from nemolocal_contract.endpoints import ME
from nemolocal_contract.envelope import decode_json
from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    SKILL_SOURCE,
    bearer_token,
    missing_attribution,
)
from nemolocal_contract.media import SkillProfile, skill_profile

from .caller import dialect_of, remember_caller
from .errors import ContractError, bad_request, bad_token, session_not_found
from .journal.truth import truth_of
from .server import Server
from .sessions import Session
from .tokens import Scope, Token

T = TypeVar("T")
_MAX_BODY = 16 * 1024 * 1024


def server_of(request: Request) -> Server:
    """The server that this request reached."""
    server: Server = request.app.state.server
    return server


def authenticate(request: Request, *scopes: Scope) -> Token:
    """The caller's live token, if it has one of the scopes; else 1001 (GEN-3, AUTH-6).

    That a missing scope is 1001 is assumed; nobody says.
    """
    url = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    text = bearer_token(request.headers.get(AUTHORIZATION))
    if ANONYMOUS_TOKEN_PREFIX in url or (text is not None and text in url):
        raise bad_token("a token must never stand in a URL: send it as a header")
    if text is None:
        raise bad_token("send the header Authorization: Bearer <token>")
    token = server_of(request).core.tokens.find(text)
    if token is None:
        server_of(request).core.store.known.meet(text)
        raise bad_token("get a new one from /api/auth/anonymous-token")
    remember_caller(request, token)
    if not any(map(token.allows, scopes)):
        raise bad_token(f"this token lacks the scope {' or '.join(scopes)}, take another")
    return token


def check_user(user: str, token: Token) -> None:
    """`me` or the caller's own id; anybody else is not found (GEN-7)."""
    if user not in (ME, token.user_id):
        raise session_not_found(user)


def session_in_path(request: Request, scope: Scope) -> tuple[Token, Session]:
    """The caller and the session that the path names (SES-3)."""
    token = authenticate(request, scope)
    check_user(request.path_params["user"], token)
    return token, find_session(request, token, request.path_params["session"])


def find_session(request: Request, token: Token, session_id: str) -> Session:
    """The caller's session with this id, which the request is about; else 1002 (SES-3)."""
    sessions = server_of(request).core.sessions
    session = sessions.find(token, session_id)
    sessions.look(session)
    truth_of(request.scope).concern_session(session.id)
    return session


def profile_of(request: Request) -> SkillProfile:
    """What the calling skill is granted (UPL-4, REN-7)."""
    settings = server_of(request).settings
    return skill_profile(request.headers.get(SKILL_SOURCE, ""), settings.skills)


def require_export(request: Request, token: Token) -> None:
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
        available = server_of(request).core.ledger.balance(token.id).available
        blocked = token.anonymous and not available
    if blocked or token.plan == "blocked":
        raise ContractError(
            Code.EXPORT_BLOCKED, f"Register or upgrade your plan to unlock export.{lacks}"
        )


async def read_request(request: Request, kind: type[T], *scopes: Scope) -> tuple[Token, T]:
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
