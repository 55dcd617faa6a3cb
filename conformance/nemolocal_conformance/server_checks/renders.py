"""Section 8: exports and what is said of them (REN-1, REN-2, REN-4 to REN-6, REN-9)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code
from nemolocal_contract.headers import ATTRIBUTION

from ..check import check
from ..expectations import expect, expect_one_of, expect_that, expect_type, field
from ..failures import expect_failure
from ..samples import CLIP_SECONDS
from ..stage import Stage, flat
from .files import seconds_of

_STATES = ("pending", "processing", "completed", "failed")


@check("render.submit.pending", "REN-1", "REN-4", needs="edit")
def submit_is_answered_with_pending(stage: Stage) -> None:
    """A submit MUST be answered with the id that was sent and the status pending."""
    render = stage.render_id()
    body = flat(stage.submit(render, stage.edited, stage.draft(stage.edited)).json)
    expect("id", field("the reply", body, "id"), render)
    expect("status", field("the reply", body, "status"), "pending")


@check("render.submit.output-optional", "REN-1", needs="edit")
def output_may_be_left_out(stage: Stage) -> None:
    """A submit MUST be taken with `output` and without."""
    for output in ({"format": "mp4", "quality": "high"}, None):
        answer = stage.submit(
            stage.render_id(), stage.edited, stage.draft(stage.edited), output=output
        )
        status = field(f"the reply to output {output}", flat(answer.json), "status")
        expect_one_of("status", status, _STATES)


@check("render.submit.session-field", "REN-1", "GEN-6", needs="edit")
def session_id_field_is_camel_case(stage: Stage) -> None:
    """A submit with `session_id` in place of `sessionId` MUST be refused with 400."""
    body = {
        "id": stage.render_id(),
        "session_id": stage.edited,
        "draft": stage.draft(stage.edited),
    }
    answer = stage.call(wire.RENDER, json=body)
    expect("the HTTP status", answer.status, 400)
    expect_failure(stage, answer, Code.BAD_REQUEST)


@check("render.submit.draft-sent", "REN-1", needs="edit")
def draft_that_was_sent_is_rendered(stage: Stage) -> None:
    """The draft that is sent MUST be the one rendered, whatever draft is saved."""
    draft: dict[str, Any] = {
        **stage.draft(stage.edited),
        "t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 600, "txt": "alone"}]}],
        "d": 600,
    }
    render = stage.render_id()
    stage.submit(render, stage.edited, draft)
    (last,) = stage.follow(render)[-1]
    expect("status", last.get("status"), "completed")
    length = seconds_of(stage.call(wire.RENDER_DOWNLOAD, render=render).body)
    expect_that("seconds of the file", abs(length - 0.6) < 0.1, "0.6", length)


@check("render.attribution.missing", "REN-2", "GEN-4", needs="edit")
def export_without_attribution_is_402(stage: Stage) -> None:
    """An export without any of the three attribution headers MUST be HTTP 402 with code 402.

    Or only for anonymous users without credits: the sources differ. But whichever is left out.
    """
    taken = []
    for left_out in ATTRIBUTION:
        headers = {name: "x" for name in ATTRIBUTION if name != left_out}
        if not _expect_402(stage, f"without {left_out}", attributed=False, headers=headers):
            taken.append(left_out)
    expect_one_of("headers that may be left out", taken, ([], [*ATTRIBUTION]))


@check("render.attribution.empty", "REN-2", needs="edit", assumed=True)
def export_with_empty_attribution_is_402(stage: Stage) -> None:
    """An export with an empty attribution header SHOULD be HTTP 402 as without it."""
    _expect_402(stage, "with one that is empty", headers={ATTRIBUTION[0]: ""})


def _expect_402(stage: Stage, how: str, **request: Any) -> bool:
    """Whether it is one; false where the export is taken, as it may be."""
    draft = stage.draft(stage.edited)
    answer = stage.submit(stage.render_id(), stage.edited, draft, **request)
    if answer.status == 200 and flat(answer.json).get("status") == "pending":
        stage.saw("REN-2", "export_402=out_of_credits")
        return False
    stage.saw("REN-2", "export_402=strict")
    expect(f"the HTTP status {how}", answer.status, 402)
    expect_failure(stage, answer, Code.EXPORT_BLOCKED)
    return True


@check("render.attribution.penniless", "REN-2", control=True)
def anonymous_user_without_credits_needs_attribution(stage: Stage) -> None:
    """An anonymous user without credits MUST get 402 for an export without attribution."""
    account = stage.anybody(anonymous=True, credits=1_000)
    session = stage.new_edited(account)
    stage.control.change_token(account.reply["id"], credits=0)
    draft = stage.draft(session, account)
    answer = stage.submit(stage.render_id(), session, draft, account, attributed=False)
    expect("the HTTP status", answer.status, 402)
    expect_failure(stage, answer, Code.EXPORT_BLOCKED)


@check("render.plan.blocked", "REN-2", control=True)
def blocked_plan_is_402(stage: Stage) -> None:
    """An account whose plan blocks export MUST get HTTP 402, code 402 and the way out."""
    account = stage.anybody(plan="blocked", credits=1_000)
    session = stage.new_edited(account)
    answer = stage.submit(stage.render_id(), session, stage.draft(session, account), account)
    expect("the HTTP status", answer.status, 402)
    message = expect_failure(stage, answer, Code.EXPORT_BLOCKED)
    expect_that("message", "upgrade" in message.lower(), "upgrade in it", message)
    expect_that("message", "credit" not in message.lower(), "nothing of credits", message)


@check("render.status.shape", "REN-4", needs="render")
def status_has_a_known_shape(stage: Stage) -> None:
    """The status of a render MUST be flat, or nested in `data` beside `success`."""
    body = stage.call(wire.RENDER_STATUS, render=stage.rendered["id"]).json
    nested = isinstance(body, dict) and isinstance(body.get("data"), dict)
    stage.saw("REN-4", f"render={'nested' if nested else 'flat'}")
    inner = body["data"] if nested else body
    if nested:
        expect("success", field("the reply", body, "success"), True)
        expect_type("data.outputUrl", field("data", inner, "outputUrl"), str)
    elif inner.get("status") == "completed":
        output = field("the reply", inner, "output")
        for name, kinds in {"url": (str,), "duration": (int, float), "size": (int,)}.items():
            expect_type(f"output.{name}", field("output", output, name), *kinds)
    expect_one_of("status", field("the reply", inner, "status"), _STATES)
    expect_type("progress", field("the reply", inner, "progress"), int)


@check("render.status.order", "REN-5", needs="render")
def status_never_goes_back(stage: Stage) -> None:
    """A render MUST go from pending over processing to its end, and never back."""
    statuses = [field("the reply", look, "status") for look in stage.watched]
    for status in statuses:
        expect_one_of("status", status, _STATES)
    expect("the order of statuses", statuses, sorted(statuses, key=_STATES.index))


@check("render.status.final", "REN-5", needs="render")
def completed_render_stays_so(stage: Stage) -> None:
    """A render that has completed MUST still be completed whenever it is asked for again."""
    render = stage.rendered["id"]
    looks = [flat(stage.call(wire.RENDER_STATUS, render=render).json) for _ in range(3)]
    expect("statuses", [look.get("status") for look in looks], ["completed"] * 3)


@check("render.status.seconds", "REN-4", needs="render")
def length_is_told_in_seconds(stage: Stage) -> None:
    """`output.duration` MUST be the seconds of the file, where it is told."""
    told = field("the status", stage.rendered, "output").get("duration", CLIP_SECONDS)
    off = abs(expect_type("output.duration", told, int, float) - CLIP_SECONDS)
    expect_that("output.duration", off < 0.1, f"{CLIP_SECONDS} s", told)


@check("render.status.progress", "REN-5", needs="render")
def progress_never_falls(stage: Stage) -> None:
    """Progress MUST be 0 to 100, never fall, and be 100 when completed."""
    seen = [field("the reply", look, "progress") for look in stage.watched]
    expect("progress", seen, sorted(seen))
    expect_that("progress", (seen[0] >= 0, seen[-1]) == (True, 100), "0 to 100", seen)


@check("render.status.url-last", "REN-5", needs="render")
def url_comes_with_completion(stage: Stage) -> None:
    """`output.url` MUST be there when a render is completed, and not before."""
    for look in stage.watched:
        url = (look.get("output") or {}).get("url")
        status = field("the reply", look, "status")
        expect(f"output.url while {status}", bool(url), status == "completed")


@check("render.id.duplicate", "REN-6", needs="render")
def id_used_before_is_refused(stage: Stage) -> None:
    """A submit with an id used before MUST fail and say that the id is a duplicate."""
    used = str(stage.rendered["id"])
    answer = stage.submit(used, stage.edited, stage.draft(stage.edited))
    said = answer.body.decode(errors="replace").lower()
    expect_that("the reply", "duplicate" in said, "the word duplicate", said[:200])
    pending = isinstance(answer.json, dict) and flat(answer.json).get("status") == "pending"
    expect("taken", pending, False)


@check("render.refused.empty", "REN-9", needs="token")
def empty_draft_is_refused(stage: Stage) -> None:
    """A draft without segments MUST be refused with 400 at submit."""
    session = stage.new_session()
    answer = stage.submit(stage.render_id(), session, {"t": [], "d": 0})
    _expect_refusal(stage, answer, "draft.t")


@check("render.refused.media", "REN-9", needs="edit")
def unknown_media_is_refused(stage: Stage) -> None:
    """A draft with unknown media MUST be refused with 400 and the path of the field."""
    draft = {"t": [{"tt": 0, "sg": [{"id": "x", "s": 0, "d": 500, "src": "nothing"}]}], "d": 500}
    answer = stage.submit(stage.render_id(), stage.edited, draft)
    _expect_refusal(stage, answer, "draft.t[0].sg[0].src")


@check("render.refused.times", "REN-9", needs="edit")
def nonsense_times_are_refused(stage: Stage) -> None:
    """A draft with nonsense times MUST be refused with 400 and the path of the field."""
    good = stage.draft(stage.edited)
    track = next(n for n, t in enumerate(good["t"]) if t.get("sg"))
    for name, value in {"d": -5, "s": -1, "d ": 0, "sp": 0}.items():
        segment = {**good["t"][track]["sg"][0], name.strip(): value}
        answer = stage.submit(
            stage.render_id(), stage.edited, {**good, "t": [{**good["t"][track], "sg": [segment]}]}
        )
        _expect_refusal(stage, answer, f"draft.t[0].sg[0].{name.strip()}")


def _expect_refusal(stage: Stage, answer: Any, path: str) -> None:
    expect("the HTTP status", answer.status, 400)
    message = expect_failure(stage, answer, Code.BAD_REQUEST)
    expect_that("message", path in message, path, message)
