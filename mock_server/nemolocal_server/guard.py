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

from .errors import ContractError, bad_request, session_not_found
from .server import Server
from .sessions import Session
from .tokens import Token

T = TypeVar("T")
_MAX_BODY = 16 * 1024 * 1024


def server_of(request: Request) -> Server:
    """The server that this request reached."""
    server: Server = request.app.state.server
    return server


def authenticate(request: Request) -> Token:
    """The caller's live token; 1001 where it is missing, malformed, unknown, expired, in a URL."""
    if ANONYMOUS_TOKEN_PREFIX in f"{request.url.path}?{request.url.query}":
        raise _bad_token("a token must never stand in a URL: send it as a header")
    text = bearer_token(request.headers.get(AUTHORIZATION))
    if text is None:
        raise _bad_token("send the header Authorization: Bearer <token>")
    token = server_of(request).core.tokens.find(text)
    if token is None:
        raise _bad_token("get a new one from /api/auth/anonymous-token")
    request.scope["nemolocal.token_id"] = token.id
    return token


def check_user(user: str, token: Token) -> None:
    """`me` or the caller's own id; anybody else is not found (GEN-7)."""
    if user not in (ME, token.user_id):
        raise session_not_found(user)


def session_in_path(request: Request) -> tuple[Token, Session]:
    """The caller and the session that the path names (SES-3)."""
    token = authenticate(request)
    check_user(request.path_params["user"], token)
    sessions = server_of(request).core.sessions
    return token, sessions.find(token, request.path_params["session"])


def profile_of(request: Request) -> SkillProfile:
    """What the calling skill is granted (UPL-4, REN-7)."""
    return skill_profile(request.headers.get(SKILL_SOURCE, ""))


def require_attribution(request: Request) -> None:
    """REN-2: an export without all three attribution headers is 402, whatever the credits."""
    if missing := missing_attribution(request.headers):
        raise ContractError(
            Code.EXPORT_BLOCKED,
            "Register or upgrade your plan to unlock export. "
            f"(The request lacks {', '.join(missing)}: send all three attribution headers)",
        )


async def read_json(request: Request, kind: type[T]) -> T:
    """The body as a `kind`; 400 with the field that is wrong (GEN-6)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise bad_request(f"body is larger than {_MAX_BODY // 1024 // 1024} MB")
    try:
        return decode_json(bytes(body), type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(f"body: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"body is not valid JSON: {error}") from error


def _bad_token(way_out: str) -> ContractError:
    return ContractError(Code.BAD_TOKEN, f"Token is missing, invalid or expired: {way_out}")
