"""Answers about sessions, uploads and states (sections 3, 4 and 7)."""

from typing import Any

from nemolocal_contract.codes import Code

from ..expectations import Broken, expect, expect_one_of, expect_that, expect_type, field
from ..peer import Answer
from ..samples import CLIP, PICTURE, SOUND
from ..stage import Stage
from .finding import under
from .model import Model, Session
from .refusals import refused, succeeded
from .script import Link, OpenSession, ReadState, Upload

KINDS = {CLIP: "video", PICTURE: "image", SOUND: "audio"}
TASK = "project"
_PARTS = {"draft": dict, "video_infos": list, "canvas_config": dict, "generated_media": list}
_TRACK_TYPES = (0, 1, 7)


def judge_session(stage: Stage, model: Model, step: OpenSession, answer: Answer) -> None:
    """A new session (SES-1, GEN-6, GEN-7)."""
    due = model.due(step)
    if step.user == "other":
        due.must[Code.SESSION_NOT_FOUND] = "GEN-7"
    if step.broken:
        due.must[Code.BAD_REQUEST] = "GEN-6"
    if refused(stage, answer, due):
        return
    data = succeeded(answer, "SES-1")
    account = model.accounts[step.by]
    with under("SES-1"):
        names = ("session_id", "task_id", "user_id")
        session, task, user = (
            expect_type(f"data.{name}", field("data", data, name), str) for name in names
        )
        expect_that("data.task_id", bool(task), "not empty", task)
        expect("data.user_id", user, account.user_id or user)
        known = {known.id for known in model.sessions.values()}
        expect_that("data.session_id", session not in known, "a new one", session)
    account.user_id = user
    model.sessions[step.session] = Session(account, session, task)


def judge_upload(stage: Stage, model: Model, step: Upload, answer: Answer) -> None:
    """An upload: all of its files, or none (UPL-1 to UPL-3, UPL-5)."""
    due = model.due_in_session(step, step.session)
    bad = [name for name in step.files if name not in KINDS]
    if bad:
        due.must[Code.UNSUPPORTED_FILE] = "UPL-3"
    session = model.session_of(step, step.session)
    if session is not None and bad:
        session.refused = True
    if refused(stage, answer, due):
        return
    data = succeeded(answer, "UPL-1")
    assert session is not None  # else it was due to be refused
    with under("UPL-2"):
        files = expect_type("data.files", field("data", data, "files"), list)
        told = [(field("file", f, "filename"), field("file", f, "file_type")) for f in files]
        expect("names and types of files", told, [(n, KINDS[n]) for n in step.files])
        expect("data.session_state_applied", field("data", data, "session_state_applied"), True)
    session.files += step.files


def judge_link(stage: Stage, model: Model, step: Link, answer: Answer) -> None:
    """A URL that nobody may follow is refused (UPL-6)."""
    due = model.due_in_session(step, step.session)
    due.must[Code.UNSUPPORTED_FILE] = "UPL-6"
    refused(stage, answer, due)


def judge_state(stage: Stage, model: Model, step: ReadState, answer: Answer) -> None:
    """A state: its fields, what was uploaded, and a draft that changes by edits alone (STA-1)."""
    if refused(stage, answer, model.due_in_session(step, step.session, step.user)):
        return
    data = succeeded(answer, "STA-1")
    session = model.sessions[step.session]
    with under("STA-1"):
        for name, value in _fields(session).items():
            expect(f"data.{name}", field("data", data, name), value)
        state = field("data", data, "state")
        for name, kind in _PARTS.items():
            expect_type(f"data.state.{name}", field("data.state", state, name), kind)
    with under("UPL-5" if session.refused else "STA-1"):
        told = [field("video_infos", info, "filename") for info in state["video_infos"]]
        expect("names in video_infos", sorted(map(str, told)), sorted(session.files))
    _judge_draft(session, state["draft"])
    session.draft, session.turns, session.edits = state["draft"], 0, 0


def _fields(session: Session) -> dict[str, str]:
    owner = session.owner.user_id
    return {
        "session_id": session.id, "task_id": session.task_id, "user_id": owner, "task_name": TASK,
    }  # fmt: skip


def _judge_draft(session: Session, draft: dict[str, Any]) -> None:
    with under("STA-2"):
        expect_type("d", field("draft", draft, "d"), int, float)
        for track in expect_type("t", field("draft", draft, "t"), list):
            expect_one_of("tt", field("track", track, "tt"), _TRACK_TYPES)
            expect_type("sg", field("track", track, "sg"), list)
    if session.draft is None and not session.turns:
        with under("SES-1"):
            expect("segments of a new session", segments(draft), [])
    elif session.draft is not None and not session.turns:
        with under("SES-2"):
            expect("the draft, which nobody has edited", draft, session.draft)
    elif session.edits and session.edits == session.turns == 1 and draft == session.draft:
        with under("SSE-5"):
            raise Broken("the draft after an edit", "changed", "as it was")


def segments(draft: dict[str, Any]) -> list[Any]:
    """All segments of a draft."""
    return [segment for track in draft.get("t") or () for segment in track.get("sg") or ()]
