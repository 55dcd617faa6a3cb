"""Section 3: sessions (SES-1 to SES-4)."""

import re

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..assertions import expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..endpoint_requests import UNKNOWN_SESSION
from ..error_assertions import expect_error
from ..server_check import server_check
from ..stable_fields import known_draft


@server_check("session.new.fields", "SES-1", prerequisite="token")
def session_has_its_ids(context: CheckContext) -> None:
    """A new session MUST have `task_id`, `session_id` and `user_id`."""
    body = {"task_name": "project", "language": "en"}
    data = context.call(wire.SESSION, json=body).data
    for name in ("task_id", "session_id", "user_id"):
        value = expect_type(f"data.{name}", require_field("data", data, name), str)
        expect_true(f"data.{name}", bool(value), "not empty", value)


@server_check("session.new.digits", "SES-1", prerequisite="session", assumed=True)
def session_id_has_19_digits(context: CheckContext) -> None:
    """A session id SHOULD be a string of 19 digits."""
    fits = bool(re.fullmatch(r"\d{19}", context.session))
    expect_true("data.session_id", fits, "19 digits", context.session)


@server_check("session.new.language-optional", "SES-1", prerequisite="token")
def language_may_be_left_out(context: CheckContext) -> None:
    """A session MUST be created with or without `language`."""
    data = context.call(wire.SESSION, json={"task_name": "project"}).data
    require_field("data", data, "session_id")


@server_check("session.new.user", "SES-1", prerequisite="token")
def session_belongs_to_the_caller(context: CheckContext) -> None:
    """The `user_id` of a new session MUST be the caller's."""
    data = context.call(wire.SESSION, json={"task_name": "project"}).data
    session = str(require_field("data", data, "session_id"))
    known = context.account.user_id or require_field("data", context.read_state(session), "user_id")
    expect_equal("data.user_id", require_field("data", data, "user_id"), known)


@server_check("session.new.distinct", "SES-1", prerequisite="token")
def sessions_are_distinct(context: CheckContext) -> None:
    """Two new sessions MUST have different ids."""
    one, other = context.new_session(), context.new_session()
    expect_true("data.session_id", one != other, "different ids", one)


@server_check("session.new.empty", "SES-1", "STA-3", prerequisite="session")
def new_session_has_an_empty_timeline(context: CheckContext) -> None:
    """A new session MUST have an empty timeline."""
    draft = context.read_draft(context.new_session())
    filled = [track for track in draft.get("t") or () if track.get("sg")]
    expect_equal("tracks with segments", filled, [])


@server_check("session.kept", "SES-2", prerequisite="edit")
def session_is_kept(context: CheckContext) -> None:
    """A draft MUST be the same on another connection."""
    before = known_draft(context.read_draft(context.edited_session))
    context.call(wire.BALANCE, headers={"Connection": "close"})
    again = context.read_draft(context.edited_session)
    expect_equal("the draft", known_draft(again), before)


@server_check("session.unknown.state", "SES-3", prerequisite="token")
def state_of_an_unknown_session(context: CheckContext) -> None:
    """The state of a session that does not exist MUST be refused with 1002."""
    response = context.call(wire.STATE, session=UNKNOWN_SESSION)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("session.unknown.chat", "SES-3", "GEN-2", prerequisite="token")
def turn_of_an_unknown_session(context: CheckContext) -> None:
    """A turn in a session that does not exist MUST be refused with 1002 instead of a stream."""
    stream = context.send_message(UNKNOWN_SESSION, "hello")
    expect_error(context, stream.response, ResponseCode.SESSION_NOT_FOUND, chat=True)


@server_check("session.unknown.upload", "SES-3", prerequisite="token")
def upload_to_an_unknown_session(context: CheckContext) -> None:
    """An upload to a session that does not exist MUST be refused with 1002."""
    response = context.upload(UNKNOWN_SESSION, "picture.png")
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("session.unknown.render", "SES-3", prerequisite="token")
def export_of_an_unknown_session(context: CheckContext) -> None:
    """An export of a session that does not exist MUST be refused with 1002."""
    draft = {"t": [{"tt": 7, "sg": [{"s": 0, "d": 1000, "txt": "x"}]}], "d": 1000}
    response = context.submit_export(context.new_render_id(), UNKNOWN_SESSION, draft)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("session.foreign.everywhere", "SES-3", "GEN-7", prerequisite="session", tokens=1)
def foreign_session_is_unknown_everywhere(context: CheckContext) -> None:
    """Another user's session MUST be refused with 1002 for its state, uploads and turns."""
    other = context.new_account()
    expect_error(
        context,
        context.call(wire.STATE, other, session=context.session),
        ResponseCode.SESSION_NOT_FOUND,
    )
    expect_error(
        context,
        context.upload(context.session, "picture.png", account=other),
        ResponseCode.SESSION_NOT_FOUND,
    )
    stream = context.send_message(context.session, "hello", other)
    expect_error(context, stream.response, ResponseCode.SESSION_NOT_FOUND, chat=True)
