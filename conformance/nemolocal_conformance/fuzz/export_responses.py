"""Validates responses about exports (section 8)."""

from itertools import takewhile
from typing import Any

import msgspec

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
from ..error_assertions import is_error, names_path
from ..render_replies import flatten_render
from ..target import TargetResponse
from .expected_errors import matches_expected_error
from .script import CancelStep, DownloadStep, ExportStep, FollowStep, StatusStep
from .server_model import ExpectedErrors, ModelRender, ServerModel
from .session_responses import all_segments
from .violation import under_rule

RENDER_STATUSES = ("pending", "processing", "completed", "failed")
FINAL_STATUSES = ("completed", "failed")
_TITLE = {"t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 400, "txt": "alone"}]}], "d": 400}
_SMALL = {"m": {"width": 160, "height": 90}}
_REFUSED_AT = {
    "empty": "draft.t",
    "unknown-media": "draft.t[0].sg[0].src",
    "negative-time": "draft.t[0].sg[0].d",
}


class FollowedRender(msgspec.Struct, frozen=True):
    """The polls of a render to its end, and its file; None if it has none."""

    statuses: tuple[TargetResponse, ...]
    file: TargetResponse | None = None


def export_draft(model: ServerModel, step: ExportStep) -> dict[str, Any]:
    """Return the draft that an export step sends."""
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


def validate_export(
    context: CheckContext, model: ServerModel, step: ExportStep, response: TargetResponse
) -> None:
    """Validate a submit (REN-1, REN-2, REN-6, REN-9)."""
    key = (model.token(step.by), model.render_id(step.render))
    due = _expected_export_errors(model, step)
    if (
        _is_accepted(response)
        and not step.attributed
        and set(due.required) == {ResponseCode.EXPORT_BLOCKED}
    ):
        # Sources disagree on REN-2: only users without credits may need attribution.
        context.note_alternative("REN-2", "export_402=out_of_credits")
        due.required.clear()
    if key in model.renders and not due.required:
        _validate_duplicate(response)
        return
    if matches_expected_error(context, response, due):
        _validate_error_path(step, response, due)
        model.refused_renders.add(key)
        return
    if (
        key in model.refused_renders
        and is_error(response)
        and "duplicate" in _lowercase_body(response)
    ):
        return  # a rejected submit may or may not have used the id
    with under_rule("REN-4"):
        body = flatten_render(response.json)
        expect_equal("status", require_field("the reply", body, "status"), "pending")
    with under_rule("REN-1"):
        expect_equal("id", require_field("the reply", body, "id"), key[1])
    model.renders[key] = ModelRender(key[1], model.sessions[step.session])
    model.accounts[step.by].credit_rule = "REN-3"


def _expected_export_errors(model: ServerModel, step: ExportStep) -> ExpectedErrors:
    due = model.expected_session_errors(step, step.session)
    if (model.token(step.by), model.render_id(step.render)) in model.renders:
        due.allowed[ResponseCode.BAD_REQUEST] = "REN-6"
    if not step.attributed:
        due.required[ResponseCode.EXPORT_BLOCKED] = "REN-2"
    if not all_segments(export_draft(model, step)) or step.draft in _REFUSED_AT:
        due.required[ResponseCode.BAD_REQUEST] = "REN-9"
    return due


def _is_accepted(response: TargetResponse) -> bool:
    try:
        return response.status == 200 and flatten_render(response.json).get("status") == "pending"
    except CheckFailed:
        return False


def _lowercase_body(response: TargetResponse) -> str:
    return str(response.json).lower()


def _validate_duplicate(response: TargetResponse) -> None:
    with under_rule("REN-6"):
        expect_equal("taken", _is_accepted(response), False)
        expect_true(
            "the reply",
            "duplicate" in _lowercase_body(response),
            "duplicate",
            _lowercase_body(response)[:200],
        )


def _validate_error_path(
    step: ExportStep, response: TargetResponse, expected: ExpectedErrors
) -> None:
    """If the draft is the only fault, the message must contain the field's path (REN-9)."""
    path = _REFUSED_AT.get(step.draft, "draft.t")
    if set(expected.required) == {ResponseCode.BAD_REQUEST} and not expected.allowed:
        with under_rule("REN-9"):
            message = str(response.json.get("message"))
            expect_true("message", names_path(message, path), path, message)


def _render_unless_error(
    context: CheckContext,
    model: ServerModel,
    step: StatusStep | CancelStep | DownloadStep,
    response: TargetResponse,
) -> ModelRender | None:
    """Return the render of a step; None if the response is the error that was expected."""
    if matches_expected_error(context, response, model.expected_render_errors(step, step.render)):
        return None
    render = model.render_of(step, step.render)
    assert render is not None  # otherwise an error was required
    return render


def validate_status(
    context: CheckContext, model: ServerModel, step: StatusStep, response: TargetResponse
) -> None:
    """Validate a status (REN-4, REN-5, REN-8)."""
    render = _render_unless_error(context, model, step, response)
    if render is None:
        return
    _validate_status_reply(model, render, response)


def _validate_status_reply(
    model: ServerModel, render: ModelRender, response: TargetResponse
) -> None:
    with under_rule("REN-4"):
        body = flatten_render(response.json)
        expect_equal("id", require_field("the reply", body, "id"), render.id)
        status = str(require_field("the reply", body, "status"))
        expect_one_of("status", status, RENDER_STATUSES)
        progress = expect_type("progress", require_field("the reply", body, "progress"), int, float)
    with under_rule("REN-5"):
        _validate_order(render, status, progress)
        output = body.get("output")
        url = output.get("url") if isinstance(output, dict) else None
        expect_equal(f"output.url while {status}", bool(url), status == "completed")
    with under_rule("REN-8"):
        waits = not render.has_left_queue or status != "processing"
        expect_true("a second export at work in its session", waits, "in the queue", status)
    render.status, render.progress, render.output = status, progress, output
    if status == "processing":
        _note_queue(model, render)


def _validate_order(render: ModelRender, status: str, progress: float) -> None:
    if render.status in FINAL_STATUSES:
        expect_equal("status", status, render.status)
    steps = RENDER_STATUSES.index(status) >= RENDER_STATUSES.index(render.status)
    expect_true("status", steps, f"{render.status} or later", status)
    expect_true(
        "progress", render.progress <= progress <= 100, f"{render.progress} to 100", progress
    )
    expect_equal("progress of 100", progress == 100 or status != "completed", True)


def _note_queue(model: ServerModel, active: ModelRender) -> None:
    """Note that every render submitted before the active one has left the queue (REN-8)."""
    for render in takewhile(lambda one: one is not active, model.renders.values()):
        if render.session is active.session:
            render.has_left_queue = True


def validate_followed_render(
    context: CheckContext, model: ServerModel, step: FollowStep, followed: FollowedRender
) -> None:
    """Validate a render to its end, and its file, which needs no token (REN-5, REN-7, REN-8)."""
    for response in followed.statuses:
        validate_status(
            context, model, StatusStep(by=step.by, auth=step.auth, render=step.render), response
        )
    render = model.render_of(step, step.render)
    if followed.file is None or render is None:
        return
    with under_rule("REN-8"):
        expect_equal("the HTTP status of the file", followed.file.status, 200)
    with under_rule("REN-7"):
        head = followed.file.body[:12]
        expect_true("the file", head[4:8] == b"ftyp", "MP4", head)
    size = render.output.get("size")
    if size is not None:  # the nested shape does not have it
        with under_rule("REN-4"):
            expect_equal("output.size", size, len(followed.file.body))


def validate_cancel(
    context: CheckContext, model: ServerModel, step: CancelStep, response: TargetResponse
) -> None:
    """Require that a cancelled render failed, unless it was already completed (REN-8)."""
    render = _render_unless_error(context, model, step, response)
    if render is None:
        return
    with under_rule("REN-8"):
        expect_equal("the HTTP status", response.status, 200)
        status = flatten_render(response.json).get("status")
        allowed = (render.status,) if render.status in FINAL_STATUSES else FINAL_STATUSES
        expect_one_of("status", status, allowed)
    render.status = str(status)


def validate_download(
    context: CheckContext, model: ServerModel, step: DownloadStep, response: TargetResponse
) -> None:
    """Require that the fallback download gives a file only for a completed render (REN-8)."""
    render = _render_unless_error(context, model, step, response)
    if render is None:
        return
    is_file = response.status == 200 and response.body[4:8] == b"ftyp"
    if render.status in FINAL_STATUSES:
        with under_rule("REN-8"):
            done = render.status == "completed"
            expect_equal(f"a file while {render.status}", is_file, done)
