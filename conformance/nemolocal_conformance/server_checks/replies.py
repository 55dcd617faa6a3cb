"""Every reply of a run: what the checks before have seen, not only what each looked at.

The last section, so that all replies are there. Each check makes the replies that it needs, since
it may be run by itself.
"""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint, endpoints

from ..account_context import TargetAccount
from ..assertions import CheckFailed, expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..endpoint_requests import UNKNOWN_SESSION
from ..render_replies import flatten_render
from ..samples import CLIP, CLIP_SECONDS, CLIP_SIZE, PICTURE, PICTURE_SIZE, SOUND
from ..server_check import server_check

_TITLE = "add a title 'Hello' for 1 second"
_WIDTHS = {CLIP: CLIP_SIZE[0], PICTURE: PICTURE_SIZE[0], SOUND: 0}
_SHORT_SECONDS, _TOLERANCE = 0.6, 0.1
_SHORT = {"t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 600, "txt": "alone"}]}], "d": 600}
_RENDERS = (wire.RENDER, wire.RENDER_STATUS, wire.RENDER_CANCEL)


def _expect_none(
    context: CheckContext, rules: str, *where: Endpoint, assumed: bool = False
) -> None:
    """Require that no reply of these endpoints has broken one of these rules."""
    names = [name for name, one in endpoints().items() if one in where]
    for broken in context.replies.find(rules.split(), names, assumed=assumed):
        raise CheckFailed(f"{broken.endpoint}: {broken.what}", broken.expected, broken.actual)


@server_check("token.replies", "AUTH-1", prerequisite="token", tokens=1, after_others=True)
def every_token_reply_is_whole(context: CheckContext) -> None:
    """Every token reply MUST have all its fields and a new token."""
    _ = context.account, context.new_account()
    _expect_none(context, "AUTH-1", wire.TOKEN)


@server_check("token.claim.replies", "AUTH-7", prerequisite="session", tokens=1, after_others=True)
def every_claim_reply_is_whole(context: CheckContext) -> None:
    """Every claim token reply MUST have all its fields and a token for one session only."""
    mine, other = context.account, context.new_account()
    for account in (mine, other, mine):
        session = context.new_session(account)
        task = require_field("data", context.read_state(session, account), "task_id")
        body = {"task_id": task, "session_id": session}
        context.call(wire.CLAIM_TOKEN, account, json=body)
    _expect_none(context, "AUTH-7", wire.CLAIM_TOKEN)


@server_check("session.replies", "SES-1", prerequisite="session", after_others=True)
def every_session_reply_is_whole(context: CheckContext) -> None:
    """Every session reply MUST have new ids and the user of its token."""
    for session in (context.session, context.new_session()):
        context.read_state(session)
    _expect_none(context, "SES-1", wire.SESSION)


@server_check("upload.replies", "UPL-2", prerequisite="session", tokens=1, after_others=True)
def every_upload_reply_is_whole(context: CheckContext) -> None:
    """Every upload reply MUST describe the files that were sent, each with its eight fields."""
    mine, other = context.account, context.new_account()
    for account, name in ((mine, CLIP), (other, SOUND), (mine, PICTURE), (other, CLIP)):
        session = context.new_session(account)
        files = require_field("data", context.upload(session, name, account=account).data, "files")
        (file,) = expect_type("data.files", files, list)[:1] or ({},)
        seen = expect_type("data.files[0]", file, dict)
        expect_equal("filename", seen.get("filename"), name)
        expect_equal(f"width of {name}", seen.get("width") or 0, _WIDTHS[name])
    _expect_none(context, "UPL-2", wire.UPLOAD)


@server_check("credits.replies", "CRD-1", prerequisite="token", after_others=True)
def every_balance_adds_up(context: CheckContext) -> None:
    """Every balance MUST have whole numbers, none negative, and `total` as their sum."""
    for _ in range(2):
        context.call(wire.BALANCE)
    _expect_none(context, "CRD-1", wire.BALANCE)


@server_check("state.replies", "STA-1", "STA-2", prerequisite="edit", after_others=True)
def every_state_is_whole(context: CheckContext) -> None:
    """Every state MUST have all its parts and be that of the requested session."""
    for session in (context.session, context.edited_session, context.new_session()):
        context.read_state(session)
    _expect_none(context, "STA-1 STA-2", wire.STATE)


@server_check("state.replies.segments", "STA-4", prerequisite="work", after_others=True)
def every_draft_agrees_with_itself(context: CheckContext) -> None:
    """Every draft MUST have unique track and segment ids, and end with its last segment."""
    context.send_message(context.scratch_session, _TITLE)
    context.read_state(context.scratch_session)
    _expect_none(context, "STA-4", wire.STATE)


@server_check(
    "render.replies", "REN-4", "REN-5", prerequisite="render", tokens=1, after_others=True
)
def every_render_reply_is_whole(context: CheckContext) -> None:
    """Every render reply MUST be about the requested render, and its final status never change."""
    other, mine = context.new_account(), context.completed_export
    theirs = _short_export(context, other)
    for endpoint in (wire.RENDER_STATUS, wire.RENDER_CANCEL):
        told = [
            _expect_end(context, endpoint, context.account, mine, CLIP_SECONDS),
            _expect_end(context, endpoint, other, theirs, _SHORT_SECONDS),
            _expect_end(context, endpoint, context.account, mine, CLIP_SECONDS),
        ]
        expect_true("output.url", told[1] not in (told[0], told[2]), "one per render", told)
    _expect_file(context, context.account, mine)
    _expect_file(context, other, theirs)
    _expect_none(context, "REN-4 REN-5", *_RENDERS)


def _short_export(context: CheckContext, account: TargetAccount) -> dict[str, Any]:
    """Export a title for another account; return the last status."""
    render, session = context.new_render_id(), context.new_session(account)
    context.submit_export(render, session, _SHORT, account)
    (last,) = context.poll_renders(render, account=account)[-1]
    expect_equal("status", last.get("status"), "completed")
    return last


def _expect_end(
    context: CheckContext,
    endpoint: Endpoint,
    account: TargetAccount,
    known: dict[str, Any],
    seconds: float,
) -> str:
    """Require the end of a render as it was told before, with its own length; return its URL."""
    render = str(require_field("the status", known, "id"))
    told = flatten_render(context.call(endpoint, account, render=render).json)
    output, before = (
        expect_type("output", status.get("output") or {}, dict) for status in (told, known)
    )
    for name in ("duration", "size"):
        expect_equal(f"output.{name}", output.get(name), before.get(name))
    # The nested dialect tells the URL alone.
    length = expect_type("output.duration", output.get("duration", seconds), int, float)
    expect_true("output.duration", abs(length - seconds) < _TOLERANCE, f"{seconds:g} s", length)
    return str(require_field("output", output, "url"))


def _expect_file(context: CheckContext, account: TargetAccount, known: dict[str, Any]) -> None:
    """Require the file of a render, not that of another, where its size is told."""
    render = str(require_field("the status", known, "id"))
    body = context.call(wire.RENDER_DOWNLOAD, account, render=render).body
    size = require_field("the status", known, "output").get("size", len(body))
    expect_equal("bytes of the fallback download", len(body), size)


@server_check("chat.replies", "SSE-2", prerequisite="work", after_others=True)
def every_event_is_whole(context: CheckContext) -> None:
    """Every event of every turn MUST have its fields, a unique id and the id of its turn."""
    for message in ("hello", _TITLE):
        context.send_message(context.scratch_session, message)
    _expect_none(context, "SSE-2", wire.CHAT)


@server_check("general.replies", "GEN-1", "GEN-2", prerequisite="session", after_others=True)
def every_envelope_is_whole(context: CheckContext) -> None:
    """Every JSON reply MUST have the envelope; every failure a code, a message, `data` null and
    the HTTP status of one style.
    """
    context.call(wire.STATE, session=UNKNOWN_SESSION)
    context.target.request("GET", wire.BALANCE.template)
    context.send_message(context.session, "hello")
    _expect_none(context, "GEN-1 GEN-2", *endpoints().values())


@server_check(
    "general.replies.status", "GEN-1", prerequisite="session", assumed=True, after_others=True
)
def every_success_is_200(context: CheckContext) -> None:
    """Every success MUST have HTTP 200 and the media type of its content."""
    context.read_state(context.session)
    _expect_none(context, "GEN-1", *endpoints().values(), assumed=True)
