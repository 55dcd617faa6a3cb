"""Section 3: sessions (SES-1 to SES-4)."""

import re

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code

from ..check import check
from ..expectations import expect, expect_that, expect_type, field
from ..failures import expect_failure
from ..stage import Stage

_NEVER = "1000000000000000000"


@check("session.new.fields", "SES-1", needs="token")
def session_has_its_ids(stage: Stage) -> None:
    """A new session MUST be answered with `task_id`, `session_id` and `user_id`."""
    body = {"task_name": "project", "language": "en"}
    data = stage.call(wire.SESSION, json=body).data
    for name in ("task_id", "session_id", "user_id"):
        value = expect_type(f"data.{name}", field("data", data, name), str)
        expect_that(f"data.{name}", bool(value), "not empty", value)


@check("session.new.digits", "SES-1", needs="session", assumed=True)
def session_id_has_19_digits(stage: Stage) -> None:
    """A session id SHOULD be a string of 19 digits."""
    fits = bool(re.fullmatch(r"\d{19}", stage.session))
    expect_that("data.session_id", fits, "19 digits", stage.session)


@check("session.new.language-optional", "SES-1", needs="token")
def language_may_be_left_out(stage: Stage) -> None:
    """A session MUST open without `language`."""
    data = stage.call(wire.SESSION, json={"task_name": "project"}).data
    field("data", data, "session_id")


@check("session.new.user", "SES-1", needs="token")
def session_belongs_to_the_caller(stage: Stage) -> None:
    """The `user_id` of a new session MUST be the caller's."""
    data = stage.call(wire.SESSION, json={"task_name": "project"}).data
    known = stage.account.user_id or field("data", stage.state(data["session_id"]), "user_id")
    expect("data.user_id", field("data", data, "user_id"), known)


@check("session.new.distinct", "SES-1", needs="token")
def sessions_are_distinct(stage: Stage) -> None:
    """Two new sessions MUST have different ids."""
    one, other = stage.new_session(), stage.new_session()
    expect_that("data.session_id", one != other, "different ids", one)


@check("session.new.empty", "SES-1", "STA-3", needs="session")
def new_session_has_an_empty_timeline(stage: Stage) -> None:
    """The timeline of a new session MUST have no segments."""
    draft = stage.draft(stage.new_session())
    filled = [track for track in draft.get("t") or () if track.get("sg")]
    expect("tracks with segments", filled, [])


@check("session.kept", "SES-2", needs="edit")
def session_is_kept(stage: Stage) -> None:
    """A draft MUST be there for whoever comes back on another connection."""
    before = stage.draft(stage.edited)
    stage.call(wire.BALANCE, headers={"Connection": "close"})
    again = stage.call(wire.STATE, session=stage.edited)
    expect("the draft", field("data", again.data, "state", "draft"), before)


@check("session.unknown.state", "SES-3", needs="token")
def state_of_an_unknown_session(stage: Stage) -> None:
    """The state of a session that never was MUST be 1002."""
    answer = stage.call(wire.STATE, session=_NEVER)
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("session.unknown.chat", "SES-3", "GEN-2", needs="token")
def turn_of_an_unknown_session(stage: Stage) -> None:
    """A turn in a session that never was MUST be 1002 instead of a stream."""
    told = stage.say(_NEVER, "hello")
    expect_failure(stage, told.answer, Code.SESSION_NOT_FOUND, chat=True)


@check("session.unknown.upload", "SES-3", needs="token")
def upload_to_an_unknown_session(stage: Stage) -> None:
    """An upload to a session that never was MUST be 1002."""
    answer = stage.upload(_NEVER, "picture.png")
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("session.unknown.render", "SES-3", needs="token")
def export_of_an_unknown_session(stage: Stage) -> None:
    """An export of a session that never was MUST be 1002."""
    draft = {"t": [{"tt": 7, "sg": [{"s": 0, "d": 1000, "txt": "x"}]}], "d": 1000}
    answer = stage.submit(stage.render_id(), _NEVER, draft)
    expect_failure(stage, answer, Code.SESSION_NOT_FOUND)


@check("session.foreign.everywhere", "SES-3", "GEN-7", needs="session", tokens=1)
def foreign_session_is_unknown_everywhere(stage: Stage) -> None:
    """Somebody else's session MUST be 1002 for its state, for uploads and for turns."""
    other = stage.new_account()
    expect_failure(
        stage, stage.call(wire.STATE, other, session=stage.session), Code.SESSION_NOT_FOUND
    )
    expect_failure(
        stage, stage.upload(stage.session, "picture.png", account=other), Code.SESSION_NOT_FOUND
    )
    told = stage.say(stage.session, "hello", other)
    expect_failure(stage, told.answer, Code.SESSION_NOT_FOUND, chat=True)
