"""Answers about exports (section 8)."""

from itertools import takewhile
from typing import Any

import msgspec

from nemolocal_contract.codes import Code

from ..expectations import Broken, expect, expect_one_of, expect_that, expect_type, field
from ..failures import is_refusal
from ..peer import Answer
from ..stage import Stage, flat
from .finding import under
from .model import Due, Model, Render
from .refusals import refused
from .script import Cancel, Download, Export, Follow, Look
from .sessions import segments

STATES = ("pending", "processing", "completed", "failed")
ENDED = ("completed", "failed")
_TITLE = {"t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 400, "txt": "alone"}]}], "d": 400}
_SMALL = {"m": {"width": 160, "height": 90}}
_REFUSED_AT = {
    "empty": "draft.t",
    "unknown-media": "draft.t[0].sg[0].src",
    "negative-time": "draft.t[0].sg[0].d",
}


class Watched(msgspec.Struct, frozen=True):
    """A render that was followed: each look, and the file, None where none came of it."""

    looks: tuple[Answer, ...]
    file: Answer | None = None


def draft_of(model: Model, step: Export) -> dict[str, Any]:
    """The draft that an export sends."""
    session = model.sessions.get(step.session)
    seen = session.draft if session is not None and session.draft is not None else {}
    unknown = {"id": "x", "s": 0, "d": 500, "src": "nothing"}
    backwards = {"id": "x", "s": 0, "d": -5, "txt": "x"}
    drafts: dict[str, dict[str, Any]] = {
        "title": {**_TITLE, **_SMALL},
        "seen": {**seen, "t": seen.get("t", []), "d": seen.get("d", 0)},
        "empty": {"t": [], "d": 0},
        "unknown-media": {"t": [{"tt": 0, "sg": [unknown]}], "d": 500},
        "negative-time": {"t": [{"tt": 7, "sg": [backwards]}], "d": 500},
    }
    return drafts[step.draft]


def judge_export(stage: Stage, model: Model, step: Export, answer: Answer) -> None:
    """A submit (REN-1, REN-2, REN-6, REN-9)."""
    key = (model.token(step.by), model.render_id(step.render))
    due = _due_of_export(model, step)
    if _is_taken(answer) and not step.attributed and set(due.must) == {Code.EXPORT_BLOCKED}:
        # REN-2 is contradicted: only those without credits may need attribution.
        stage.saw("REN-2", "export_402=out_of_credits")
        due.must.clear()
    if key in model.renders and not due.must:
        _judge_duplicate(answer)
        return
    if refused(stage, answer, due):
        _judge_path(step, answer, due)
        model.spoilt.add(key)
        return
    if key in model.spoilt and is_refusal(answer) and "duplicate" in _said(answer):
        return  # an id whose submit was refused may have been used, or not
    with under("REN-4"):
        body = flat(answer.json)
        expect("status", field("the reply", body, "status"), "pending")
    with under("REN-1"):
        expect("id", field("the reply", body, "id"), key[1])
    model.renders[key] = Render(key[1], model.sessions[step.session])
    model.accounts[step.by].moved = "REN-3"


def _due_of_export(model: Model, step: Export) -> Due:
    due = model.due_in_session(step, step.session)
    if (model.token(step.by), model.render_id(step.render)) in model.renders:
        due.may[Code.BAD_REQUEST] = "REN-6"
    if not step.attributed:
        due.must[Code.EXPORT_BLOCKED] = "REN-2"
    if not segments(draft_of(model, step)) or step.draft in _REFUSED_AT:
        due.must[Code.BAD_REQUEST] = "REN-9"
    return due


def _is_taken(answer: Answer) -> bool:
    try:
        return answer.status == 200 and flat(answer.json).get("status") == "pending"
    except Broken:
        return False


def _said(answer: Answer) -> str:
    return answer.body.decode(errors="replace").lower()


def _judge_duplicate(answer: Answer) -> None:
    with under("REN-6"):
        expect("taken", _is_taken(answer), False)
        expect_that("the reply", "duplicate" in _said(answer), "duplicate", _said(answer)[:200])


def _judge_path(step: Export, answer: Answer, due: Due) -> None:
    """A draft that alone is the fault is refused with the path of the field (REN-9)."""
    path = _REFUSED_AT.get(step.draft, "draft.t")
    if set(due.must) == {Code.BAD_REQUEST} and not due.may:
        with under("REN-9"):
            message = str(answer.json.get("message"))
            expect_that("message", path in message, path, message)


def judge_look(stage: Stage, model: Model, step: Look, answer: Answer) -> None:
    """A status (REN-4, REN-5, REN-8)."""
    if refused(stage, answer, model.due_of_render(step, step.render)):
        return
    render = model.render_of(step, step.render)
    assert render is not None  # else it was due to be refused
    _judge_status(model, render, answer)


def _judge_status(model: Model, render: Render, answer: Answer) -> None:
    with under("REN-4"):
        body = flat(answer.json)
        expect("id", field("the reply", body, "id"), render.id)
        status = str(field("the reply", body, "status"))
        expect_one_of("status", status, STATES)
        progress = expect_type("progress", field("the reply", body, "progress"), int)
    with under("REN-5"):
        _judge_order(render, status, progress)
        output = body.get("output")
        url = output.get("url") if isinstance(output, dict) else None
        expect(f"output.url while {status}", bool(url), status == "completed")
    with under("REN-8"):
        waits = not render.over or status != "processing"
        expect_that("a second export at work in its session", waits, "in the queue", status)
    render.status, render.progress, render.output = status, progress, output
    if status == "processing":
        _note_queue(model, render)


def _judge_order(render: Render, status: str, progress: int) -> None:
    if render.status in ENDED:
        expect("status", status, render.status)
    steps = STATES.index(status) >= STATES.index(render.status)
    expect_that("status", steps, f"{render.status} or later", status)
    expect_that(
        "progress", render.progress <= progress <= 100, f"{render.progress} to 100", progress
    )
    expect("progress of 100", progress == 100 or status != "completed", True)


def _note_queue(model: Model, active: Render) -> None:
    """Whatever was begun before the one that is at work has had its turn (REN-8)."""
    for render in takewhile(lambda one: one is not active, model.renders.values()):
        if render.session is active.session:
            render.over = True


def judge_follow(stage: Stage, model: Model, step: Follow, watched: Watched) -> None:
    """A render to its end, and its file, which needs no token (REN-5, REN-7, REN-8)."""
    for answer in watched.looks:
        judge_look(stage, model, Look(by=step.by, auth=step.auth, render=step.render), answer)
    render = model.render_of(step, step.render)
    if watched.file is None or render is None:
        return
    with under("REN-8"):
        expect("the HTTP status of the file", watched.file.status, 200)
    with under("REN-7"):
        head = watched.file.body[:12]
        expect_that("the file", head[4:8] == b"ftyp", "MP4", head)
    size = render.output.get("size")
    if size is not None:  # the nested shape does not tell it
        with under("REN-4"):
            expect("output.size", size, len(watched.file.body))


def judge_cancel(stage: Stage, model: Model, step: Cancel, answer: Answer) -> None:
    """A cancelled render has failed, unless it was completed before (REN-8)."""
    if refused(stage, answer, model.due_of_render(step, step.render)):
        return
    render = model.render_of(step, step.render)
    assert render is not None  # else it was due to be refused
    with under("REN-8"):
        expect("the HTTP status", answer.status, 200)
        status = flat(answer.json).get("status")
        allowed = (render.status,) if render.status in ENDED else ENDED
        expect_one_of("status", status, allowed)
    render.status = str(status)


def judge_download(stage: Stage, model: Model, step: Download, answer: Answer) -> None:
    """The fallback download: the file of a completed render, of no other (REN-8)."""
    if refused(stage, answer, model.due_of_render(step, step.render)):
        return
    render = model.render_of(step, step.render)
    assert render is not None  # else it was due to be refused
    is_file = answer.status == 200 and answer.body[4:8] == b"ftyp"
    if render.status in ENDED:
        with under("REN-8"):
            done = render.status == "completed"
            expect(f"a file while {render.status}", is_file, done)
