"""Who calls: the token of the environment, else a kept one, else a fresh anonymous one.

`send_authorized` is the way of every call but the token call: it attaches the token, renews it once
when it is refused (1001), waits once when there are too many calls (429), and raises what is left.
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
# NEMO_TOKEN, which its usual remedy is about, is not set then.
_REJECTED_AGAIN = "a fresh token was refused as well: check the base URL, and try again later"
# Seconds until a call looks again whether another one has got the token.
_REFRESH_POLL_SECONDS = 0.2


class AuthState:
    """The token in use and whose it is; `fixed` tokens (NEMO_TOKEN) are never renewed (AUTH-8)."""

    def __init__(self, fixed: Secret | None = None, link: ConnectionState | None = None) -> None:
        self.connection = link or ConnectionState()
        self.is_manual = fixed is not None
        self.token = fixed
        self.user_id = ""
        self.is_refreshing = False
        # Tokens that were refused since a call went well, and the earlier one that is being tried.
        self.rejected_tokens: set[Secret] = set()
        self.fallback_token: SavedToken | None = None

    def use_token(self, kept: SavedToken) -> None:
        """Use this token from now on."""
        self.token = kept.token
        self.user_id = kept.user_id

    def is_usable(self, kept: SavedToken, now: float) -> bool:
        """Whether a kept token may still be good."""
        return kept.expires_at > now and kept.token not in self.rejected_tokens


def send_authorized(account: AuthState, request: HttpOperation) -> Flow[object]:
    """Send a request with the token; the reply, or the error that the contract gives it (CLI-7)."""
    yield from ensure_token(account)
    used = account.token
    reply, failure = yield from _attempt(account, request)
    if isinstance(failure, BadToken) and not account.is_manual:
        yield from _wait_for_refresh(account)
        # Another call of this client may have renewed it in the meantime.
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
    """See that there is a token (AUTH-1, AUTH-8, CLI-9)."""
    yield from _wait_for_refresh(account)
    if account.token is None:
        yield from _refresh_exclusively(account, _acquire_token(account))


def _wait_for_refresh(account: AuthState) -> Flow[None]:
    """Calls of an async client overlap: only one of them gets a token for all."""
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
    """Send, and once more after a pause when the backend says 429 (CLI-7)."""
    reply = yield from send_with_reconnect(account.connection, request)
    if isinstance(error_of(reply), RateLimited):
        yield Notice("waiting", "Too many requests, trying again in 30 s")
        yield Sleep(RATE_LIMIT_PAUSE)
        reply = yield from send_with_reconnect(account.connection, request)
    return reply


def _refresh_token(account: AuthState) -> Flow[None]:
    _reject_token(account)
    # Another process may have renewed the kept token in the meantime.
    if not (yield from _use_saved_token(account)):
        yield from _request_new_token(account)


def _reject_token(account: AuthState) -> None:
    if account.token is not None:
        account.rejected_tokens.add(account.token)


def _use_saved_token(account: AuthState) -> Flow[bool]:
    """Use the token that was kept last, if it may be good."""
    kept: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    if not kept or not account.is_usable(kept[0], now):
        return False
    account.use_token(kept[0])
    return True


def _use_earlier_token(account: AuthState) -> Flow[bool]:
    """Use a token that was kept before the last one.

    Two servers may stand behind one base URL by turns, such as two containers behind one port: the
    one that is back gives no second token, but the first is kept.
    """
    kept: tuple[SavedToken, ...] = yield LoadTokens()
    now: float = yield GetTime()
    account.fallback_token = next((each for each in kept if account.is_usable(each, now)), None)
    if account.fallback_token is not None:
        account.use_token(account.fallback_token)
    return account.fallback_token is not None


def _use_next_earlier_token(account: AuthState) -> Flow[bool]:
    """Go on to the next earlier token where one was refused."""
    if account.fallback_token is None:
        return False
    _reject_token(account)
    return (yield from _use_earlier_token(account))


def _save_working_token(account: AuthState) -> Flow[None]:
    """Begin with the token that was found good the next time, too."""
    if account.fallback_token is not None:
        yield SaveToken(account.fallback_token)
    account.fallback_token = None
    account.rejected_tokens.clear()


def _request_new_token(account: AuthState) -> Flow[None]:
    """A fresh anonymous token for the kept client id; a refused client id is replaced once."""
    client_id: str = yield LoadClientId()
    try:
        fresh = yield from _fetch_token(account, client_id)
    except BadRequest:
        client_id = yield RenewClientId()
        fresh = yield from _fetch_token(account, client_id)
    except RateLimited as limited:
        # One token per client id and week: it is kept, or another process got it meanwhile.
        if (yield from _use_earlier_token(account)):
            return
        raise with_token_remedy(limited) from None
    now: float = yield GetTime()
    kept = SavedToken(Secret(fresh.token), _expiry_time(fresh.expires_at, now), fresh.user_id)
    yield SaveToken(kept)
    account.use_token(kept)


def _fetch_token(account: AuthState, client_id: str) -> Flow[TokenReply]:
    call = HttpCall(method=TOKEN.method, path=TOKEN.path(), client_id=client_id)
    reply = yield from _send(account, call)
    failure = error_of(reply)
    if failure is not None:
        raise failure
    return data_of(reply, TokenReply)


def _expiry_time(expires_at: str, now: float) -> float:
    """When a token ends; 7 days ahead where the reply does not say it readably (AUTH-5)."""
    try:
        moment = datetime.fromisoformat(expires_at)
    except ValueError:
        return now + _TOKEN_LIFE
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
