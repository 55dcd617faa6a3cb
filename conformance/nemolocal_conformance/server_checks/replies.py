"""Every reply of a run: what the checks before have seen, not only what each looked at.

The last section, so that all replies are there. Each check makes the replies that it needs, since
it may be run by itself.
"""

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint, endpoints

from ..assertions import CheckFailed, require_field
from ..context import CheckContext
from ..samples import CLIP, PICTURE, SOUND
from ..server_check import server_check

_TITLE = "add a title 'Hello' for 1 second"
_NEVER = "1000000000000000000"
_RENDERS = (wire.RENDER, wire.RENDER_STATUS, wire.RENDER_CANCEL)


def _expect_none(
    context: CheckContext, rules: str, *where: Endpoint, assumed: bool = False
) -> None:
    """Require that no reply of these endpoints has broken one of these rules."""
    names = [name for name, one in endpoints().items() if one in where]
    for broken in context.replies.find(rules.split(), names, assumed=assumed):
        raise CheckFailed(f"{broken.endpoint}: {broken.what}", broken.expected, broken.actual)


@server_check("token.replies", "AUTH-1", prerequisite="token", tokens=1)
def every_token_reply_is_whole(context: CheckContext) -> None:
    """Every anonymous token MUST be another, of another user, with all of its fields."""
    _ = context.account, context.new_account()
    _expect_none(context, "AUTH-1", wire.TOKEN)


@server_check("token.claim.replies", "AUTH-7", prerequisite="session")
def every_claim_reply_is_whole(context: CheckContext) -> None:
    """Every session MUST have claim tokens of its own, which live 604,800 seconds."""
    for session in (context.session, context.new_session()):
        task = require_field("data", context.read_state(session), "task_id")
        body = {"task_id": task, "session_id": session}
        context.call(wire.CLAIM_TOKEN, json=body)
    _expect_none(context, "AUTH-7", wire.CLAIM_TOKEN)


@server_check("session.replies", "SES-1", prerequisite="session")
def every_session_reply_is_whole(context: CheckContext) -> None:
    """Every session MUST have ids of its own, and the user of its token."""
    for session in (context.session, context.new_session()):
        context.read_state(session)
    _expect_none(context, "SES-1", wire.SESSION)


@server_check("upload.replies", "UPL-2", prerequisite="session")
def every_upload_reply_is_whole(context: CheckContext) -> None:
    """Every uploaded file MUST be told with its eight fields, and the figures of its type."""
    context.upload(context.new_session(), CLIP, PICTURE, SOUND)
    _expect_none(context, "UPL-2", wire.UPLOAD)


@server_check("credits.replies", "CRD-1", prerequisite="token")
def every_balance_adds_up(context: CheckContext) -> None:
    """Every balance MUST be whole numbers, none below 0, and `total` their sum."""
    for _ in range(2):
        context.call(wire.BALANCE)
    _expect_none(context, "CRD-1", wire.BALANCE)


@server_check("state.replies", "STA-1", "STA-2", prerequisite="edit")
def every_state_is_whole(context: CheckContext) -> None:
    """Every state MUST be of the session asked for, with its task, its user and all its parts."""
    for session in (context.session, context.edited_session, context.new_session()):
        context.read_state(session)
    _expect_none(context, "STA-1 STA-2", wire.STATE)


@server_check("state.replies.segments", "STA-4", prerequisite="work")
def every_draft_agrees_with_itself(context: CheckContext) -> None:
    """Every draft MUST have ids of its own for tracks and segments, and end with the last one."""
    context.send_message(context.scratch_session, _TITLE)
    context.read_state(context.scratch_session)
    _expect_none(context, "STA-4", wire.STATE)


@server_check("render.replies", "REN-4", "REN-5", prerequisite="render")
def every_render_reply_is_whole(context: CheckContext) -> None:
    """Every render reply MUST be of the render asked for, and tell its end always alike."""
    render = str(context.completed_export["id"])
    context.call(wire.RENDER_STATUS, render=render)
    context.call(wire.RENDER_CANCEL, render=render)
    _expect_none(context, "REN-4 REN-5", *_RENDERS)


@server_check("chat.replies", "SSE-2", prerequisite="work")
def every_event_is_whole(context: CheckContext) -> None:
    """Every event of every turn MUST have its fields, an id of its own, and the id of its turn."""
    for message in ("hello", _TITLE):
        context.send_message(context.scratch_session, message)
    _expect_none(context, "SSE-2", wire.CHAT)


@server_check("general.replies", "GEN-1", "GEN-2", prerequisite="session")
def every_envelope_is_whole(context: CheckContext) -> None:
    """Every JSON reply MUST have the envelope, every failure its code, a message, `data` null and
    the HTTP status of one style."""
    context.call(wire.STATE, session=_NEVER)
    context.target.request("GET", wire.BALANCE.template)
    context.send_message(context.session, "hello")
    _expect_none(context, "GEN-1 GEN-2", *endpoints().values())


@server_check("general.replies.status", "GEN-1", prerequisite="session", assumed=True)
def every_success_is_200(context: CheckContext) -> None:
    """Every success MUST be HTTP 200, files and pages of their media type."""
    context.read_state(context.session)
    _expect_none(context, "GEN-1", *endpoints().values(), assumed=True)
