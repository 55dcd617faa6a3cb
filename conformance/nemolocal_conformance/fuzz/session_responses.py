"""Validates responses about sessions, uploads and states (sections 3, 4 and 7)."""

from typing import Any

from nemolocal_contract.responses import ResponseCode

from ..assertions import (
    CheckFailed,
    expect_equal,
    expect_one_of,
    expect_true,
    expect_type,
    require_field,
)
from ..context import CheckContext
from ..samples import CLIP, PICTURE, SOUND
from ..stable_fields import known_draft
from ..target import TargetResponse
from .expected_errors import matches_expected_error, require_success
from .script import SessionStep, StateStep, UploadStep, UrlUploadStep
from .server_model import ModelSession, ServerModel
from .violation import under_rule

FILE_TYPES = {CLIP: "video", PICTURE: "image", SOUND: "audio"}
TASK_NAME = "project"
_PARTS = {"draft": dict, "video_infos": list, "canvas_config": dict, "generated_media": list}
_TRACK_TYPES = (0, 1, 7)


def validate_session(
    context: CheckContext, model: ServerModel, step: SessionStep, response: TargetResponse
) -> None:
    """Validate a new session (SES-1, GEN-6, GEN-7)."""
    due = model.expected_errors(step)
    if step.user == "other":
        due.required[ResponseCode.SESSION_NOT_FOUND] = "GEN-7"
    if step.broken:
        due.required[ResponseCode.BAD_REQUEST] = "GEN-6"
    if matches_expected_error(context, response, due):
        return
    data = require_success(response, "SES-1")
    account = model.accounts[step.by]
    with under_rule("SES-1"):
        names = ("session_id", "task_id", "user_id")
        session, task, user = (
            expect_type(f"data.{name}", require_field("data", data, name), str) for name in names
        )
        expect_true("data.task_id", bool(task), "not empty", task)
        expect_equal("data.user_id", user, account.user_id or user)
        known = {known.id for known in model.sessions.values()}
        expect_true("data.session_id", session not in known, "a new one", session)
    account.user_id = user
    model.sessions[step.session] = ModelSession(account, session, task)


def validate_upload(
    context: CheckContext, model: ServerModel, step: UploadStep, response: TargetResponse
) -> None:
    """Require that an upload added all of its files or none (UPL-1 to UPL-3, UPL-5)."""
    due = model.expected_session_errors(step, step.session)
    bad = [name for name in step.files if name not in FILE_TYPES]
    if bad:
        due.required[ResponseCode.UNSUPPORTED_FILE] = "UPL-3"
    session = model.session_of(step, step.session)
    if session is not None and bad:
        session.had_refused_upload = True
    if matches_expected_error(context, response, due):
        return
    data = require_success(response, "UPL-1")
    assert session is not None  # otherwise an error was required
    with under_rule("UPL-2"):
        files = expect_type("data.files", require_field("data", data, "files"), list)
        actual = [
            (require_field("file", f, "filename"), require_field("file", f, "file_type"))
            for f in files
        ]
        expect_equal("names and types of files", actual, [(n, FILE_TYPES[n]) for n in step.files])
        expect_equal(
            "data.session_state_applied", require_field("data", data, "session_state_applied"), True
        )
    session.files += step.files


def validate_url_upload(
    context: CheckContext, model: ServerModel, step: UrlUploadStep, response: TargetResponse
) -> None:
    """Require that a URL that must not be fetched is rejected (UPL-6)."""
    due = model.expected_session_errors(step, step.session)
    due.required[ResponseCode.UNSUPPORTED_FILE] = "UPL-6"
    matches_expected_error(context, response, due)


def validate_state(
    context: CheckContext, model: ServerModel, step: StateStep, response: TargetResponse
) -> None:
    """Validate a state: fields, uploads, and a draft that only edits have changed (STA-1)."""
    if matches_expected_error(
        context, response, model.expected_session_errors(step, step.session, step.user)
    ):
        return
    data = require_success(response, "STA-1")
    session = model.sessions[step.session]
    with under_rule("STA-1"):
        for name, value in _fields(session).items():
            expect_equal(f"data.{name}", require_field("data", data, name), value)
        state = require_field("data", data, "state")
        for name, kind in _PARTS.items():
            expect_type(f"data.state.{name}", require_field("data.state", state, name), kind)
    with under_rule("UPL-5" if session.had_refused_upload else "STA-1"):
        actual = [require_field("video_infos", info, "filename") for info in state["video_infos"]]
        expect_equal("names in video_infos", sorted(map(str, actual)), sorted(session.files))
    _validate_draft(session, state["draft"])
    session.draft, session.turns_since_read, session.edits_since_read = state["draft"], 0, 0


def _fields(session: ModelSession) -> dict[str, str]:
    owner = session.owner.user_id
    return {
        "session_id": session.id, "task_id": session.task_id, "user_id": owner,
        "task_name": TASK_NAME,
    }  # fmt: skip


def _validate_draft(session: ModelSession, draft: dict[str, Any]) -> None:
    with under_rule("STA-2"):
        expect_type("d", require_field("draft", draft, "d"), int, float)
        for track in expect_type("t", require_field("draft", draft, "t"), list):
            expect_one_of("tt", require_field("track", track, "tt"), _TRACK_TYPES)
            expect_type("sg", require_field("track", track, "sg"), list)
    if session.draft is None and not session.turns_since_read:
        with under_rule("SES-1"):
            expect_equal("segments of a new session", all_segments(draft), [])
    elif session.draft is not None and not session.turns_since_read:
        with under_rule("SES-2"):
            kept = known_draft(session.draft)
            expect_equal("the draft, which nobody has edited", known_draft(draft), kept)
    elif (
        session.edits_since_read
        and session.edits_since_read == session.turns_since_read == 1
        and session.draft is not None
        and known_draft(draft) == known_draft(session.draft)
    ):
        with under_rule("SSE-5"):
            raise CheckFailed("the draft after an edit", "changed", "as it was")


def all_segments(draft: dict[str, Any]) -> list[Any]:
    """Return all segments of a draft."""
    return [segment for track in draft.get("t") or () for segment in track.get("sg") or ()]
