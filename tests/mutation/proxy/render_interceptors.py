"""Proxy mutants of section 8: the status of renders."""

from typing import Any

from .general_interceptors import ATTRIBUTION
from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import endpoint_of, get_as_caller, on_failure, on_json, proxy_mutant

RENDERS = ("render", "render_status")
ENDED = ("completed", "failed")


@proxy_mutant("REN-4", also_affects="REN")
async def enveloped_render(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Render replies are wrapped in the envelope."""
    reply = await forward(request)
    if endpoint_of(request) in RENDERS and "status" in reply.json:
        return reply.set_json({"code": 0, "data": reply.json})
    return reply


@proxy_mutant("REN-4", "REN-5")
@on_json("render")
def submit_processing(status: Any) -> None:
    """Submit answers with processing."""
    status["status"] = "processing"


@proxy_mutant("REN-4", "REN-1")
@on_json("render")
def other_id(status: Any) -> None:
    """The reply of submit has an id of the server's own."""
    status["id"] = "job_1"


@proxy_mutant("REN-4", also_affects="REN-5")
@on_json(*RENDERS)
def progress_as_fraction(status: Any) -> None:
    """progress runs from 0 to 1."""
    status["progress"] /= 100


@proxy_mutant("REN-5", also_affects="REN-4")
@on_json(*RENDERS)
def progress_runs_backwards(status: Any) -> None:
    """progress falls from 100 to 0."""
    status["progress"] = 100 - status["progress"]


def _id(request: InterceptedRequest) -> str:
    return request.path.split("/")[5]


@proxy_mutant("REN-5", also_affects="REN-8")
async def back_to_processing(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Once completed was said, the next two looks say processing."""
    reply = await forward(request)
    if endpoint_of(request) == "render_status" and reply.json.get("status") == "completed":
        polls = observed.memory[_id(request)] = observed.memory.get(_id(request), 0) + 1
        if polls in (2, 3):
            return reply.set_json({"id": _id(request), "status": "processing", "progress": 100})
    return reply


@proxy_mutant("REN-5", also_affects="REN-8")
async def back_to_pending(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The first look says processing, the second pending."""
    if endpoint_of(request) != "render_status" or _id(request) not in observed.renders:
        return await forward(request)
    polls = observed.memory[_id(request)] = observed.memory.get(_id(request), 0) + 1
    reply = await forward(request)
    if polls > 2 or reply.json.get("status") == "failed":
        return reply
    return reply.set_json(
        {"id": _id(request), "status": ("processing", "pending")[polls - 1], "progress": 0}
    )


@proxy_mutant("REN-4", "REN-5", also_affects="REN CRD")
@on_json(*RENDERS)
def done_not_completed(status: Any) -> None:
    """completed is called done."""
    if status["status"] == "completed":
        status["status"] = "done"


@proxy_mutant("REN-5", also_affects="REN-4")
@on_json(*RENDERS)
def early_url(status: Any) -> None:
    """output.url is there before the render is completed."""
    if status["status"] not in ENDED:
        status["output"] = {"url": "http://127.0.0.1:9/early.mp4"}


@proxy_mutant("REN-4", "REN-5", also_affects="REN")
@on_json("render_status")
def url_missing(status: Any) -> None:
    """A completed render has no url."""
    status.get("output", {}).pop("url", None)


@proxy_mutant("REN-4", "REN-7")
@on_json("render_status")
def size_off_by_one(status: Any) -> None:
    """output.size is one byte too large."""
    if status["status"] == "completed":
        status["output"]["size"] += 1


@proxy_mutant("REN-4", "REN-7")
@on_json("render_status")
def duration_of_output_in_ms(status: Any) -> None:
    """output.duration is in milliseconds."""
    if status["status"] == "completed":
        status["output"]["duration"] *= 1000


@proxy_mutant("REN-6")
async def duplicate_accepted(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """An id that was used before is answered with the render that has it."""
    known = endpoint_of(request) == "render" and request.json.get("id") in observed.renders
    reply = await forward(request)
    if known and reply.code:
        return json_response({"id": request.json["id"], "status": "pending", "progress": 0})
    return reply


@proxy_mutant("REN-6", also_affects="GEN-6")
async def duplicate_unnamed(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The refusal of a used id does not say so."""
    known = endpoint_of(request) == "render" and request.json.get("id") in observed.renders
    reply = await forward(request)
    if known and reply.code:
        return reply.set_json({**reply.json, "message": "The id is not good."})
    return reply


@proxy_mutant("REN-2")
async def two_headers_suffice(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """An export without X-Skill-Platform is accepted."""
    if endpoint_of(request) == "render" and all(
        name in request.headers for name in ATTRIBUTION[:2]
    ):
        request.headers.setdefault("X-Skill-Platform", "unknown")
    return await forward(request)


@proxy_mutant("REN-2", also_affects="GEN-2")
@on_failure(402)
def payment_code(response: InterceptedResponse) -> InterceptedResponse:
    """Behind HTTP 402 stands the code 2001."""
    return response.set_json({**response.json, "code": 2001})


@proxy_mutant("REN-1")
async def output_required(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """An export without output is refused."""
    if (
        endpoint_of(request) == "render"
        and "draft" in request.json
        and "output" not in request.json
    ):
        return error_response(400, "output is missing", 400)
    return await forward(request)


@proxy_mutant("REN-8", also_affects="REN CRD AUTH-6")
async def second_export_refused(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """While an export is active, another one of its session is refused."""
    session = request.json.get("sessionId") if endpoint_of(request) == "render" else None
    if session in observed.memory:
        other = await get_as_caller(request, forward, f"{request.path}/{observed.memory[session]}")
        if other.json.get("status") in ("pending", "processing"):
            return error_response(400, "an export is active", 400)
    reply = await forward(request)
    if session and "status" in reply.json:
        observed.memory[session] = request.json["id"]
    return reply


@proxy_mutant("REN-8")
@on_json("render_status")
def second_export_at_once(status: Any) -> None:
    """A queued export shows as processing."""
    if status["status"] == "pending":
        status["status"] = "processing"


def _segments(request: InterceptedRequest) -> list[Any]:
    draft = request.json.get("draft")
    tracks = draft.get("t") if isinstance(draft, dict) else None
    return [
        one for track in tracks or () if isinstance(track, dict) for one in track.get("sg") or ()
    ]


async def _accept(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic, empty: bool
) -> InterceptedResponse:
    if endpoint_of(request) == "render_status" and _id(request) in observed.memory:
        return json_response(
            {"id": _id(request), "status": "failed", "progress": 0, "error": "bad draft"}
        )
    reply = await forward(request)
    bad = (
        endpoint_of(request) == "render"
        and reply.code == 400
        and isinstance(request.json.get("draft"), dict)
    )
    if bad and request.json.get("id") not in observed.renders and empty == (not _segments(request)):
        observed.memory[request.json.get("id")] = True
        return json_response({"id": request.json.get("id"), "status": "pending", "progress": 0})
    return reply


@proxy_mutant("REN-9", also_affects="GEN-6 STA-3")
async def empty_draft_accepted(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A draft without segments is accepted, and fails later."""
    return await _accept(request, forward, observed, empty=True)


@proxy_mutant("REN-9", also_affects="GEN-6 REN-4")
async def nonsense_accepted(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A draft of unknown media or nonsense times is accepted, and fails later."""
    return await _accept(request, forward, observed, empty=False)


@proxy_mutant("REN-9", also_affects="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def field_unnamed(response: InterceptedResponse) -> InterceptedResponse:
    """The refusal of a draft does not name the field."""
    return response.set_json({**response.json, "message": "The draft cannot be rendered."})


@proxy_mutant("REN-9", also_affects="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def refused_draft_4001(response: InterceptedResponse) -> InterceptedResponse:
    """A draft that cannot be rendered is refused with 4001."""
    return error_response(4001, response.json["message"])
