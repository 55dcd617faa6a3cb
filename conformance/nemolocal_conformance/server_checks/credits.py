"""Section 6: credits (CRD-1 to CRD-4)."""

import uuid
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code

from ..check import check
from ..expectations import expect, expect_that, expect_type, field
from ..failures import expect_failure
from ..peer import turn
from ..stage import GENERATE, Stage

_EDITING, _GENERATION = 50, 100
# On a busy machine a turn may be over before its balance is asked for: that shows nothing.
_LOOKS = 5
_TITLE = "add a title 'Hello' for 1 second"


@check("credits.balance.fields", "CRD-1", needs="token")
def balance_has_its_fields(stage: Stage) -> None:
    """The balance MUST be `available`, `frozen` and `total`, whole numbers."""
    balance = stage.balance_as_it_comes()
    for name in ("available", "frozen", "total"):
        expect_type(f"data.{name}", field("data", balance, name), int)


@check("credits.balance.sum", "CRD-1", needs="token")
def total_is_the_sum(stage: Stage) -> None:
    """`total` MUST be `available` plus `frozen`, and none of them negative."""
    balance = stage.balance()
    expect("data.total", balance["total"], balance["available"] + balance["frozen"])
    expect_that("the balance", min(balance.values()) >= 0, "nothing below 0", balance)


@check("credits.edit.price", "CRD-3", "CRD-2", control=True)
def first_edit_of_a_session_costs(stage: Stage) -> None:
    """The first edit of a session SHOULD cost 50 credits, the next ones nothing."""
    account = stage.anybody(credits=200)
    session = stage.new_edited(account)
    expect("available after the first", stage.balance(account)["available"], 200 - _EDITING)
    stage.say(session, _TITLE, account)
    expect("available after the second", stage.balance(account)["available"], 200 - _EDITING)


@check("credits.edit.per-session", "CRD-3", control=True)
def editing_costs_once_a_session(stage: Stage) -> None:
    """Editing in another session SHOULD cost 50 credits again."""
    account = stage.anybody(credits=200)
    stage.new_edited(account)
    stage.new_edited(account)
    expect("available", stage.balance(account)["available"], 200 - 2 * _EDITING)


@check("credits.generation.price", "CRD-3", control=True)
def generation_costs(stage: Stage) -> None:
    """A generated clip SHOULD cost 100 credits."""
    expect("credits spent", stage.generated.spent, _GENERATION)


@check("credits.talk.free", "CRD-3", needs="session")
def talk_is_free(stage: Stage) -> None:
    """A turn that changes nothing SHOULD cost nothing."""
    before = stage.balance()
    stage.say(stage.session, "hello")
    expect("the balance", stage.balance(), before)


@check("credits.frozen", "CRD-2", control=True)
def credits_of_running_work_are_frozen(stage: Stage) -> None:
    """What a turn will take MUST not be available any more while it is under way."""
    for _ in range(_LOOKS):
        during, after = _balances_of_a_turn(stage)
        expect("available while it runs", during["available"], after["available"])
        if during != after:
            return


def _balances_of_a_turn(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """The balance while something is generated, and after it."""
    account = stage.anybody(credits=200)
    # A clip that nobody has asked for: making it takes a moment, a known one is there at once.
    wanted = f"generate a 6-second clip of a forest, take {uuid.uuid4().int}"
    body = turn(stage.new_session(account), wanted)
    during = stage.peer.meanwhile(
        lambda: stage.balance(account), wire.CHAT.template, token=account.token, json=body
    )
    return during, stage.balance(account)


@check("credits.failed.given-back", "CRD-2", control=True, assumed=True)
def failed_work_is_given_back(stage: Stage) -> None:
    """Credits of an edit that failed MUST be available again."""
    account = stage.anybody(credits=100)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    stage.control.arm("silent-not-applied", account.user_id)
    stage.say(session, "put my clip on the timeline", account)
    balance = stage.balance(account)
    expect("the balance", (balance["available"], balance["frozen"]), (100, 0))


@check("credits.lacking.refused", "CRD-4", control=True)
def too_few_credits_are_refused(stage: Stage) -> None:
    """A turn that costs more than is available MUST be 2001, before anything is streamed."""
    account = stage.anybody(credits=_EDITING - 1, anonymous=True)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    told = stage.say(session, "put my clip on the timeline", account)
    expect_failure(stage, told.answer, Code.NO_CREDITS)


@check("credits.lacking.unchanged", "CRD-4", control=True)
def refused_turn_changes_nothing(stage: Stage) -> None:
    """A turn refused with 2001 MUST leave draft and balance as they were."""
    account = stage.anybody(credits=_EDITING - 1, anonymous=True)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    before = stage.draft(session, account), stage.balance(account)
    stage.say(session, "put my clip on the timeline", account)
    expect("draft and balance", (stage.draft(session, account), stage.balance(account)), before)


@check("credits.lacking.anonymous", "CRD-4", "SES-4", control=True)
def anonymous_user_gets_the_link(stage: Stage) -> None:
    """The 2001 of an anonymous user MUST carry the registration link with `?bind=<user_id>`."""
    account = stage.anybody(credits=0, anonymous=True)
    told = stage.say(stage.new_session(account), GENERATE, account)
    message = expect_failure(stage, told.answer, Code.NO_CREDITS)
    link = f"?bind={account.user_id}"
    expect_that("message", link in message, link, message)


@check("credits.lacking.registered", "CRD-4", control=True)
def registered_user_is_told_to_top_up(stage: Stage) -> None:
    """The 2001 of a registered user MUST say to top up, without a registration link."""
    account = stage.anybody(credits=0, anonymous=False)
    told = stage.say(stage.new_session(account), GENERATE, account)
    message = expect_failure(stage, told.answer, Code.NO_CREDITS).lower()
    expect_that("message", "top up" in message and "bind=" not in message, "top up", message)


@check("credits.export.free", "REN-3", "CRD-3", needs="render")
def export_moves_no_credit(stage: Stage) -> None:
    """An export MUST move no credit."""
    session = stage.edited
    before = stage.balance()
    render = stage.render_id()
    stage.submit(render, session, stage.draft(session))
    expect("the balance while it renders", stage.balance(), before)
    stage.follow(render)
    expect("the balance afterwards", stage.balance(), before)


@check("credits.token", "GEN-3", "CRD-1")
def balance_wants_a_token(stage: Stage) -> None:
    """The balance MUST not be told without a token: 1001."""
    expect_failure(stage, stage.peer.call("GET", wire.BALANCE.template), Code.BAD_TOKEN)
