"""Section 8 once more: whose renders are, how they queue, how they are cancelled (REN-8)."""

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code

from ..check import check
from ..expectations import expect, expect_one_of, expect_that
from ..failures import expect_failure
from ..stage import Stage, flat


@check("render.status.unknown", "REN-8", "SES-3", needs="token")
def unknown_render_is_not_found(stage: Stage) -> None:
    """The status of a render that never was MUST be 1002."""
    answer = stage.call(wire.RENDER_STATUS, render="render_never_was")
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("render.bearer", "GEN-3", "REN-8", needs="render")
def render_wants_a_token(stage: Stage) -> None:
    """Status, cancel and fallback download of a render MUST be 1001 without a token."""
    for endpoint in (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD):
        path = endpoint.path(render=str(stage.rendered["id"]))
        expect_failure(stage, stage.peer.call(endpoint.method, path), Code.BAD_TOKEN)


@check("render.foreign.status", "REN-8", needs="render", tokens=1)
def foreign_render_is_not_found(stage: Stage) -> None:
    """A render MUST be 1002 for another token."""
    other = stage.new_account()
    answer = stage.call(wire.RENDER_STATUS, other, render=stage.rendered["id"])
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("render.foreign.download", "REN-8", needs="render", tokens=1)
def foreign_download_is_not_found(stage: Stage) -> None:
    """The fallback download MUST be 1002 for another token."""
    other = stage.new_account()
    answer = stage.call(wire.RENDER_DOWNLOAD, other, render=stage.rendered["id"])
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("render.foreign.cancel", "REN-8", needs="render", tokens=1)
def foreign_render_cannot_be_cancelled(stage: Stage) -> None:
    """Cancelling a render MUST be 1002 for another token."""
    other = stage.new_account()
    answer = stage.call(wire.RENDER_CANCEL, other, render=stage.rendered["id"])
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("render.orphaned", "REN-8", "AUTH-5", control=True)
def expired_token_orphans_its_renders(stage: Stage) -> None:
    """A render whose token has expired MUST be reached by no token any more."""
    account = stage.anybody(credits=1_000)
    session = stage.new_edited(account)
    render = stage.render_id()
    stage.submit(render, session, stage.draft(session, account), account)
    stage.follow(render, account=account)
    stage.control.change_token(account.reply["id"], expires_in=1)
    stage.control.advance(2)
    answer = stage.call(wire.RENDER_STATUS, account, render=render)
    expect_failure(stage, answer, Code.BAD_TOKEN)
    answer = stage.call(wire.RENDER_STATUS, render=render)
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("render.cancel", "REN-8", needs="edit")
def render_can_be_cancelled(stage: Stage) -> None:
    """A cancelled render MUST end as failed, unless it had ended before."""
    draft = stage.draft(stage.edited)
    # The second one waits for the first: there is something to cancel.
    first, second = stage.render_id(), stage.render_id()
    for render in (first, second):
        stage.submit(render, stage.edited, draft)
    cancelled = stage.call(wire.RENDER_CANCEL, render=second)
    expect("the HTTP status", cancelled.status, 200)
    at_once = flat(stage.call(wire.RENDER_STATUS, render=second).json).get("status")
    _, last = stage.follow(first, second)[-1]
    ends = ("failed", "completed") if at_once == "completed" else ("failed",)
    expect_one_of(f"status, {at_once} when it was cancelled", last.get("status"), ends)


@check("render.queue", "REN-8", needs="edit", seconds=180)
def one_export_a_session_is_active(stage: Stage) -> None:
    """Of several exports of a session one MUST be active, the others wait and all end."""
    draft = stage.draft(stage.edited)
    renders = [stage.render_id() for _ in range(3)]
    for render in renders:
        stage.submit(render, stage.edited, draft)
    # The latest first: one that is at work while a later one was seen at work is one too many.
    for looks in stage.follow(*reversed(renders)):
        states = [look.get("status") for look in looks]
        active = states.count("processing")
        expect_that("exports in work at once", active <= 1, "at most 1", states)
    expect("statuses in the end", states, ["completed"] * 3)
