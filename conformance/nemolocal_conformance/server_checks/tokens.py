"""Section 2: anonymous tokens, their life, scopes and claim tokens (AUTH-1 to AUTH-7)."""

import re
import uuid
from datetime import UTC, datetime

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code
from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
    CLIENT_ID,
    CLIENT_ID_MAX,
)

from ..check import check
from ..expectations import expect, expect_that, expect_type, field
from ..failures import expect_failure, failure_code
from ..stage import Account, Stage

_WEEK = 7 * 86_400
# Between the moment that a server writes down and the one that we compare with.
_SLACK = 120
_CREDITS = 100
_CLAIM_LIFE = 604_800


def _fresh(stage: Stage) -> Account:
    """The run's account, as the token call gave it."""
    account = stage.account
    if not account.reply:
        return stage.new_account()
    return account


def _now(stage: Stage) -> float:
    return stage.control.time() if stage.ours else datetime.now(UTC).timestamp()


@check("token.new.prefix", "AUTH-1", needs="token")
def token_has_its_prefix(stage: Stage) -> None:
    """An anonymous token MUST begin with `nmv_usr_`."""
    token = expect_type("data.token", field("data", _fresh(stage).reply, "token"), str)
    expect_that(
        "data.token", token.startswith(ANONYMOUS_TOKEN_PREFIX), ANONYMOUS_TOKEN_PREFIX, token[:8]
    )


@check("token.new.credits", "AUTH-1", needs="token")
def token_comes_with_credits(stage: Stage) -> None:
    """A fresh anonymous token MUST come with 100 credits."""
    expect("data.credits", field("data", _fresh(stage).reply, "credits"), _CREDITS)


@check("token.new.balance", "AUTH-1", "CRD-1", tokens=1)
def fresh_balance_is_the_credits(stage: Stage) -> None:
    """The balance of a fresh anonymous token MUST be what the token call said."""
    client_id = str(uuid.uuid4())
    data = stage.ask_for_token(client_id).data
    balance = stage.balance(Account(data["token"]))
    expect("data.available", field("data", balance, "available"), data["credits"])


@check("token.new.user", "AUTH-1", needs="token")
def token_names_its_user(stage: Stage) -> None:
    """A fresh anonymous token MUST come with a `user_id` that begins with `anon_`."""
    user = expect_type("data.user_id", field("data", _fresh(stage).reply, "user_id"), str)
    expect_that("data.user_id", user.startswith(ANONYMOUS_USER_PREFIX), "anon_…", user)


@check("token.new.expiry", "AUTH-1", "AUTH-5", tokens=1)
def token_says_when_it_ends(stage: Stage) -> None:
    """`expires_at` MUST be an ISO 8601 time in UTC, 7 days ahead."""
    now = _now(stage)
    data = stage.ask_for_token(str(uuid.uuid4())).data
    said = expect_type("data.expires_at", field("data", data, "expires_at"), str)
    expect_that("data.expires_at", bool(re.search(r"(Z|\+00:00)$", said)), "UTC", said)
    ahead = datetime.fromisoformat(said.replace("Z", "+00:00")).timestamp() - now
    expect_that("data.expires_at", abs(ahead - _WEEK) <= _SLACK, "7 days ahead", f"{ahead:.0f} s")


@check("token.new.no-body", "AUTH-1", tokens=1)
def token_call_needs_no_body(stage: Stage) -> None:
    """The token call MUST work without a body, and with an empty JSON object."""
    bodies: tuple[dict[str, str] | None, ...] = (None, {})
    for body in bodies:
        headers = {CLIENT_ID: str(uuid.uuid4())}
        answer = stage.peer.call("POST", wire.TOKEN.template, headers=headers, json=body)
        expect_type("data.token", field("data", answer.data, "token"), str)


@check("token.client-id.any-string", "AUTH-1", tokens=2)
def client_id_may_be_any_string(stage: Stage) -> None:
    """A client id of 1 to 64 characters MUST be taken, a UUID or not."""
    for client_id in (uuid.uuid4().hex[:1] + uuid.uuid4().hex[:7], uuid.uuid4().hex * 2):
        assert len(client_id) <= CLIENT_ID_MAX
        field("data", stage.ask_for_token(client_id).data, "token")


@check("token.client-id.too-long", "AUTH-1")
def client_id_may_not_be_longer(stage: Stage) -> None:
    """A client id of more than 64 characters MUST be refused with 400."""
    answer = stage.ask_for_token("x" * (CLIENT_ID_MAX + 1))
    expect("the HTTP status", answer.status, 400)
    expect_failure(stage, answer, Code.BAD_REQUEST)


@check("token.client-id.missing", "AUTH-2")
def client_id_must_be_there(stage: Stage) -> None:
    """A token call without `X-Client-Id` MUST be HTTP 400 with code 400."""
    answer = stage.ask_for_token(None)
    expect("the HTTP status", answer.status, 400)
    expect_failure(stage, answer, Code.BAD_REQUEST)


@check("token.client-id.empty", "AUTH-2")
def client_id_must_not_be_empty(stage: Stage) -> None:
    """A token call with an empty `X-Client-Id` MUST be HTTP 400 with code 400."""
    answer = stage.ask_for_token("")
    expect("the HTTP status", answer.status, 400)
    expect_failure(stage, answer, Code.BAD_REQUEST)


