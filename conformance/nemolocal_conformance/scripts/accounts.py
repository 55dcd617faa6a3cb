"""Answers about tokens, credits and claim tokens (sections 2 and 6)."""

from nemolocal_contract.codes import Code
from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
)

from ..expectations import Broken, NotApplicable, expect, expect_that, expect_type, field
from ..failures import is_refusal
from ..peer import Answer
from ..stage import Stage
from .finding import under
from .model import GRANT, SLACK, WEEK, Account, Due, Model
from .refusals import refused, succeeded
from .script import AskToken, Balance, Claim

_FIGURES = ("available", "frozen", "total")


def judge_token(stage: Stage, model: Model, step: AskToken, answer: Answer) -> None:
    """A token call (AUTH-1 to AUTH-3, AUTH-5)."""
    due = _due_of_token(model, step)
    if refused(stage, answer, due):
        return
    known = step.client in model.accounts
    if not known and not stage.ours and is_refusal(answer):
        raise NotApplicable("no token was given: this address may have had all of its (AUTH-4)")
    data = succeeded(answer, "AUTH-5" if known else "AUTH-1")
    with under("AUTH-1"):
        token = expect_type("data.token", field("data", data, "token"), str)
        expect_that("data.token", token.startswith(ANONYMOUS_TOKEN_PREFIX), "nmv_usr_…", token[:8])
        user = expect_type("data.user_id", field("data", data, "user_id"), str)
        expect_that("data.user_id", user.startswith(ANONYMOUS_USER_PREFIX), "anon_…", user)
        expect("data.credits", field("data", data, "credits"), GRANT)
        others = {account.token for account in model.accounts.values()}
        expect_that("data.token", token not in others, "a new one", "one given before")
    worlds = frozenset({(GRANT, frozenset[str]())})
    model.accounts[step.client] = Account(token, user, model.now, worlds)


def _due_of_token(model: Model, step: AskToken) -> Due:
    if step.how != "good":
        rule = "AUTH-1" if step.how == "too-long" else "AUTH-2"
        return Due(must={Code.BAD_REQUEST: rule})
    known = model.accounts.get(step.client)
    if known is None or model.age(known) > WEEK + SLACK:
        return Due()
    again = {Code.RATE_LIMITED: "AUTH-3"}
    return Due(must=again) if model.age(known) < WEEK - SLACK else Due(may=again)


def judge_balance(stage: Stage, model: Model, step: Balance, answer: Answer) -> None:
    """The credits are what they can be after all that was asked for (CRD-1 to CRD-3, REN-3)."""
    if refused(stage, answer, model.due(step)):
        return
    available = read_balance(answer)
    account = model.accounts[step.by]
    fitting = frozenset(world for world in account.worlds if world[0] == available)
    if not fitting:
        with under(account.moved):
            possible = sorted({world[0] for world in account.worlds})
            raise Broken("available", " or ".join(map(str, possible)), available)
    account.worlds = fitting


def read_balance(answer: Answer) -> int:
    """The available credits of a balance, when nothing runs (CRD-1, CRD-2)."""
    data = succeeded(answer, "CRD-1")
    with under("CRD-1"):
        figures = [expect_type(f"data.{n}", field("data", data, n), int) for n in _FIGURES]
        available, frozen, total = figures
        expect("data.total", total, available + frozen)
        expect_that("the balance", min(figures) >= 0, "nothing below 0", data)
    with under("CRD-2"):
        expect("data.frozen while nothing runs", frozen, 0)
    return int(available)


def judge_claim(stage: Stage, model: Model, step: Claim, answer: Answer) -> None:
    """A claim token for a session of one's own (AUTH-7)."""
    if refused(stage, answer, model.due_in_session(step, step.session)):
        return
    data = succeeded(answer, "AUTH-7")
    with under("AUTH-7"):
        token = expect_type("data.claim_token", field("data", data, "claim_token"), str)
        expect_that("data.claim_token", token.startswith(CLAIM_TOKEN_PREFIX), "clm_…", token[:4])
        expect("data.expires_in", field("data", data, "expires_in"), WEEK)
