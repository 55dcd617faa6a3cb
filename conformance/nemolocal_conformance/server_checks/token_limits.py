"""Section 2: what tells tokens apart, what a refused token call leaves, claim tokens in time."""

import uuid

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..error_assertions import error_code, expect_error
from ..reply_forms import CLAIM_LIFETIME
from ..server_check import server_check
from ..target import TargetResponse

# Seconds before and after a limit at which it is tried.
_BEFORE, _AFTER = 60, 1
_NO_CLAIM = "clm_nobody_was_ever_given_this_one"


@server_check("token.new.distinct", "AUTH-1", tokens=2)
def tokens_are_distinct(context: CheckContext) -> None:
    """Every anonymous token MUST be new and belong to a new user."""
    replies = [context.take_token(str(uuid.uuid4())).data for _ in range(2)]
    for name in ("token", "user_id"):
        values = [str(require_field("data", reply, name)) for reply in replies]
        expect_equal(f"number of different values of {name}", len(set(values)), len(values))


@server_check("token.again.harmless", "AUTH-3", tokens=1)
def refused_token_call_revokes_nothing(context: CheckContext) -> None:
    """A refused token request MUST NOT change the first token or its credits."""
    client_id = str(uuid.uuid4())
    first = TargetAccount(str(require_field("data", context.take_token(client_id).data, "token")))
    before = context.read_balance(first)
    context.request_token(client_id)
    response = context.call(wire.BALANCE, first)
    expect_equal("code afterwards", error_code(response), 0)
    expect_equal("the balance afterwards", context.read_balance(first), before)


@server_check("token.again.all-week", "AUTH-3", "AUTH-5", needs_control=True)
def client_is_refused_all_week(context: CheckContext) -> None:
    """A second token request MUST still be refused with 429 shortly before the 7 days end."""
    client_id, lifetime = str(uuid.uuid4()), context.settings.token_lifetime
    require_field("data", context.take_token(client_id).data, "token")
    context.control.advance_clock(lifetime - min(_BEFORE, lifetime / 2))
    response = context.request_token(client_id)
    expect_equal("the HTTP status", response.status, 429)
    expect_error(context, response, ResponseCode.RATE_LIMITED)


@server_check("token.claim.page-own", "AUTH-7", needs_control=True, assumed=True)
def page_opens_for_its_claim_token_only(context: CheckContext) -> None:
    """The claim page MUST show the project of its claim token only, and open for nothing else."""
    names = [f"film {uuid.uuid4().hex}" for _ in range(2)]
    claims = [_claim(context, context.new_session(task_name=name)) for name in names]
    for claim, own, other in zip(claims, names, reversed(names), strict=True):
        page = _page(context, claim)
        expect_equal("the HTTP status", page.status, 200)
        text = page.body.decode(errors="replace")
        expect_true("the page", own in text, "the name of its task", text[:200])
        expect_true("the page", other not in text, "nothing of another task", text[:200])
    never = {
        "an unknown claim token": _NO_CLAIM,
        "no claim token": "",
        "a session": context.session,
    }
    for what, value in never.items():
        page = _page(context, value)
        expect_true(f"the HTTP status for {what}", page.status != 200, "not 200", page.status)


@server_check("token.claim.life", "AUTH-7", needs_control=True)
def claim_token_opens_for_a_week(context: CheckContext) -> None:
    """A claim token MUST open its page for 604,800 seconds and no longer."""
    claim = _claim(context, context.session)
    context.control.advance_clock(CLAIM_LIFETIME - _BEFORE)
    expect_equal("the HTTP status before its end", _page(context, claim).status, 200)
    context.control.advance_clock(_BEFORE + _AFTER)
    status = _page(context, claim).status
    expect_true("the HTTP status after its end", status != 200, "not 200", status)


def _page(context: CheckContext, claim: str) -> TargetResponse:
    """Open the page as a browser does."""
    url = f"{wire.CLAIM_PAGE.template}?ct={claim}"
    return context.target.request("GET", url, attributed=False)


def _claim(context: CheckContext, session: str) -> str:
    task = require_field("data", context.read_state(session), "task_id")
    body = {"task_id": task, "session_id": session}
    data = context.call(wire.CLAIM_TOKEN, json=body).data
    return str(expect_type("claim_token", require_field("data", data, "claim_token"), str))
