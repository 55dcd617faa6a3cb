"""Section 6: credits (CRD-1 to CRD-4)."""

import uuid
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import expect_equal, expect_true, expect_type, require_field
from ..context import BALANCE_FIELDS, GENERATE_CLIP, PUT_ON_TIMELINE, CheckContext
from ..error_assertions import expect_error
from ..server_check import server_check
from ..stable_fields import known_draft
from ..target import turn_body

# On a busy machine a turn may end before its balance is read, which shows nothing.
_MAX_ATTEMPTS = 5
_TITLE = "add a title 'Hello' for 1 second"


@server_check("credits.balance.fields", "CRD-1", prerequisite="token")
def balance_has_its_fields(context: CheckContext) -> None:
    """The balance MUST have whole numbers in `available`, `frozen` and `total`."""
    balance = context.read_raw_balance()
    for name in BALANCE_FIELDS:
        expect_type(f"data.{name}", require_field("data", balance, name), int)


@server_check("credits.balance.sum", "CRD-1", prerequisite="token")
def total_is_the_sum(context: CheckContext) -> None:
    """`total` MUST equal `available` plus `frozen`, and none of them be negative."""
    balance = context.read_balance()
    expect_equal("data.total", balance["total"], balance["available"] + balance["frozen"])
    expect_true("the balance", min(balance.values()) >= 0, "no negative number", balance)


@server_check("credits.edit.price", "CRD-3", "CRD-2", needs_control=True)
def first_edit_of_a_session_costs(context: CheckContext) -> None:
    """The first edit of a session SHOULD cost 50 credits, and the next ones nothing."""
    price = context.settings.tariff.editing
    account = context.make_account()
    session = context.new_edited_session(account)
    expect_equal("credits of the first edit", _spent(context, account), price)
    context.send_message(session, _TITLE, account)
    expect_equal("credits of both edits", _spent(context, account), price)


def _spent(context: CheckContext, account: TargetAccount) -> float:
    """Return what an account that had plenty has spent."""
    return float(context.plenty - context.read_balance(account)["available"])


@server_check("credits.edit.per-session", "CRD-3", needs_control=True)
def editing_costs_once_a_session(context: CheckContext) -> None:
    """The first edit of another session SHOULD cost 50 credits again."""
    account = context.make_account()
    context.new_edited_session(account)
    context.new_edited_session(account)
    expect_equal("credits spent", _spent(context, account), 2 * context.settings.tariff.editing)


@server_check("credits.generation.price", "CRD-3", needs_control=True, long_turns=("generated",))
def generation_costs(context: CheckContext) -> None:
    """A generated clip SHOULD cost 100 credits."""
    price = context.settings.tariff.generation
    expect_equal("credits spent", context.generated_clip.credits_spent, price)


@server_check("credits.talk.free", "CRD-3", prerequisite="session")
def talk_is_free(context: CheckContext) -> None:
    """A turn that changes nothing SHOULD cost nothing."""
    before = context.read_balance()
    context.send_message(context.session, "hello")
    expect_equal("the balance", context.read_balance(), before)


@server_check("credits.frozen", "CRD-2", needs_control=True)
def credits_of_running_work_are_frozen(context: CheckContext) -> None:
    """The price of a running turn MUST be frozen: not in `available`, and still in `total`."""
    context.require_price("generation")
    for _ in range(_MAX_ATTEMPTS):
        balances = _balances_of_a_generation(context)
        during, after = balances.during, balances.after
        expect_equal("available during the turn", during["available"], after["available"])
        if balances.is_under_way:
            expect_equal("total during the turn", during["total"], balances.before["total"])
        if during != after:
            return


class _GenerationBalances(msgspec.Struct, frozen=True):
    """The balance before, during and after a generation.

    `is_under_way` says that its clip was not on the timeline yet after the second one was read.
    """

    before: dict[str, Any]
    during: dict[str, Any]
    after: dict[str, Any]
    is_under_way: bool


