"""Validates responses about tokens, credits and claim tokens (sections 2 and 6)."""

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
)
from nemolocal_contract.responses import ResponseCode

from ..assertions import (
    CheckFailed,
    NotApplicable,
    expect_equal,
    expect_true,
    expect_type,
    require_field,
)
from ..context import BALANCE_FIELDS, CheckContext
from ..error_assertions import is_error
from ..reply_forms import CLAIM_LIFETIME
from ..target import TargetResponse
from .expected_errors import matches_expected_error, require_success
from .script import BalanceStep, ClaimStep, TokenStep
from .server_model import ExpectedErrors, ModelAccount, ServerModel
from .violation import under_rule


def validate_token(
    context: CheckContext, model: ServerModel, step: TokenStep, response: TargetResponse
) -> None:
    """Validate a token call (AUTH-1 to AUTH-3, AUTH-5)."""
    due = _expected_token_errors(model, step)
    if matches_expected_error(context, response, due):
        return
    known = step.client in model.accounts
    # Whether the address has a limit is unknown without the control API.
    is_limited = not context.has_control or model.settings.address_limit is not None
    if not known and is_limited and is_error(response):
        raise NotApplicable("no token was issued: this address may have reached its limit (AUTH-4)")
    data = require_success(response, "AUTH-5" if known else "AUTH-1")
    grant = model.settings.tariff.grant
    with under_rule("AUTH-1"):
        token = expect_type("data.token", require_field("data", data, "token"), str)
        expect_true("data.token", token.startswith(ANONYMOUS_TOKEN_PREFIX), "nmv_usr_…", token[:8])
        user = expect_type("data.user_id", require_field("data", data, "user_id"), str)
        expect_true("data.user_id", user.startswith(ANONYMOUS_USER_PREFIX), "anon_…", user)
        expect_equal("data.credits", require_field("data", data, "credits"), grant)
        others = {account.token for account in model.accounts.values()}
        expect_true("data.token", token not in others, "a new one", "one given before")
    states = frozenset({(grant, frozenset[str]())})
    model.accounts[step.client] = ModelAccount(token, user, model.now, states)


def _expected_token_errors(model: ServerModel, step: TokenStep) -> ExpectedErrors:
    if step.how != "good":
        rule = "AUTH-1" if step.how == "too-long" else "AUTH-2"
        return ExpectedErrors(required={ResponseCode.BAD_REQUEST: rule})
    known = model.accounts.get(step.client)
    if known is None or model.is_expired(known):
        return ExpectedErrors()
    again = {ResponseCode.RATE_LIMITED: "AUTH-3"}
    if model.is_alive(known):
        return ExpectedErrors(required=again)
    return ExpectedErrors(allowed=again)


def validate_balance(
    context: CheckContext, model: ServerModel, step: BalanceStep, response: TargetResponse
) -> None:
    """Require credits that are possible after all earlier calls (CRD-1 to CRD-3, REN-3)."""
    if matches_expected_error(context, response, model.expected_errors(step)):
        return
    available = read_balance(response)
    account = model.accounts[step.by]
    fitting = frozenset(state for state in account.credit_states if state[0] == available)
    if not fitting:
        with under_rule(account.credit_rule):
            possible = sorted({state[0] for state in account.credit_states})
            raise CheckFailed("available", " or ".join(map(str, possible)), available)
    account.credit_states = fitting


def read_balance(response: TargetResponse) -> int:
    """Return the available credits of a balance while nothing runs (CRD-1, CRD-2)."""
    data = require_success(response, "CRD-1")
    with under_rule("CRD-1"):
        figures = [
            expect_type(f"data.{n}", require_field("data", data, n), int) for n in BALANCE_FIELDS
        ]
        available, frozen, total = figures
        expect_equal("data.total", total, available + frozen)
        expect_true("the balance", min(figures) >= 0, "nothing below 0", data)
    with under_rule("CRD-2"):
        expect_equal("data.frozen while nothing runs", frozen, 0)
    return int(available)


def validate_claim(
    context: CheckContext, model: ServerModel, step: ClaimStep, response: TargetResponse
) -> None:
    """Validate a claim token for the caller's own session (AUTH-7)."""
    if matches_expected_error(context, response, model.expected_session_errors(step, step.session)):
        return
    data = require_success(response, "AUTH-7")
    with under_rule("AUTH-7"):
        token = expect_type("data.claim_token", require_field("data", data, "claim_token"), str)
        expect_true("data.claim_token", token.startswith(CLAIM_TOKEN_PREFIX), "clm_…", token[:4])
        expect_equal("data.expires_in", require_field("data", data, "expires_in"), CLAIM_LIFETIME)
