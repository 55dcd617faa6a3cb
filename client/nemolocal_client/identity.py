"""Who calls: the token of the environment, else a kept one, else a fresh anonymous one.

`authorized` is the way of every call but the token call: it attaches the token, renews it once
when it is refused (1001), waits once when there are too many calls (429), and raises what is left.
"""

from datetime import UTC, datetime

import msgspec

from nemolocal_contract.endpoints import TOKEN
from nemolocal_contract.replies import TokenReply

from .effects import (
    Call,
    Flow,
    KeepToken,
    KeptToken,
    Notice,
    Now,
    RecallClientId,
    RecallTokens,
    RenewClientId,
    Request,
    Secret,
    Wait,
)
from .errors import BadRequest, BadToken, RateLimited, no_token
from .failures import data_of, failure_of
from .polling import RATE_LIMIT_PAUSE
from .reconnecting import Link, reach

_TOKEN_LIFE = 7 * 24 * 3600.0
# NEMO_TOKEN, which its usual remedy is about, is not set then.
_REFUSED_AGAIN = "a fresh token was refused as well: check the base URL, and try again later"
# Seconds until a call looks again whether another one has got the token.
_OTHERS = 0.2


class Account:
    """The token in use and whose it is; `fixed` tokens (NEMO_TOKEN) are never renewed (AUTH-8)."""

    def __init__(self, fixed: Secret | None = None, link: Link | None = None) -> None:
        self.link = link or Link()
        self.fixed = fixed is not None
        self.token = fixed
        self.user_id = ""
        self.busy = False
        # Tokens that were refused since a call went well, and the earlier one that is being tried.
        self.refused: set[Secret] = set()
        self.tried: KeptToken | None = None

    def adopt(self, kept: KeptToken) -> None:
        """Use this token from now on."""
        self.token = kept.token
        self.user_id = kept.user_id

    def usable(self, kept: KeptToken, now: float) -> bool:
        """Whether a kept token may still be good."""
        return kept.expires_at > now and kept.token not in self.refused


def authorized(account: Account, request: Request) -> Flow[object]:
    """Send a request with the token; the reply, or the error that the contract gives it (CLI-7)."""
    yield from sign_in(account)
    used = account.token
    reply, failure = yield from _attempt(account, request)
    if isinstance(failure, BadToken) and not account.fixed:
        yield from _wait_for_others(account)
        # Another call of this client may have renewed it in the meantime.
        if account.token == used:
            yield from _alone(account, _renew(account))
        reply, failure = yield from _attempt(account, request)
        while isinstance(failure, BadToken) and (yield from _try_earlier(account)):
            reply, failure = yield from _attempt(account, request)
        yield from _settle(account)
        if isinstance(failure, BadToken):
            failure = BadToken(failure.message, remedy=_REFUSED_AGAIN)
    if failure is not None:
        raise failure
    return reply


def sign_in(account: Account) -> Flow[None]:
    """See that there is a token (AUTH-1, AUTH-8, CLI-9)."""
    yield from _wait_for_others(account)
    if account.token is None:
        yield from _alone(account, _find_token(account))


def _wait_for_others(account: Account) -> Flow[None]:
    """Calls of an async client overlap: only one of them gets a token for all."""
    while account.busy:
        yield Wait(_OTHERS)


def _alone(account: Account, flow: Flow[None]) -> Flow[None]:
    account.busy = True
    try:
        yield from flow
    finally:
        account.busy = False


def _find_token(account: Account) -> Flow[None]:
    if not (yield from _adopt_kept(account)):
        yield from _ask(account)


def _attempt(account: Account, request: Request) -> Flow[tuple[object, Exception | None]]:
    signed = msgspec.structs.replace(request, token=account.token)
    reply = yield from _send(account, signed)
    return reply, failure_of(reply, user_id=account.user_id, secret=account.token)


def _send(account: Account, request: Request) -> Flow[object]:
    """Send, and once more after a pause when the backend says 429 (CLI-7)."""
    reply = yield from reach(account.link, request)
    if isinstance(failure_of(reply), RateLimited):
        yield Notice("waiting", "Too many requests, trying again in 30 s")
        yield Wait(RATE_LIMIT_PAUSE)
        reply = yield from reach(account.link, request)
    return reply


def _renew(account: Account) -> Flow[None]:
    _refuse(account)
    # Another process may have renewed the kept token in the meantime.
    if not (yield from _adopt_kept(account)):
        yield from _ask(account)


def _refuse(account: Account) -> None:
    if account.token is not None:
        account.refused.add(account.token)


def _adopt_kept(account: Account) -> Flow[bool]:
    """Use the token that was kept last, if it may be good."""
    kept: tuple[KeptToken, ...] = yield RecallTokens()
    now: float = yield Now()
    if not kept or not account.usable(kept[0], now):
        return False
    account.adopt(kept[0])
    return True


def _adopt_earlier(account: Account) -> Flow[bool]:
    """Use a token that was kept before the last one.

    Two servers may stand behind one base URL by turns, such as two containers behind one port: the
    one that is back gives no second token, but the first is kept.
    """
    kept: tuple[KeptToken, ...] = yield RecallTokens()
    now: float = yield Now()
    account.tried = next((each for each in kept if account.usable(each, now)), None)
    if account.tried is not None:
        account.adopt(account.tried)
    return account.tried is not None


def _try_earlier(account: Account) -> Flow[bool]:
    """Go on to the next earlier token where one was refused."""
    if account.tried is None:
        return False
    _refuse(account)
    return (yield from _adopt_earlier(account))


def _settle(account: Account) -> Flow[None]:
    """Begin with the token that was found good the next time, too."""
    if account.tried is not None:
        yield KeepToken(account.tried)
    account.tried = None
    account.refused.clear()


def _ask(account: Account) -> Flow[None]:
    """A fresh anonymous token for the kept client id; a refused client id is replaced once."""
    client_id: str = yield RecallClientId()
    try:
        fresh = yield from _token_for(account, client_id)
    except BadRequest:
        client_id = yield RenewClientId()
        fresh = yield from _token_for(account, client_id)
    except RateLimited as limited:
        # One token per client id and week: it is kept, or another process got it meanwhile.
        if (yield from _adopt_earlier(account)):
            return
        raise no_token(limited) from None
    now: float = yield Now()
    kept = KeptToken(Secret(fresh.token), _epoch(fresh.expires_at, now), fresh.user_id)
    yield KeepToken(kept)
    account.adopt(kept)


def _token_for(account: Account, client_id: str) -> Flow[TokenReply]:
    call = Call(method=TOKEN.method, path=TOKEN.path(), client_id=client_id)
    reply = yield from _send(account, call)
    failure = failure_of(reply)
    if failure is not None:
        raise failure
    return data_of(reply, TokenReply)


def _epoch(expires_at: str, now: float) -> float:
    """When a token ends; 7 days ahead where the reply does not say it readably (AUTH-5)."""
    try:
        moment = datetime.fromisoformat(expires_at)
    except ValueError:
        return now + _TOKEN_LIFE
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
