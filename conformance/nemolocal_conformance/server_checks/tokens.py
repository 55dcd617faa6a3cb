"""Section 2: anonymous tokens, their lifetime, scopes and claim tokens (AUTH-1 to AUTH-7)."""

import re
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
    CLIENT_ID_MAX,
)
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import CheckFailed, expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..error_assertions import error_code, expect_error
from ..reply_forms import CLAIM_LIFETIME
from ..server_check import server_check
from ..target import TargetResponse

# The maximum difference between the clock of a server and ours.
_SLACK = 120
_UTC = re.compile(r"(?:[Zz]|[+-]00:?00)$")


def _fresh_reply(context: CheckContext) -> dict[str, object]:
    """Return the token reply of the run's account, or of another one."""
    return context.account.token_reply or _take(context)


def _take(context: CheckContext, client_id: str | None = None) -> dict[str, object]:
    """Return `data` of the token call for a client that has no token."""
    data = context.take_token(client_id or str(uuid.uuid4())).data
    return dict(expect_type("data", data, dict))


def _take_token(context: CheckContext, client_id: str) -> str:
    """Return a token for a client that has none."""
    token = require_field("data", _take(context, client_id), "token")
    return str(expect_type("data.token", token, str))


def _server_time(context: CheckContext, response: TargetResponse) -> float:
    """Return the time on the server when it sent this response, ours where it does not say."""
    if context.has_control:
        return context.control.read_clock()
    date = _parse_date(response.headers.get("date", ""))
    return (date or datetime.now(UTC)).timestamp()