def _balances_of_a_generation(context: CheckContext) -> _GenerationBalances:
    account = context.make_account()
    before, session = context.read_balance(account), context.new_session(account)
    # A new clip takes a moment to generate; a known one is returned at once.
    body = turn_body(session, f"generate a 2-second clip of a forest, take {uuid.uuid4().int}")

    def read() -> tuple[dict[str, Any], bool]:
        during = context.read_balance(account)
        shown = context.read_draft(session, account)["t"]
        return during, not any(track.get("sg") for track in shown)

    during, is_under_way = context.target.run_during_post(
        read, wire.CHAT.template, token=account.token, json=body
    )
    after = context.read_balance(account)
    return _GenerationBalances(before, during, after, is_under_way)


@server_check("credits.failed.given-back", "CRD-2", needs_control=True, assumed=True)
def failed_work_is_given_back(context: CheckContext) -> None:
    """The credits of a failed edit MUST become available again."""
    price = context.require_price("editing")
    account = context.make_account(credits=2 * price)
    session = context.new_session(account)
    context.upload(session, "clip.mp4", account=account)
    context.control.arm_fault("silent-not-applied", account.user_id)
    context.send_message(session, PUT_ON_TIMELINE, account)
    balance = context.read_balance(account)
    expect_equal("the balance", (balance["available"], balance["frozen"]), (2 * price, 0))


def _session_without_credits(context: CheckContext) -> tuple[str, TargetAccount]:
    """Open a session with a clip for an account that has one credit too few for an edit."""
    price = context.require_price("editing")
    account = context.make_account(credits=price - 1, anonymous=True)
    session = context.new_session(account)
    context.upload(session, "clip.mp4", account=account)
    return session, account


@server_check("credits.lacking.refused", "CRD-4", needs_control=True)
def too_few_credits_are_refused(context: CheckContext) -> None:
    """A turn that costs more than is available MUST be refused with 2001 instead of a stream."""
    session, account = _session_without_credits(context)
    stream = context.send_message(session, PUT_ON_TIMELINE, account)
    expect_error(context, stream.response, ResponseCode.NO_CREDITS)


@server_check("credits.lacking.unchanged", "CRD-4", needs_control=True)
def refused_turn_changes_nothing(context: CheckContext) -> None:
    """A turn refused with 2001 MUST NOT change the draft or the balance."""
    session, account = _session_without_credits(context)
    before = known_draft(context.read_draft(session, account)), context.read_balance(account)
    context.send_message(session, PUT_ON_TIMELINE, account)
    after = known_draft(context.read_draft(session, account)), context.read_balance(account)
    expect_equal("draft and balance", after, before)


@server_check("credits.lacking.anonymous", "CRD-4", "SES-4", needs_control=True)
def anonymous_user_gets_a_registration_link(context: CheckContext) -> None:
    """The 2001 of an anonymous user MUST carry the registration link with `?bind=<user_id>`."""
    context.require_price("generation")
    account = context.make_account(credits=0, anonymous=True)
    stream = context.send_message(context.new_session(account), GENERATE_CLIP, account)
    message = expect_error(context, stream.response, ResponseCode.NO_CREDITS)
    link = f"?bind={account.user_id}"
    expect_true("message", link in message, link, message)


@server_check("credits.lacking.registered", "CRD-4", needs_control=True)
def registered_user_is_told_to_top_up(context: CheckContext) -> None:
    """The 2001 of a registered user MUST ask to top up, without a registration link."""
    context.require_price("generation")
    account = context.make_account(credits=0, anonymous=False)
    stream = context.send_message(context.new_session(account), GENERATE_CLIP, account)
    message = expect_error(context, stream.response, ResponseCode.NO_CREDITS).lower()
    expect_true(
        "message", "top up" in message and "bind=" not in message, "top up, no link", message
    )


@server_check("credits.export.free", "REN-3", "CRD-3", prerequisite="render")
def export_moves_no_credit(context: CheckContext) -> None:
    """An export MUST cost no credits."""
    session = context.edited_session
    before = context.read_balance()
    render = context.new_render_id()
    context.submit_export(render, session, context.read_draft(session))
    expect_equal("the balance during the export", context.read_balance(), before)
    context.poll_renders(render)
    expect_equal("the balance after the export", context.read_balance(), before)


@server_check("credits.token", "GEN-3", "CRD-1")
def balance_requires_a_token(context: CheckContext) -> None:
    """A balance request without a token MUST be refused with 1001."""
    expect_error(
        context, context.target.request("GET", wire.BALANCE.template), ResponseCode.BAD_TOKEN
    )
