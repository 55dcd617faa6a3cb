"""Section 8: exports and their status (REN-1, REN-2, REN-4 to REN-6, REN-9)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import ATTRIBUTION
from nemolocal_contract.responses import ResponseCode

from ..assertions import expect_equal, expect_one_of, expect_true, expect_type, require_field
from ..context import CheckContext
from ..endpoint_requests import TITLE_DRAFT
from ..error_assertions import error_code, expect_error, names_path
from ..render_replies import flatten_render
from ..samples import CLIP_SECONDS
from ..server_check import server_check
from .render_files import mp4_duration
from .render_refusals import expect_duplicate

_STATES = ("pending", "processing", "completed", "failed")


@server_check("render.submit.pending", "REN-1", "REN-4", prerequisite="edit")
def submit_is_answered_with_pending(context: CheckContext) -> None:
    """A submit MUST return the id of the request and the status pending."""
    render = context.new_render_id()
    body = flatten_render(
        context.submit_export(
            render, context.edited_session, context.read_draft(context.edited_session)
        ).json
    )
    expect_equal("id", require_field("the reply", body, "id"), render)
    expect_equal("status", require_field("the reply", body, "status"), "pending")


@server_check("render.submit.output-optional", "REN-1", prerequisite="edit")
def output_may_be_left_out(context: CheckContext) -> None:
    """A submit MUST be accepted with and without `output`."""
    for output in ({"format": "mp4", "quality": "high"}, None):
        response = context.submit_export(
            context.new_render_id(),
            context.edited_session,
            context.read_draft(context.edited_session),
            output=output,
        )
        status = require_field(
            f"the reply to output {output}", flatten_render(response.json), "status"
        )
        expect_one_of("status", status, _STATES)


@server_check("render.submit.unknown-keys", "REN-1", prerequisite="session", assumed=True)
def unknown_keys_of_output_are_taken(context: CheckContext) -> None:
    """A submit with unknown keys in `output` MUST be accepted."""
    output = {"format": "mp4", "quality": "high", "codec": "h264", "crf": 23}
    render = context.new_render_id()
    reply = context.submit_export(render, context.session, TITLE_DRAFT, output=output).json
    status = require_field("the reply", flatten_render(reply), "status")
    expect_one_of("status", status, _STATES)


@server_check("render.submit.session-field", "REN-1", "GEN-6", prerequisite="edit")
def session_id_field_is_camel_case(context: CheckContext) -> None:
    """A submit with `session_id` instead of `sessionId` MUST be refused with 400."""
    body = {
        "id": context.new_render_id(),
        "session_id": context.edited_session,
        "draft": context.read_draft(context.edited_session),
    }
    response = context.call(wire.RENDER, json=body)
    expect_equal("the HTTP status", response.status, 400)
    expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("render.submit.draft-sent", "REN-1", prerequisite="edit")
def draft_that_was_sent_is_rendered(context: CheckContext) -> None:
    """An export MUST render the draft in the request, not the saved one."""
    draft: dict[str, Any] = {
        **context.read_draft(context.edited_session),
        "t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 600, "txt": "alone"}]}],
        "d": 600,
    }
    render = context.new_render_id()
    context.submit_export(render, context.edited_session, draft)
    (last,) = context.poll_renders(render)[-1]
    expect_equal("status", last.get("status"), "completed")
    length = mp4_duration(context.call(wire.RENDER_DOWNLOAD, render=render).body)
    expect_true("seconds of the file", abs(length - 0.6) < 0.1, "0.6", length)


@server_check("render.attribution.missing", "REN-2", "GEN-4", prerequisite="edit")
def export_without_attribution_is_402(context: CheckContext) -> None:
    """An export that lacks any attribution header MUST be refused with HTTP 402 and code 402; some
    sources say so of anonymous users without credits only.
    """
    taken = []
    for left_out in ATTRIBUTION:
        headers = {name: "x" for name in ATTRIBUTION if name != left_out}
        if not _expect_402(context, f"without {left_out}", attributed=False, headers=headers):
            taken.append(left_out)
    expect_one_of("headers that the export did not need", taken, ([], [*ATTRIBUTION]))


@server_check("render.attribution.empty", "REN-2", prerequisite="edit", assumed=True)
def export_with_empty_attribution_is_402(context: CheckContext) -> None:
    """An export with an empty attribution header SHOULD be refused with HTTP 402, as if it were
    missing.
    """
    _expect_402(context, "with one that is empty", headers={ATTRIBUTION[0]: ""})


def _expect_402(context: CheckContext, how: str, **request: Any) -> bool:
    """Whether the export got HTTP 402; false if it was accepted, which is allowed."""
    draft = context.read_draft(context.edited_session)
    response = context.submit_export(
        context.new_render_id(), context.edited_session, draft, **request
    )
    if response.status == 200 and flatten_render(response.json).get("status") == "pending":
        context.note_alternative("REN-2", "export_402=out_of_credits")
        return False
    context.note_alternative("REN-2", "export_402=strict")
    expect_equal(f"the HTTP status {how}", response.status, 402)
    expect_error(context, response, ResponseCode.EXPORT_BLOCKED)
    return True


@server_check("render.attribution.penniless", "REN-2", needs_control=True)
def anonymous_user_without_credits_needs_attribution(context: CheckContext) -> None:
    """An anonymous user without credits MUST get 402 for an export without attribution."""
    account = context.make_account(anonymous=True)
    session = context.new_edited_session(account)
    context.control.change_token(account.token_reply["id"], credits=0)
    draft = context.read_draft(session, account)
    response = context.submit_export(
        context.new_render_id(), session, draft, account, attributed=False
    )
    expect_equal("the HTTP status", response.status, 402)
    expect_error(context, response, ResponseCode.EXPORT_BLOCKED)


@server_check("render.plan.blocked", "REN-2", needs_control=True)
def blocked_plan_is_402(context: CheckContext) -> None:
    """An export that the account's plan blocks MUST be refused with HTTP 402, code 402 and a
    message to upgrade.
    """
    account = context.make_account(plan="blocked")
    session = context.new_edited_session(account)
    response = context.submit_export(
        context.new_render_id(), session, context.read_draft(session, account), account
    )
    expect_equal("the HTTP status", response.status, 402)
    message = expect_error(context, response, ResponseCode.EXPORT_BLOCKED)
    expect_true("message", "upgrade" in message.lower(), "the word upgrade", message)
    expect_true("message", "credit" not in message.lower(), "no mention of credits", message)


@server_check("render.reply.each", "REN-4", "REN-1", prerequisite="session")
def every_render_reply_has_the_same_shape(context: CheckContext) -> None:
    """Submit, status and cancel MUST return HTTP 200 and JSON with id, status and progress."""
    render = context.new_render_id()
    replies = {
        "submit": context.submit_export(render, context.session, TITLE_DRAFT),
        "status": context.call(wire.RENDER_STATUS, render=render),
        "cancel": context.call(wire.RENDER_CANCEL, render=render),
    }
    shapes = set()
    for what, response in replies.items():
        if error_code(response) != 0:
            continue  # refused, which other checks judge
        expect_equal(f"the HTTP status of {what}", response.status, 200)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        expect_equal(f"content-type of {what}", kind, "application/json")
        reply = response.json
        body = flatten_render(reply)
        expect_equal(f"id of {what}", require_field(what, body, "id"), render)
        expect_one_of(f"status of {what}", require_field(what, body, "status"), _STATES)
        progress = expect_type(f"progress of {what}", require_field(what, body, "progress"), int)
        expect_true(f"progress of {what}", 0 <= progress <= 100, "0 to 100", progress)
        nested = body is not reply
        shapes.add(nested)
        if nested:
            success = require_field(what, reply, "success")
            expect_type(f"success of {what}", success, bool)
    expect_true("number of shapes", len(shapes) <= 1, "1", len(shapes))


@server_check("render.status.shape", "REN-4", prerequisite="render")
def status_has_a_known_shape(context: CheckContext) -> None:
    """The status of a render MUST be flat, or nested in `data` beside `success`."""
    body = context.call(wire.RENDER_STATUS, render=context.completed_export["id"]).json
    nested = isinstance(body, dict) and isinstance(body.get("data"), dict)
    context.note_alternative("REN-4", f"render={'nested' if nested else 'flat'}")
    inner = body["data"] if nested else body
    if nested:
        expect_equal("success", require_field("the reply", body, "success"), True)
        expect_type("data.outputUrl", require_field("data", inner, "outputUrl"), str)
    elif inner.get("status") == "completed":
        output = require_field("the reply", inner, "output")
        for name, kinds in {"url": (str,), "duration": (int, float), "size": (int,)}.items():
            expect_type(f"output.{name}", require_field("output", output, name), *kinds)
    expect_one_of("status", require_field("the reply", inner, "status"), _STATES)
    expect_type("progress", require_field("the reply", inner, "progress"), int, float)


@server_check("render.status.order", "REN-5", prerequisite="render")
def status_never_goes_back(context: CheckContext) -> None:
    """A render MUST go from pending to processing to its final status, and never back."""
    statuses = [require_field("the reply", poll, "status") for poll in context.export_statuses]
    for status in statuses:
        expect_one_of("status", status, _STATES)
    expect_equal("the order of statuses", statuses, sorted(statuses, key=_STATES.index))


@server_check("render.status.final", "REN-5", prerequisite="render")
def completed_render_stays_so(context: CheckContext) -> None:
    """A completed render MUST stay completed."""
    render = context.completed_export["id"]
    polls = [flatten_render(context.call(wire.RENDER_STATUS, render=render).json) for _ in range(3)]
    expect_equal("statuses", [poll.get("status") for poll in polls], ["completed"] * 3)


@server_check("render.status.seconds", "REN-4", prerequisite="render")
def length_is_told_in_seconds(context: CheckContext) -> None:
    """`output.duration`, if present, MUST be the duration of the file in seconds."""
    output = expect_type(
        "output", require_field("the status", context.completed_export, "output"), dict
    )
    length = expect_type("output.duration", output.get("duration", CLIP_SECONDS), int, float)
    off = abs(length - CLIP_SECONDS)
    expect_true("output.duration", off < 0.1, f"{CLIP_SECONDS} s", length)


@server_check("render.status.progress", "REN-5", "REN-4", prerequisite="render")
def progress_never_falls(context: CheckContext) -> None:
    """Progress MUST start at 0 or more, never decrease, and be 100 when completed."""
    seen = [
        expect_type("progress", require_field("the reply", poll, "progress"), int, float)
        for poll in context.export_statuses
    ]
    expect_equal("progress", seen, sorted(seen))
    expect_true("progress", (seen[0] >= 0, seen[-1]) == (True, 100), "0 to 100", seen)


@server_check("render.status.url-last", "REN-5", prerequisite="render")
def url_comes_with_completion(context: CheckContext) -> None:
    """`output.url` MUST be present only when the render is completed."""
    for poll in context.export_statuses:
        url = expect_type("output", poll.get("output") or {}, dict).get("url")
        status = require_field("the reply", poll, "status")
        expect_equal(f"output.url while {status}", bool(url), status == "completed")


@server_check("render.id.duplicate", "REN-6", prerequisite="render")
def id_used_before_is_refused(context: CheckContext) -> None:
    """A submit with a used id MUST be refused as a duplicate."""
    used = str(context.completed_export["id"])
    response = context.submit_export(
        used, context.edited_session, context.read_draft(context.edited_session)
    )
    expect_duplicate(response)


@server_check("render.refused.empty", "REN-9", prerequisite="token")
def empty_draft_is_refused(context: CheckContext) -> None:
    """A draft without segments MUST be refused with 400 at submit."""
    session = context.new_session()
    response = context.submit_export(context.new_render_id(), session, {"t": [], "d": 0})
    _expect_refusal(context, response, "draft.t")


@server_check("render.refused.media", "REN-9", prerequisite="edit")
def unknown_media_is_refused(context: CheckContext) -> None:
    """A draft with unknown media MUST be refused with 400 and the path of the field."""
    draft = {"t": [{"tt": 0, "sg": [{"id": "x", "s": 0, "d": 500, "src": "nothing"}]}], "d": 500}
    response = context.submit_export(context.new_render_id(), context.edited_session, draft)
    _expect_refusal(context, response, "draft.t[0].sg[0].src")


@server_check("render.refused.times", "REN-9", prerequisite="edit")
def nonsense_times_are_refused(context: CheckContext) -> None:
    """A draft with invalid times MUST be refused with 400 and the path of the field."""
    good = context.read_draft(context.edited_session)
    track = next(n for n, t in enumerate(good["t"]) if t.get("sg"))
    for name, value in {"d": -5, "s": -1, "d ": 0, "sp": 0}.items():
        segment = {**good["t"][track]["sg"][0], name.strip(): value}
        response = context.submit_export(
            context.new_render_id(),
            context.edited_session,
            {**good, "t": [{**good["t"][track], "sg": [segment]}]},
        )
        _expect_refusal(context, response, f"draft.t[0].sg[0].{name.strip()}")


def _expect_refusal(context: CheckContext, response: Any, path: str) -> None:
    expect_equal("the HTTP status", response.status, 400)
    message = expect_error(context, response, ResponseCode.BAD_REQUEST)
    expect_true("message", names_path(message, path), path, message)