def _parse_date(text: str) -> datetime | None:
    """Return the time of an HTTP date, None for other texts."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _lifetime(context: CheckContext) -> float:
    """Return the seconds that an anonymous token lives: a setting of a local server."""
    return context.settings.token_lifetime


@server_check("token.new.prefix", "AUTH-1", prerequisite="token")
def token_has_its_prefix(context: CheckContext) -> None:
    """An anonymous token MUST begin with `nmv_usr_`."""
    token = expect_type("data.token", require_field("data", _fresh_reply(context), "token"), str)
    expect_true(
        "data.token", token.startswith(ANONYMOUS_TOKEN_PREFIX), ANONYMOUS_TOKEN_PREFIX, token[:8]
    )


@server_check("token.new.credits", "AUTH-1", prerequisite="token")
def token_comes_with_credits(context: CheckContext) -> None:
    """A new anonymous token MUST come with 100 credits."""
    credits = require_field("data", _fresh_reply(context), "credits")
    expect_equal("data.credits", credits, context.settings.tariff.grant)


@server_check("token.new.balance", "AUTH-1", "CRD-1", tokens=1)
def fresh_balance_is_the_credits(context: CheckContext) -> None:
    """The balance of a new anonymous token MUST equal `credits` in the token reply."""
    data = _take(context)
    balance = context.read_balance(TargetAccount(str(require_field("data", data, "token"))))
    expect_equal("data.available", balance["available"], require_field("data", data, "credits"))


@server_check("token.new.user", "AUTH-1", prerequisite="token")
def token_names_its_user(context: CheckContext) -> None:
    """A new anonymous token MUST come with a `user_id` that begins with `anon_`."""
    user = expect_type("data.user_id", require_field("data", _fresh_reply(context), "user_id"), str)
    expect_true("data.user_id", user.startswith(ANONYMOUS_USER_PREFIX), "anon_…", user)


@server_check("token.new.expiry", "AUTH-1", "AUTH-5", tokens=1)
def token_says_when_it_ends(context: CheckContext) -> None:
    """`expires_at` MUST be an ISO 8601 time in UTC, 7 days ahead."""
    # A clock that runs fast may go on meanwhile.
    before = context.control.read_clock() if context.has_control else None
    response = context.take_token(str(uuid.uuid4()))
    now, data = _server_time(context, response), expect_type("data", response.data, dict)
    said = expect_type("data.expires_at", require_field("data", data, "expires_at"), str)
    expect_true("data.expires_at", bool(_UTC.search(said)), "UTC", said)
    try:
        expires = datetime.fromisoformat(_UTC.sub("+00:00", said)).timestamp()
    except ValueError:
        raise CheckFailed("data.expires_at", "an ISO 8601 time", said) from None
    lifetime = _lifetime(context)
    earliest = (now if before is None else before) + lifetime - _SLACK
    fits = earliest <= expires <= now + lifetime + _SLACK
    expect_true("data.expires_at", fits, f"{lifetime:.0f} s ahead", f"{expires - now:.0f} s")


@server_check("token.new.no-body", "AUTH-1", tokens=1)
def token_call_needs_no_body(context: CheckContext) -> None:
    """The token call MUST work without a body, and with an empty JSON object."""
    bodies: tuple[dict[str, str] | None, ...] = (None, {})
    for body in bodies:
        response = context.take_token(str(uuid.uuid4()), json=body)
        expect_type("data.token", require_field("data", response.data, "token"), str)


@server_check("token.client-id.any-string", "AUTH-1", tokens=2)
def client_id_may_be_any_string(context: CheckContext) -> None:
    """A client id of 1 to 64 characters MUST be accepted, UUID or not."""
    for client_id in (uuid.uuid4().hex[:1] + uuid.uuid4().hex[:7], uuid.uuid4().hex * 2):
        assert len(client_id) <= CLIENT_ID_MAX
        _take_token(context, client_id)


@server_check("token.client-id.too-long", "AUTH-1")
def client_id_may_not_be_longer(context: CheckContext) -> None:
    """A client id of more than 64 characters MUST be refused with 400."""
    response = context.request_token("x" * (CLIENT_ID_MAX + 1))
    expect_equal("the HTTP status", response.status, 400)
    expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("token.client-id.missing", "AUTH-2")
def client_id_must_be_there(context: CheckContext) -> None:
    """A token call without `X-Client-Id` MUST be refused with HTTP 400 and code 400."""
    response = context.request_token(None)
    expect_equal("the HTTP status", response.status, 400)
    expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("token.client-id.empty", "AUTH-2")
def client_id_must_not_be_empty(context: CheckContext) -> None:
    """A token call with an empty `X-Client-Id` MUST be refused with HTTP 400 and code 400."""
    response = context.request_token("")
    expect_equal("the HTTP status", response.status, 400)
    expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("token.again.refused", "AUTH-3", tokens=1)
def second_token_is_refused(context: CheckContext) -> None:
    """A second token request for a client id within 7 days MUST be refused with HTTP 429 and code
    429.
    """
    client_id = str(uuid.uuid4())
    _take_token(context, client_id)
    response = context.request_token(client_id)
    expect_equal("the HTTP status", response.status, 429)
    expect_error(context, response, ResponseCode.RATE_LIMITED)


@server_check("token.again.retry-after", "AUTH-3", tokens=1, assumed=True)
def refusal_says_when_to_come_back(context: CheckContext) -> None:
    """The 429 of the token call SHOULD carry a `Retry-After` of at most 7 days."""
    client_id = str(uuid.uuid4())
    _take_token(context, client_id)
    response = context.request_token(client_id)
    after, lifetime = _retry_after(response), _lifetime(context)
    fits = after is not None and 0 < after <= max(lifetime, 1.0)
    said = response.headers.get("retry-after", "")
    expect_true("Retry-After", fits, f"a time within {lifetime:.0f} s", said)


def _retry_after(response: TargetResponse) -> float | None:
    """Return the seconds of `Retry-After`, which may be a date (RFC 9110); None for other texts."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said)
    date, now = _parse_date(said), _parse_date(response.headers.get("date", ""))
    if date is None:
        return None
    return date.timestamp() - (now or datetime.now(UTC)).timestamp()


@server_check("token.again.next-week", "AUTH-5", "AUTH-3", needs_control=True)
def next_week_the_client_may_ask_again(context: CheckContext) -> None:
    """After 7 days the same client id MUST get a new token."""
    client_id = str(uuid.uuid4())
    old = _take_token(context, client_id)
    context.control.advance_clock(_lifetime(context) + 1)
    new = _take_token(context, client_id)
    expect_true("the new token", new != old, "another token", "the old token")