@check("token.again.refused", "AUTH-3", tokens=1)
def second_token_is_refused(stage: Stage) -> None:
    """A second token for one client id within 7 days MUST be HTTP 429 with code 429."""
    client_id = str(uuid.uuid4())
    field("data", stage.ask_for_token(client_id).data, "token")
    answer = stage.ask_for_token(client_id)
    expect("the HTTP status", answer.status, 429)
    expect_failure(stage, answer, Code.RATE_LIMITED)


@check("token.again.retry-after", "AUTH-3", tokens=1, assumed=True)
def refusal_says_when_to_come_back(stage: Stage) -> None:
    """The 429 of the token call SHOULD say in `Retry-After` when to come back, within 7 days."""
    client_id = str(uuid.uuid4())
    field("data", stage.ask_for_token(client_id).data, "token")
    after = stage.ask_for_token(client_id).headers.get("retry-after", "")
    fits = after.isdecimal() and 0 < int(after) <= _WEEK
    expect_that("Retry-After", fits, "seconds within 7 days", after)


@check("token.again.next-week", "AUTH-5", "AUTH-3", control=True)
def next_week_the_client_may_ask_again(stage: Stage) -> None:
    """After 7 days the same client id MUST get a new token."""
    client_id = str(uuid.uuid4())
    old = field("data", stage.ask_for_token(client_id).data, "token")
    stage.control.advance(_WEEK + 1)
    new = field("data", stage.ask_for_token(client_id).data, "token")
    expect_that("the new token", new != old, "another one", "the old one")


@check("token.life.alive", "AUTH-5", control=True)
def token_lives_almost_a_week(stage: Stage) -> None:
    """A token MUST still be good shortly before its 7 days are over."""
    account = stage.new_account()
    stage.control.advance(_WEEK - 60)
    expect("code of a failure", failure_code(stage.call(wire.BALANCE, account)), 0)


@check("token.life.over", "AUTH-5", "GEN-3", control=True)
def token_ends_after_a_week(stage: Stage) -> None:
    """A token MUST be refused with 1001 once its 7 days are over."""
    account = stage.new_account()
    stage.control.advance(_WEEK + 1)
    expect_failure(stage, stage.call(wire.BALANCE, account), Code.BAD_TOKEN)


@check("token.revoked", "GEN-3", "AUTH-6", control=True)
def revoked_token_is_refused(stage: Stage) -> None:
    """A revoked token MUST be refused with 1001."""
    account = stage.anybody()
    stage.control.change_token(account.reply["id"], revoked=True)
    expect_failure(stage, stage.call(wire.BALANCE, account), Code.BAD_TOKEN)


@check("token.scope.missing", "AUTH-6", control=True)
def missing_scope_is_refused(stage: Stage) -> None:
    """A call for which a token lacks the scope MUST be refused."""
    reader = stage.anybody(scopes=["read"])
    field("data", stage.balance(reader), "available")
    answer = stage.call(wire.SESSION, reader, json={"task_name": "project", "language": "en"})
    expect_failure(stage, answer, Code.BAD_TOKEN)


@check("token.scope.star", "AUTH-6", control=True)
def star_is_every_scope(stage: Stage) -> None:
    """A token with the scope `*` MUST be allowed everything."""
    account = stage.anybody(scopes=["*"])
    session = stage.new_session(account)
    field("data", stage.state(session, account), "state")


@check("token.claim.made", "AUTH-7", needs="session")
def claim_token_is_made(stage: Stage) -> None:
    """A claim token MUST begin with `clm_` and live 604,800 seconds."""
    data = _claim(stage, stage.session)
    token = expect_type("data.claim_token", field("data", data, "claim_token"), str)
    expect_that("data.claim_token", token.startswith(CLAIM_TOKEN_PREFIX), "clm_…", token[:4])
    expect("data.expires_in", field("data", data, "expires_in"), _CLAIM_LIFE)


@check("token.claim.no-bearer", "AUTH-7", "GEN-3", needs="session")
def claim_token_is_no_bearer(stage: Stage) -> None:
    """A claim token MUST be refused with 1001 as a bearer token."""
    claim = field("data", _claim(stage, stage.session), "claim_token")
    expect_failure(stage, stage.call(wire.BALANCE, Account(claim)), Code.BAD_TOKEN)


@check("token.claim.page", "AUTH-7", control=True)
def claim_token_opens_its_page(stage: Stage) -> None:
    """A claim token MUST open `/workspace/claim?ct=…`, and again: it is reusable."""
    claim = field("data", _claim(stage, stage.session), "claim_token")
    for _ in range(2):
        page = stage.peer.call("GET", f"{wire.CLAIM_PAGE.template}?ct={claim}")
        expect("the HTTP status", page.status, 200)
        kind = page.headers.get("content-type", "").partition(";")[0]
        expect("content-type", kind, "text/html")


@check("token.claim.foreign", "AUTH-7", "SES-3", needs="session", tokens=1)
def foreign_session_cannot_be_claimed(stage: Stage) -> None:
    """A claim token for somebody else's session MUST be refused with 1002."""
    task = stage.state(stage.session)["task_id"]
    wanted = {"task_id": task, "session_id": stage.session}
    answer = stage.call(wire.CLAIM_TOKEN, stage.new_account(), json=wanted)
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


def _claim(stage: Stage, session: str) -> dict[str, object]:
    task = field("data", stage.state(session), "task_id")
    body = {"task_id": task, "session_id": session}
    data: dict[str, object] = stage.call(wire.CLAIM_TOKEN, json=body).data
    return data
