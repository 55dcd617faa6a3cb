"""Breaks of section 8: what is said of renders."""

from typing import Any

from .general_interceptors import ATTRIBUTION
from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import endpoint_of, get_as_caller, on_failure, on_json, proxy_mutant

RENDERS = ("render", "render_status")
ENDED = ("completed", "failed")


@proxy_mutant("REN-4", hurts="REN")
async def enveloped_render(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Render replies are wrapped in the envelope."""
    reply = await go(asked)
    if endpoint_of(asked) in RENDERS and "status" in reply.json:
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


@proxy_mutant("REN-4", hurts="REN-5")
@on_json(*RENDERS)
def progress_as_fraction(status: Any) -> None:
    """progress runs from 0 to 1."""
    status["progress"] /= 100


@proxy_mutant("REN-5", hurts="REN-4")
@on_json(*RENDERS)
def progress_runs_backwards(status: Any) -> None:
    """progress falls from 100 to 0."""
    status["progress"] = 100 - status["progress"]


def _id(asked: InterceptedRequest) -> str:
    return asked.path.split("/")[5]


@proxy_mutant("REN-5", hurts="REN-8")
async def back_to_processing(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Once completed was said, the next two looks say processing."""
    reply = await go(asked)
    if endpoint_of(asked) == "render_status" and reply.json.get("status") == "completed":
        looks = seen.memory[_id(asked)] = seen.memory.get(_id(asked), 0) + 1
        if looks in (2, 3):
            return reply.set_json({"id": _id(asked), "status": "processing", "progress": 100})
    return reply


@proxy_mutant("REN-5", hurts="REN-8")
async def back_to_pending(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The first look says processing, the second pending."""
    if endpoint_of(asked) != "render_status" or _id(asked) not in seen.renders:
        return await go(asked)
    looks = seen.memory[_id(asked)] = seen.memory.get(_id(asked), 0) + 1
    reply = await go(asked)
    if looks > 2 or reply.json.get("status") == "failed":
        return reply
    return reply.set_json(
        {"id": _id(asked), "status": ("processing", "pending")[looks - 1], "progress": 0}
    )


@proxy_mutant("REN-4", "REN-5", hurts="REN CRD")
@on_json(*RENDERS)
def done_not_completed(status: Any) -> None:
    """completed is called done."""
    if status["status"] == "completed":
        status["status"] = "done"


@proxy_mutant("REN-5", hurts="REN-4")
@on_json(*RENDERS)
def early_url(status: Any) -> None:
    """output.url is there before the render is completed."""
    if status["status"] not in ENDED:
        status["output"] = {"url": "http://127.0.0.1:9/early.mp4"}


@proxy_mutant("REN-4", "REN-5", hurts="REN")
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
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """An id that was used before is answered with the render that has it."""
    known = endpoint_of(asked) == "render" and asked.json.get("id") in seen.renders
    reply = await go(asked)
    if known and reply.code:
        return json_response({"id": asked.json["id"], "status": "pending", "progress": 0})
    return reply


@proxy_mutant("REN-6", hurts="GEN-6")
async def duplicate_unnamed(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The refusal of a used id does not say so."""
    known = endpoint_of(asked) == "render" and asked.json.get("id") in seen.renders
    reply = await go(asked)
    if known and reply.code:
        return reply.set_json({**reply.json, "message": "The id is not good."})
    return reply


@proxy_mutant("REN-2")
async def two_headers_suffice(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """An export without X-Skill-Platform is accepted."""
    if endpoint_of(asked) == "render" and all(name in asked.headers for name in ATTRIBUTION[:2]):
        asked.headers.setdefault("X-Skill-Platform", "unknown")
    return await go(asked)


@proxy_mutant("REN-2", hurts="GEN-2")
@on_failure(402)
def payment_code(reply: InterceptedResponse) -> InterceptedResponse:
    """Behind HTTP 402 stands the code 2001."""
    return reply.set_json({**reply.json, "code": 2001})


@proxy_mutant("REN-1")
async def output_required(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """An export without output is refused."""
    if endpoint_of(asked) == "render" and "draft" in asked.json and "output" not in asked.json:
        return error_response(400, "output is missing", 400)
    return await go(asked)


@proxy_mutant("REN-8", hurts="REN CRD")
async def second_export_refused(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """While an export is active, another one of its session is refused."""
    session = asked.json.get("sessionId") if endpoint_of(asked) == "render" else None
    if session in seen.memory:
        other = await get_as_caller(asked, go, f"{asked.path}/{seen.memory[session]}")
        if other.json.get("status") in ("pending", "processing"):
            return error_response(400, "an export is active", 400)
    reply = await go(asked)
    if session and "status" in reply.json:
        seen.memory[session] = asked.json["id"]
    return reply


@proxy_mutant("REN-8")
@on_json("render_status")
def second_export_at_once(status: Any) -> None:
    """A queued export shows as processing."""
    if status["status"] == "pending":
        status["status"] = "processing"


def _segments(asked: InterceptedRequest) -> list[Any]:
    draft = asked.json.get("draft")
    tracks = draft.get("t") if isinstance(draft, dict) else None
    return [
        one for track in tracks or () if isinstance(track, dict) for one in track.get("sg") or ()
    ]


async def _accept(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic, empty: bool
) -> InterceptedResponse:
    if endpoint_of(asked) == "render_status" and _id(asked) in seen.memory:
        return json_response(
            {"id": _id(asked), "status": "failed", "progress": 0, "error": "bad draft"}
        )
    reply = await go(asked)
    bad = (
        endpoint_of(asked) == "render"
        and reply.code == 400
        and isinstance(asked.json.get("draft"), dict)
    )
    if bad and asked.json.get("id") not in seen.renders and empty == (not _segments(asked)):
        seen.memory[asked.json.get("id")] = True
        return json_response({"id": asked.json.get("id"), "status": "pending", "progress": 0})
    return reply


@proxy_mutant("REN-9", hurts="GEN-6 STA-3")
async def empty_draft_accepted(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """A draft without segments is accepted, and fails later."""
    return await _accept(asked, go, seen, empty=True)


@proxy_mutant("REN-9", hurts="GEN-6")
async def nonsense_accepted(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """A draft of unknown media or nonsense times is accepted, and fails later."""
    return await _accept(asked, go, seen, empty=False)


@proxy_mutant("REN-9", hurts="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def field_unnamed(reply: InterceptedResponse) -> InterceptedResponse:
    """The refusal of a draft does not name the field."""
    return reply.set_json({**reply.json, "message": "The draft cannot be rendered."})


@proxy_mutant("REN-9", hurts="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def refused_draft_4001(reply: InterceptedResponse) -> InterceptedResponse:
    """A draft that cannot be rendered is refused with 4001."""
    return error_response(4001, reply.json["message"])
