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

    def __init__(self, fixed: Secret | None = None, link: ConnectionState | None = None) -> None:
        self.connection = link or ConnectionState()
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


def send_authorized(account: AuthState, request: HttpOperation) -> Flow[object]:
    """Send a request with the token; raises the errors of the contract (CLI-7)."""
    yield from ensure_token(account)
    used = account.token
    reply, failure = yield from _attempt(account, request)
    if isinstance(failure, BadToken) and not account.is_manual:
        yield from _wait_for_refresh(account)
        # Another call of this client may have renewed the token.
        if account.token == used:
            yield from _refresh_exclusively(account, _refresh_token(account))
        reply, failure = yield from _attempt(account, request)
        while isinstance(failure, BadToken) and (yield from _use_next_earlier_token(account)):
            reply, failure = yield from _attempt(account, request)
        yield from _save_working_token(account)
        if isinstance(failure, BadToken):
            failure = BadToken(failure.message, remedy=_REJECTED_AGAIN)
    if failure is not None:
        raise failure
    return reply


def ensure_token(account: AuthState) -> Flow[None]:
    """Get a token unless there is one (AUTH-1, AUTH-8, CLI-9)."""
    yield from _wait_for_refresh(account)
    if account.token is None:
        yield from _refresh_exclusively(account, _acquire_token(account))


def _wait_for_refresh(account: AuthState) -> Flow[None]:
    """Calls of an async client overlap: only one of them requests a token."""
    while account.is_refreshing:
        yield Sleep(_REFRESH_POLL_SECONDS)


def _refresh_exclusively(account: AuthState, flow: Flow[None]) -> Flow[None]:
    account.is_refreshing = True
    try:
        yield from flow
    finally:
        account.is_refreshing = False


def _acquire_token(account: AuthState) -> Flow[None]:
    if not (yield from _use_saved_token(account)):
        yield from _request_new_token(account)


def _attempt(account: AuthState, request: HttpOperation) -> Flow[tuple[object, Exception | None]]:
    signed = msgspec.structs.replace(request, token=account.token)
    reply = yield from _send(account, signed)
    return reply, error_of(reply, user_id=account.user_id, secret=account.token)


def _send(account: AuthState, request: HttpOperation) -> Flow[object]:
    """Send a request, and once more after a pause if the backend responds 429 (CLI-7)."""
    reply = yield from send_with_reconnect(account.connection, request)
    if isinstance(error_of(reply), RateLimited):
        yield Notice("waiting", "Too many requests, trying again in 30 s")
        yield Sleep(RATE_LIMIT_PAUSE)
        reply = yield from send_with_reconnect(account.connection, request)
    return reply


def _refresh_token(account: AuthState) -> Flow[None]:
    _reject_token(account)
    # Another process may have renewed the saved token.
    if not (yield from _use_saved_token(account)):
        yield from _request_new_token(account)


def _reject_token(account: AuthState) -> None:
    if account.token is not None:
        account.rejected_tokens.add(account.token)


def _use_saved_token(account: AuthState) -> Flow[bool]:
    """Use the token that was saved last, if it may be valid."""
    saved: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    if not saved or not account.is_usable(saved[0], now):
        return False
    account.use_token(saved[0])
    return True


def _use_earlier_token(account: AuthState) -> Flow[bool]:
    """Use a token that was saved before the last one.

    Two servers may use one base URL in turn, such as two containers on one port. A server does not
    issue a second token to the same client id, but its first token is still saved.
    """
    saved: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    account.fallback_token = next((each for each in saved if account.is_usable(each, now)), None)
    if account.fallback_token is not None:
        account.use_token(account.fallback_token)
    return account.fallback_token is not None


def _use_next_earlier_token(account: AuthState) -> Flow[bool]:
    """Use the next earlier token after one was rejected."""
    if account.fallback_token is None:
        return False
    _reject_token(account)
    return (yield from _use_earlier_token(account))


def _save_working_token(account: AuthState) -> Flow[None]:
    """Save the earlier token that was accepted as the newest."""
    if account.fallback_token is not None:
        yield SaveToken(account.fallback_token)
    account.fallback_token = None
    account.rejected_tokens.clear()


def _request_new_token(account: AuthState) -> Flow[None]:
    """Request an anonymous token for the client id; a rejected client id is replaced once."""
    client_id: str = yield LoadClientId()
    try:
        fresh = yield from _fetch_token(account, client_id)
    except BadRequest:
        client_id = yield RenewClientId()
        fresh = yield from _fetch_token(account, client_id)
    except RateLimited as limited:
        # One token per client id and week: it is saved, or another process received it.
        if (yield from _use_earlier_token(account)):
            return
        raise with_token_remedy(limited) from None
    now: float = yield GetTime()
    saved = SavedToken(Secret(fresh.token), _expiry_time(fresh.expires_at, now), fresh.user_id)
    yield SaveToken(saved)
    account.use_token(saved)


def _fetch_token(account: AuthState, client_id: str) -> Flow[TokenReply]:
    call = HttpCall(method=TOKEN.method, path=TOKEN.path(), client_id=client_id)
    reply = yield from _send(account, call)
    failure = error_of(reply)
    if failure is not None:
        raise failure
    return data_of(reply, TokenReply)


def _expiry_time(expires_at: str, now: float) -> float:
    """Return when a token expires; in 7 days if the response is not readable (AUTH-5)."""
    try:
        time = datetime.fromisoformat(expires_at)
    except ValueError:
        return now + _TOKEN_LIFE
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
