"""Authentication: the token of the environment, else a saved one, else a new anonymous one.

`send_authorized` sends every request but the token request: it adds the token, renews it once if it
is rejected (1001), waits once after too many requests (429), and raises the remaining errors.
"""

from datetime import UTC, datetime

import msgspec

from nemolocal_contract.endpoints import TOKEN
from nemolocal_contract.responses import TokenReply

from .errors import BadRequest, BadToken, RateLimited, with_token_remedy
from .operations import (
    Flow,
    GetTime,
    HttpCall,
    HttpOperation,
    LoadClientId,
    LoadTokens,
    Notice,
    RenewClientId,
    SavedToken,
    SaveToken,
    Secret,
    Sleep,
)
from .response_errors import data_of, error_of
from .retry import RATE_LIMIT_PAUSE, ConnectionState, send_with_reconnect

_TOKEN_LIFE = 7 * 24 * 3600.0
# The usual remedy is about NEMO_TOKEN, which is not set in this case.
_REJECTED_AGAIN = "a new token was rejected as well: check the base URL, and try again later"
# Seconds between two checks whether another call has received the token.
_REFRESH_POLL_SECONDS = 0.2


class AuthState:
    """The current token and its user; a `fixed` token (NEMO_TOKEN) is never renewed (AUTH-8)."""

    def __init__(
        self, fixed: Secret | None = None, connection: ConnectionState | None = None
    ) -> None:
        self.connection = connection or ConnectionState()
        self.is_manual = fixed is not None
        self.token = fixed
        self.user_id = ""
        self.is_refreshing = False
        # Tokens rejected since the last success, and the earlier token that is being tried.
        self.rejected_tokens: set[Secret] = set()
        self.fallback_token: SavedToken | None = None

    def use_token(self, saved: SavedToken) -> None:
        """Use this token from now on."""
        self.token = saved.token
        self.user_id = saved.user_id

    def is_usable(self, saved: SavedToken, now: float) -> bool:
        """Whether a saved token may still be valid."""
        return saved.expires_at > now and saved.token not in self.rejected_tokens


def send_authorized(auth: AuthState, request: HttpOperation) -> Flow[object]:
    """Send a request with the token; raises the errors of the contract (CLI-7)."""
    yield from ensure_token(auth)
    used = auth.token
    response, failure = yield from _attempt(auth, request)
    if isinstance(failure, BadToken) and not auth.is_manual:
        yield from _wait_for_refresh(auth)
        # Another call of this client may have renewed the token.
        if auth.token == used:
            yield from _refresh_exclusively(auth, _refresh_token(auth))
        response, failure = yield from _attempt(auth, request)
        while isinstance(failure, BadToken) and (yield from _use_next_earlier_token(auth)):
            response, failure = yield from _attempt(auth, request)
        yield from _save_working_token(auth)
        if isinstance(failure, BadToken):
            failure = BadToken(failure.message, remedy=_REJECTED_AGAIN)
    if failure is not None:
        raise failure
    return response


def ensure_token(auth: AuthState) -> Flow[None]:
    """Get a token unless there is one (AUTH-1, AUTH-8, CLI-9)."""
    yield from _wait_for_refresh(auth)
    if auth.token is None:
        yield from _refresh_exclusively(auth, _acquire_token(auth))


def _wait_for_refresh(auth: AuthState) -> Flow[None]:
    """Calls of an async client overlap: only one of them requests a token."""
    while auth.is_refreshing:
        yield Sleep(_REFRESH_POLL_SECONDS)


def _refresh_exclusively(auth: AuthState, flow: Flow[None]) -> Flow[None]:
    auth.is_refreshing = True
    try:
        yield from flow
    finally:
        auth.is_refreshing = False


def _acquire_token(auth: AuthState) -> Flow[None]:
    if not (yield from _use_saved_token(auth)):
        yield from _request_new_token(auth)


def _attempt(auth: AuthState, request: HttpOperation) -> Flow[tuple[object, Exception | None]]:
    signed = msgspec.structs.replace(request, token=auth.token)
    response = yield from _send(auth, signed)
    return response, error_of(response, user_id=auth.user_id, secret=auth.token)


def _send(auth: AuthState, request: HttpOperation) -> Flow[object]:
    """Send a request, and once more after a pause if the backend responds 429 (CLI-7)."""
    response = yield from send_with_reconnect(auth.connection, request)
    if isinstance(error_of(response), RateLimited):
        yield Notice("waiting", "Too many requests, trying again in 30 s")
        yield Sleep(RATE_LIMIT_PAUSE)
        response = yield from send_with_reconnect(auth.connection, request)
    return response


def _refresh_token(auth: AuthState) -> Flow[None]:
    _reject_token(auth)
    # Another process may have renewed the saved token.
    if not (yield from _use_saved_token(auth)):
        yield from _request_new_token(auth)


def _reject_token(auth: AuthState) -> None:
    if auth.token is not None:
        auth.rejected_tokens.add(auth.token)


def _use_saved_token(auth: AuthState) -> Flow[bool]:
    """Use the token that was saved last, if it may be valid."""
    saved: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    if not saved or not auth.is_usable(saved[0], now):
        return False
    auth.use_token(saved[0])
    return True


def _use_earlier_token(auth: AuthState) -> Flow[bool]:
    """Use a token that was saved before the last one.

    Two servers may use one base URL in turn, such as two containers on one port. A server does not
    issue a second token to the same client id, but its first token is still saved.
    """
    saved: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    auth.fallback_token = next((each for each in saved if auth.is_usable(each, now)), None)
    if auth.fallback_token is not None:
        auth.use_token(auth.fallback_token)
    return auth.fallback_token is not None


def _use_next_earlier_token(auth: AuthState) -> Flow[bool]:
    """Use the next earlier token after one was rejected."""
    if auth.fallback_token is None:
        return False
    _reject_token(auth)
    return (yield from _use_earlier_token(auth))


def _save_working_token(auth: AuthState) -> Flow[None]:
    """Save the earlier token that was accepted as the newest."""
    if auth.fallback_token is not None:
        yield SaveToken(auth.fallback_token)
    auth.fallback_token = None
    auth.rejected_tokens.clear()


def _request_new_token(auth: AuthState) -> Flow[None]:
    """Request an anonymous token for the client id; a rejected client id is replaced once."""
    client_id: str = yield LoadClientId()
    try:
        fresh = yield from _fetch_token(auth, client_id)
    except BadRequest:
        client_id = yield RenewClientId()
        fresh = yield from _fetch_token(auth, client_id)
    except RateLimited as limited:
        # One token per client id and week: it is saved, or another process received it.
        if (yield from _use_earlier_token(auth)):
            return
        raise with_token_remedy(limited) from None
    now: float = yield GetTime()
    saved = SavedToken(Secret(fresh.token), _expiry_time(fresh.expires_at, now), fresh.user_id)
    yield SaveToken(saved)
    auth.use_token(saved)


def _fetch_token(auth: AuthState, client_id: str) -> Flow[TokenReply]:
    call = HttpCall(method=TOKEN.method, path=TOKEN.path(), client_id=client_id)
    response = yield from _send(auth, call)
    failure = error_of(response)
    if failure is not None:
        raise failure
    return data_of(response, TokenReply)


def _expiry_time(expires_at: str, now: float) -> float:
    """Return when a token expires; in 7 days if the response is not readable (AUTH-5)."""
    try:
        time = datetime.fromisoformat(expires_at)
    except ValueError:
        return now + _TOKEN_LIFE
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
