"""Section 8, jobs: who owns a render, how renders queue, how they are cancelled (REN-8)."""

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..assertions import expect_equal, expect_one_of, expect_true
from ..context import CheckContext
from ..endpoint_requests import UNKNOWN_RENDER
from ..error_assertions import expect_error
from ..render_replies import flatten_render
from ..server_check import server_check


@server_check("render.status.unknown", "REN-8", "SES-3", prerequisite="token")
def unknown_render_is_not_found(context: CheckContext) -> None:
    """The status of a render that does not exist MUST be refused with 1002."""
    response = context.call(wire.RENDER_STATUS, render=UNKNOWN_RENDER)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("render.bearer", "GEN-3", "REN-8", prerequisite="render")
def render_requires_a_token(context: CheckContext) -> None:
    """Status, cancel and fallback download MUST be refused with 1001 without a token."""
    for endpoint in (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD):
        path = endpoint.path(render=str(context.completed_export["id"]))
        expect_error(context, context.target.request(endpoint.method, path), ResponseCode.BAD_TOKEN)


@server_check("render.foreign.status", "REN-8", prerequisite="render", tokens=1)
def foreign_render_is_not_found(context: CheckContext) -> None:
    """The status of another user's render MUST be refused with 1002."""
    other = context.new_account()
    response = context.call(wire.RENDER_STATUS, other, render=context.completed_export["id"])
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("render.foreign.download", "REN-8", prerequisite="render", tokens=1)
def foreign_download_is_not_found(context: CheckContext) -> None:
    """The fallback download of another user's render MUST be refused with 1002."""
    other = context.new_account()
    response = context.call(wire.RENDER_DOWNLOAD, other, render=context.completed_export["id"])
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("render.foreign.cancel", "REN-8", prerequisite="render", tokens=1)
def foreign_render_cannot_be_cancelled(context: CheckContext) -> None:
    """Cancelling another user's render MUST be refused with 1002."""
    other = context.new_account()
    response = context.call(wire.RENDER_CANCEL, other, render=context.completed_export["id"])
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("render.orphaned", "REN-8", "AUTH-5", needs_control=True)
def expired_token_orphans_its_renders(context: CheckContext) -> None:
    """A render whose token has expired MUST NOT be available with any token."""
    account = context.make_account()
    session = context.new_edited_session(account)
    render = context.new_render_id()
    context.submit_export(render, session, context.read_draft(session, account), account)
    context.poll_renders(render, account=account)
    context.control.change_token(account.token_reply["id"], expires_in=1)
    context.control.advance_clock(2)
    response = context.call(wire.RENDER_STATUS, account, render=render)
    expect_error(context, response, ResponseCode.BAD_TOKEN)
    response = context.call(wire.RENDER_STATUS, render=render)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("render.cancel", "REN-8", prerequisite="edit")
def render_can_be_cancelled(context: CheckContext) -> None:
    """A cancelled render MUST become failed, unless it was already final."""
    draft = context.read_draft(context.edited_session)
    # The second one waits for the first, so that it can be cancelled.
    first, second = context.new_render_id(), context.new_render_id()
    for render in (first, second):
        context.submit_export(render, context.edited_session, draft)
    cancelled = context.call(wire.RENDER_CANCEL, render=second)
    expect_equal("the HTTP status", cancelled.status, 200)
    at_once = flatten_render(context.call(wire.RENDER_STATUS, render=second).json).get("status")
    _, last = context.poll_renders(first, second)[-1]
    ends = ("failed", "completed") if at_once == "completed" else ("failed",)
    expect_one_of(f"status, {at_once} when it was cancelled", last.get("status"), ends)


@server_check("render.queue", "REN-8", prerequisite="edit", seconds=180)
def one_export_a_session_is_active(context: CheckContext) -> None:
    """Exports of one session MUST run one at a time, and all complete."""
    draft = context.read_draft(context.edited_session)
    renders = [context.new_render_id() for _ in range(3)]
    for render in renders:
        context.submit_export(render, context.edited_session, draft)
    # The latest first: an earlier one that is active after a later one is one too many.
    for polls in context.poll_renders(*reversed(renders)):
        states = [poll.get("status") for poll in polls]
        active = states.count("processing")
        expect_true("exports processed at once", active <= 1, "at most 1", states)
    expect_equal("statuses in the end", states, ["completed"] * 3)
