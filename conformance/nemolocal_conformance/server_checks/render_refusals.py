"""Section 8, refusals: used ids, failed renders, drafts that cannot be rendered (REN-5, 6, 9)."""

from typing import Any
from urllib.parse import urlsplit

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import (
    CheckFailed,
    expect_equal,
    expect_one_of,
    expect_true,
    expect_type,
    require_field,
)
from ..context import CheckContext
from ..endpoint_requests import TITLE_DRAFT
from ..error_assertions import error_code, expect_error
from ..render_replies import flatten_render
from ..samples import CLIP_SECONDS
from ..server_check import server_check
from ..target import TargetResponse
from .ownership import expect_no_render

_CLIP_MS = int(1000 * CLIP_SECONDS)
_SECOND = 1000


def expect_duplicate(response: TargetResponse) -> None:
    """Require that a submit is refused because its id was used before."""
    # The word may stand in any text, and JSON may escape it.
    said = str(response.json).lower()
    expect_true("the reply", "duplicate" in said, "the word duplicate", said[:200])
    body = response.json
    taken = isinstance(body, dict) and flatten_render(body).get("status") == "pending"
    expect_equal("accepted", taken, False)


@server_check("render.id.other-session", "REN-6", prerequisite="render")
def id_is_used_up_in_every_session(context: CheckContext) -> None:
    """A used id MUST be refused as a duplicate in another session and with another draft."""
    used = str(context.completed_export["id"])
    for session in (context.new_session(), context.edited_session):
        expect_duplicate(context.submit_export(used, session, TITLE_DRAFT))


def _failed_render(context: CheckContext) -> tuple[TargetAccount, str, dict[str, Any]]:
    """Make a render fail; return its account, its session and its last status."""
    account = context.make_account()
    session, render = context.new_session(account), context.new_render_id()
    context.control.arm_fault("render-fails-once", account.user_id)
    context.submit_export(render, session, TITLE_DRAFT, account)
    (last,) = context.poll_renders(render, account=account)[-1]
    expect_equal("status of a render made to fail", last.get("status"), "failed")
    return account, session, {**last, "id": render}


@server_check("render.status.failed", "REN-5", "REN-4", needs_control=True)
def failed_render_has_an_error_and_no_url(context: CheckContext) -> None:
    """A failed render MUST have a message in `error` and no `output.url`."""
    _, _, last = _failed_render(context)
    output = expect_type("output", last.get("output") or {}, dict)
    expect_equal("output.url", bool(output.get("url")), False)
    error = expect_type("error", require_field("the status", last, "error"), str)
    expect_true("error", bool(error.strip()), "a non-empty string", error)


@server_check("render.download.failed", "REN-8", needs_control=True, assumed=True)
def failed_render_has_no_download(context: CheckContext) -> None:
    """The fallback download of a failed render MUST be refused."""
    account, _, last = _failed_render(context)
    response = context.call(wire.RENDER_DOWNLOAD, account, render=last["id"])
    expect_true("the body", _is_refused(response), "an error", response.body[:200])


def _is_refused(response: TargetResponse) -> bool:
    try:
        return error_code(response) != 0
    except CheckFailed:  # a file
        return False


@server_check("render.id.failed", "REN-6", needs_control=True)
def id_of_a_failed_render_is_used_up(context: CheckContext) -> None:
    """The id of a failed render MUST be refused as a duplicate, and a new id accepted."""
    account, session, last = _failed_render(context)
    expect_duplicate(context.submit_export(last["id"], session, TITLE_DRAFT, account))
    again = context.submit_export(context.new_render_id(), session, TITLE_DRAFT, account)
    status = require_field("the reply", flatten_render(again.json), "status")
    expect_one_of("status of another id", status, ("pending", "processing"))


@server_check("render.refused.beyond-source", "REN-9", prerequisite="edit")
def draft_beyond_its_source_is_refused(context: CheckContext) -> None:
    """A segment that reaches beyond its source MUST be refused with 400 and the path of a field."""
    cases: tuple[dict[str, Any], ...] = (
        {"d": _CLIP_MS + _SECOND},
        {"ss": _SECOND},
        {"ss": _CLIP_MS + _SECOND, "d": 500},
        {"sp": 2},
    )
    for changed in cases:
        _expect_refused(context, changed, "draft.t[0].sg[0].")


@server_check("render.refused.nonsense", "REN-9", prerequisite="edit")
def other_nonsense_is_refused(context: CheckContext) -> None:
    """A segment with a missing or invalid field MUST be refused with 400 and the field's path."""
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("d", {"d": None}),
        ("d", {"d": "long"}),
        ("s", {"s": "soon"}),
        ("ss", {"ss": -1}),
        ("src", {"src": None}),
    )
    for name, changed in cases:
        _expect_refused(context, changed, f"draft.t[0].sg[0].{name}")


def _expect_refused(context: CheckContext, changed: dict[str, Any], path: str) -> None:
    """Submit the clip of the edited session with these fields; None leaves one out."""
    draft = context.read_draft(context.edited_session)
    track = next(track for track in draft["t"] if track.get("sg"))
    segment = {**track["sg"][0], "s": 0, "ss": 0, "d": _CLIP_MS, **changed}
    segment = {name: value for name, value in segment.items() if value is not None}
    render = context.new_render_id()
    response = context.submit_export(
        render, context.edited_session, {**draft, "t": [{**track, "sg": [segment]}]}
    )
    expect_equal(f"the HTTP status for {changed}", response.status, 400)
    message = expect_error(context, response, ResponseCode.BAD_REQUEST)
    expect_true(f"message for {changed}", path in message, path, message)


@server_check("render.refused.no-job", "REN-9", prerequisite="session", assumed=True)
def refused_draft_makes_no_render(context: CheckContext) -> None:
    """A draft that is refused at submit MUST NOT create a render."""
    render = context.new_render_id()
    response = context.submit_export(render, context.session, {"t": [], "d": 0})
    expect_error(context, response, ResponseCode.BAD_REQUEST)
    expect_no_render(context, render)


@server_check("render.file.absolute", "REN-4", prerequisite="render", assumed=True)
def output_url_has_a_host(context: CheckContext) -> None:
    """`output.url` MUST be an absolute http or https URL."""
    found = require_field("the status", context.completed_export, "output", "url")
    url = urlsplit(str(found))
    fits = url.scheme in ("http", "https") and bool(url.hostname)
    expect_true("output.url", fits, "http://… or https://…", found)
