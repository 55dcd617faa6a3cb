"""Claims about exports (REN)."""

from collections.abc import Iterator
from typing import Any

from nemolocal_contract.endpoints import missing_attribution
from nemolocal_contract.responses import ResponseCode

from ..recording import ExchangeRecord
from .account_claims import marks, seen
from .claims import Sighting, claim, describe_actual
from .traffic_view import TrafficView, bearer_of, code_of, segment

Sightings = Iterator[Sighting]
_ORDER = ("pending", "processing", "completed", "failed")
_REQUEST = {"id", "sessionId", "draft"}


@claim("REN-1", "request", cases="with-output without-output")
def export_is_accepted(view: TrafficView) -> Sightings:
    """An export of id, sessionId and draft is accepted, with `output` or without."""
    for one, _ in view.successes("render"):
        sent = one.sent_json
        if isinstance(sent, dict) and set(sent) >= _REQUEST:
            yield seen(one, True, "with-output" if "output" in sent else "without-output")


@claim("REN-2", "attribution")
def export_needs_attribution(view: TrafficView) -> Sightings:
    """An export without attribution is HTTP 402 with code 402, and not about credits."""
    for one in view.of("render"):
        if missing_attribution(one.request.headers) and bearer_of(one) in view.tokens:
            holds = (one.status, code_of(one)) == (402, 402) and "credits" not in marks(one)
            yield seen(one, holds, "", one.json)


@claim("REN-3", "free", count=1)
def export_is_free(view: TrafficView) -> Sightings:
    """The balance after an export is that before it."""
    for one, body in view.successes("render_status"):
        if body.get("status") != "completed":
            continue
        submits = [s for s in view.before(one, "render") if _id(s) == segment(one, "render")]
        paid = view.balances_around(submits[-1], one) if submits else None
        if paid is not None:
            yield seen(one, paid[0] == paid[1], "", paid)


@claim("REN-4", "reply", cases="render render_status completed")
def render_reply_has_its_form(view: TrafficView) -> Sightings:
    """A render reply has id, status and progress; a completed one its output."""
    for one, body in view.successes("render", "render_status", "render_cancel"):
        broken = view.violations(one, "REN-4")
        shape = "nested" if isinstance(one.json.get("data"), dict) else "flat"
        case = "completed" if body.get("status") == "completed" else one.endpoint
        output = _output(body)
        is_whole = case != "completed" or bool(output.get("url"))
        if shape == "flat" and case == "completed":
            is_whole = {"url", "duration", "size"} <= set(output)
        actual = "" if not broken and is_whole else describe_actual(broken or body)
        yield Sighting(one.request.exchange, not broken and is_whole, case, actual, shape)


@claim("REN-4", "submit")
def submit_is_pending(view: TrafficView) -> Sightings:
    """A submit is answered with `pending`."""
    for one, body in view.successes("render"):
        yield seen(one, body.get("status") == "pending", "", body.get("status"))


@claim("REN-5", "order", cases="completed")
def render_never_goes_back(view: TrafficView) -> Sightings:
    """A render goes from pending to processing to its end, progress never falls."""
    last: dict[tuple[str, str], tuple[int, Any]] = {}
    for one, body in view.successes("render", "render_status"):
        key = (bearer_of(one), _id(one) or segment(one, "render"))
        status, progress = str(body.get("status")), body.get("progress")
        broken = view.violations(one, "REN-5")
        step = min(_ORDER.index(status), 2) if status in _ORDER else -1
        before = last.get(key)
        is_lower = before is not None and (
            step < before[0] or (isinstance(progress, int) and progress < before[1])
        )
        if broken or is_lower or step < 0:
            yield seen(one, False, "completed", broken or body)
        elif status == "completed" and before is not None:
            yield seen(one, progress == 100, "completed", progress)
        last[key] = (step, progress if isinstance(progress, int) else 0)


@claim("REN-6", "duplicate")
def used_id_is_refused(view: TrafficView) -> Sightings:
    """An id that was used before is refused as a duplicate."""
    used: set[tuple[str, str]] = set()
    for one in view.of("render"):
        key = (bearer_of(one), _id(one))
        if key in used and not missing_attribution(one.request.headers):
            body = one.json if isinstance(one.json, dict) else {}
            is_refused = code_of(one) not in (0, None) or body.get("status") == "failed"
            yield seen(one, is_refused, "", body)
        elif any(sent is one for sent, _ in view.successes("render")):
            used.add(key)


@claim("REN-7", "type")
def file_is_an_mp4(view: TrafficView) -> Sightings:
    """The file of a render is served as video/mp4."""
    for one in view.of("render_download"):
        if one.status in (200, 206) and one.body.get("kind") == "media":
            yield seen(one, one.content_type == "video/mp4", "", one.content_type)


@claim("REN-8", "unknown")
def unknown_render_is_told(view: TrafficView) -> Sightings:
    """A render that this token has not submitted is 1002."""
    submitted = {(bearer_of(one), _id(one)) for one in view.all if one.endpoint == "render"}
    for one in view.of("render_status", "render_cancel", "render_download"):
        key = (bearer_of(one), segment(one, "render"))
        # A token in the URL is refused whatever is asked for (GEN-5).
        if key not in submitted and key[0] in view.tokens and not one.request.token_in_url:
            yield seen(one, code_of(one) == ResponseCode.SESSION_NOT_FOUND, "", one.json)


@claim("REN-8", "download")
def download_gives_the_file(view: TrafficView) -> Sightings:
    """The fallback download of a completed render gives a file of the size that was told."""
    for one in view.of("render_download"):
        told = [
            body
            for status, body in view.successes("render_status")
            if segment(status, "render") == segment(one, "render")
            and body.get("status") == "completed"
        ]
        size = _output(told[-1]).get("size") if told else None
        is_file = one.status == 200 and code_of(one) is None
        if size and one.response_body is not None and is_file:
            yield seen(one, one.response_body.size == size, "", one.response_body.size)


def _output(body: dict[str, Any]) -> dict[str, Any]:
    output = body.get("output")
    return output if isinstance(output, dict) else {}


@claim("REN-9", "refused")
def draft_that_cannot_be_rendered_is_refused(view: TrafficView) -> Sightings:
    """An export of a draft without segments is 400 with the path of the field."""
    for one in view.of("render"):
        sent = one.sent_json if isinstance(one.sent_json, dict) else {}
        if missing_attribution(one.request.headers) or bearer_of(one) not in view.tokens:
            continue
        if sent.get("draft") in ({}, {"t": []}, {"t": [], "d": 0}):
            holds = code_of(one) == 400 and "field" in marks(one)
            yield seen(one, holds if code_of(one) != 1002 else None, "", one.json)


@claim("REN-10", "seconds")
def render_takes_its_time(view: TrafficView) -> Sightings:
    """A render takes 30 to 90 seconds."""
    if view.header.server != "cloud":
        return
    for one, body in view.successes("render_status"):
        if body.get("status") == "completed":
            submits = [s for s in view.before(one, "render") if _id(s) == segment(one, "render")]
            if submits:
                lasted = one.request.at - submits[-1].request.at
                # It may have been ready long before it was asked for.
                yield seen(one, True if 30 <= lasted <= 90 else None, "", lasted)


def _id(exchange: ExchangeRecord) -> str:
    sent = exchange.sent_json if isinstance(exchange.sent_json, dict) else {}
    return str(sent.get("id", ""))