@server_check("token.life.alive", "AUTH-5", needs_control=True)
def token_lives_almost_a_week(context: CheckContext) -> None:
    """A token MUST still be valid shortly before its 7 days end."""
    account = context.new_account(lasting=False)
    context.control.advance_clock(_lifetime(context) - min(60, _lifetime(context) / 2))
    expect_equal("code", error_code(context.call(wire.BALANCE, account)), 0)


@server_check("token.life.over", "AUTH-5", "GEN-3", needs_control=True)
def token_ends_after_a_week(context: CheckContext) -> None:
    """A token MUST be refused with 1001 after its 7 days."""
    account = context.new_account(lasting=False)
    context.control.advance_clock(_lifetime(context) + 1)
    expect_error(context, context.call(wire.BALANCE, account), ResponseCode.BAD_TOKEN)


@server_check("token.revoked", "GEN-3", "AUTH-6", needs_control=True)
def revoked_token_is_refused(context: CheckContext) -> None:
    """A revoked token MUST be refused with 1001."""
    account = context.make_account()
    context.control.change_token(account.token_reply["id"], revoked=True)
    expect_error(context, context.call(wire.BALANCE, account), ResponseCode.BAD_TOKEN)


@server_check("token.scope.missing", "AUTH-6", needs_control=True)
def missing_scope_is_refused(context: CheckContext) -> None:
    """A call outside the scopes of its token MUST be refused with 1001."""
    reader = context.make_account(scopes=["read"])
    require_field("data", context.read_balance(reader), "available")
    response = context.call(wire.SESSION, reader, json={"task_name": "project", "language": "en"})
    expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("token.scope.star", "AUTH-6", needs_control=True)
def wildcard_is_every_scope(context: CheckContext) -> None:
    """A token with the scope `*` MUST be allowed every call."""
    account = context.make_account(scopes=["*"])
    session = context.new_session(account)
    require_field("data", context.read_state(session, account), "state")


@server_check("token.claim.made", "AUTH-7", prerequisite="session")
def claim_token_is_made(context: CheckContext) -> None:
    """A claim token MUST begin with `clm_` and be valid for 604,800 seconds."""
    data = _claim(context, context.session)
    token = expect_type("data.claim_token", require_field("data", data, "claim_token"), str)
    expect_true("data.claim_token", token.startswith(CLAIM_TOKEN_PREFIX), "clm_…", token[:4])
    expect_equal("data.expires_in", require_field("data", data, "expires_in"), CLAIM_LIFETIME)


@server_check("token.claim.no-bearer", "AUTH-7", "GEN-3", prerequisite="session")
def claim_token_is_no_bearer(context: CheckContext) -> None:
    """A claim token MUST be refused with 1001 as a bearer token."""
    claim = require_field("data", _claim(context, context.session), "claim_token")
    expect_error(context, context.call(wire.BALANCE, TargetAccount(claim)), ResponseCode.BAD_TOKEN)


@server_check("token.claim.page", "AUTH-7", needs_control=True)
def claim_token_opens_its_page(context: CheckContext) -> None:
    """A claim token MUST open `/workspace/claim?ct=…`, more than once."""
    claim = require_field("data", _claim(context, context.session), "claim_token")
    for _ in range(2):
        page = context.target.request("GET", f"{wire.CLAIM_PAGE.template}?ct={claim}")
        expect_equal("the HTTP status", page.status, 200)
        expect_equal("content-type", page.media_type, "text/html")


@server_check("token.claim.foreign", "AUTH-7", "SES-3", prerequisite="session", tokens=1)
def foreign_session_cannot_be_claimed(context: CheckContext) -> None:
    """A claim token request for another user's session MUST be refused with 1002."""
    task = require_field("data", context.read_state(context.session), "task_id")
    wanted = {"task_id": task, "session_id": context.session}
    response = context.call(wire.CLAIM_TOKEN, context.new_account(), json=wanted)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


def _claim(context: CheckContext, session: str) -> dict[str, object]:
    task = require_field("data", context.read_state(session), "task_id")
    body = {"task_id": task, "session_id": session}
    data = context.call(wire.CLAIM_TOKEN, json=body).data
    return dict(expect_type("data", data, dict))
