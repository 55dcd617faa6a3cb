"""Breaks of section 8: what is said of renders."""

from typing import Any

from .breaks import breaks, endpoint, look, on_failure, on_json
from .general import ATTRIBUTION
from .messages import Asked, Reply, refuse, say
from .proxy import Go, Seen

RENDERS = ("render", "render_status")
ENDED = ("completed", "failed")


@breaks("REN-4", hurts="REN")
async def enveloped_render(asked: Asked, go: Go, _: Seen) -> Reply:
    """Render replies are wrapped in the envelope."""
    reply = await go(asked)
    if endpoint(asked) in RENDERS and "status" in reply.json:
        return reply.saying({"code": 0, "data": reply.json})
    return reply


@breaks("REN-4", "REN-5")
@on_json("render")
def submit_processing(status: Any) -> None:
    """Submit answers with processing."""
    status["status"] = "processing"


@breaks("REN-4", "REN-1")
@on_json("render")
def other_id(status: Any) -> None:
    """The reply of submit has an id of the server's own."""
    status["id"] = "job_1"


@breaks("REN-4", hurts="REN-5")
@on_json(*RENDERS)
def progress_as_fraction(status: Any) -> None:
    """progress runs from 0 to 1."""
    status["progress"] /= 100


@breaks("REN-5", hurts="REN-4")
@on_json(*RENDERS)
def progress_runs_backwards(status: Any) -> None:
    """progress falls from 100 to 0."""
    status["progress"] = 100 - status["progress"]


def _id(asked: Asked) -> str:
    return asked.path.split("/")[5]


@breaks("REN-5", hurts="REN-8")
async def back_to_processing(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Once completed was said, the next two looks say processing."""
    reply = await go(asked)
    if endpoint(asked) == "render_status" and reply.json.get("status") == "completed":
        looks = seen.own[_id(asked)] = seen.own.get(_id(asked), 0) + 1
        if looks in (2, 3):
            return reply.saying({"id": _id(asked), "status": "processing", "progress": 100})
    return reply


@breaks("REN-5", hurts="REN-8")
async def back_to_pending(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The first look says processing, the second pending."""
    if endpoint(asked) != "render_status" or _id(asked) not in seen.renders:
        return await go(asked)
    looks = seen.own[_id(asked)] = seen.own.get(_id(asked), 0) + 1
    reply = await go(asked)
    if looks > 2 or reply.json.get("status") == "failed":
        return reply
    return reply.saying(
        {"id": _id(asked), "status": ("processing", "pending")[looks - 1], "progress": 0}
    )


@breaks("REN-4", "REN-5", hurts="REN CRD")
@on_json(*RENDERS)
def done_not_completed(status: Any) -> None:
    """completed is called done."""
    if status["status"] == "completed":
        status["status"] = "done"


@breaks("REN-5", hurts="REN-4")
@on_json(*RENDERS)
def early_url(status: Any) -> None:
    """output.url is there before the render is completed."""
    if status["status"] not in ENDED:
        status["output"] = {"url": "http://127.0.0.1:9/early.mp4"}


@breaks("REN-4", "REN-5", hurts="REN")
@on_json("render_status")
def url_missing(status: Any) -> None:
    """A completed render has no url."""
    status.get("output", {}).pop("url", None)


@breaks("REN-4", "REN-7")
@on_json("render_status")
def size_off_by_one(status: Any) -> None:
    """output.size is one byte too large."""
    if status["status"] == "completed":
        status["output"]["size"] += 1


@breaks("REN-4", "REN-7")
@on_json("render_status")
def duration_of_output_in_ms(status: Any) -> None:
    """output.duration is in milliseconds."""
    if status["status"] == "completed":
        status["output"]["duration"] *= 1000


@breaks("REN-6")
async def duplicate_accepted(asked: Asked, go: Go, seen: Seen) -> Reply:
    """An id that was used before is answered with the render that has it."""
    known = endpoint(asked) == "render" and asked.json.get("id") in seen.renders
    reply = await go(asked)
    if known and reply.code:
        return say({"id": asked.json["id"], "status": "pending", "progress": 0})
    return reply


@breaks("REN-6", hurts="GEN-6")
async def duplicate_unnamed(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The refusal of a used id does not say so."""
    known = endpoint(asked) == "render" and asked.json.get("id") in seen.renders
    reply = await go(asked)
    if known and reply.code:
        return reply.saying({**reply.json, "message": "The id is not good."})
    return reply


@breaks("REN-2")
async def two_headers_suffice(asked: Asked, go: Go, _: Seen) -> Reply:
    """An export without X-Skill-Platform is accepted."""
    if endpoint(asked) == "render" and all(name in asked.headers for name in ATTRIBUTION[:2]):
        asked.headers.setdefault("X-Skill-Platform", "unknown")
    return await go(asked)


@breaks("REN-2", hurts="GEN-2")
@on_failure(402)
def payment_code(reply: Reply) -> Reply:
    """Behind HTTP 402 stands the code 2001."""
    return reply.saying({**reply.json, "code": 2001})


@breaks("REN-1")
async def output_required(asked: Asked, go: Go, _: Seen) -> Reply:
    """An export without output is refused."""
    if endpoint(asked) == "render" and "draft" in asked.json and "output" not in asked.json:
        return refuse(400, "output is missing", 400)
    return await go(asked)


@breaks("REN-8", hurts="REN CRD")
async def second_export_refused(asked: Asked, go: Go, seen: Seen) -> Reply:
    """While an export is active, another one of its session is refused."""
    session = asked.json.get("sessionId") if endpoint(asked) == "render" else None
    if session in seen.own:
        other = await look(asked, go, f"{asked.path}/{seen.own[session]}")
        if other.json.get("status") in ("pending", "processing"):
            return refuse(400, "an export is active", 400)
    reply = await go(asked)
    if session and "status" in reply.json:
        seen.own[session] = asked.json["id"]
    return reply


@breaks("REN-8")
@on_json("render_status")
def second_export_at_once(status: Any) -> None:
    """A queued export shows as processing."""
    if status["status"] == "pending":
        status["status"] = "processing"


def _segments(asked: Asked) -> list[Any]:
    draft = asked.json.get("draft")
    tracks = draft.get("t") if isinstance(draft, dict) else None
    return [
        one for track in tracks or () if isinstance(track, dict) for one in track.get("sg") or ()
    ]


async def _accept(asked: Asked, go: Go, seen: Seen, empty: bool) -> Reply:
    if endpoint(asked) == "render_status" and _id(asked) in seen.own:
        return say({"id": _id(asked), "status": "failed", "progress": 0, "error": "bad draft"})
    reply = await go(asked)
    bad = (
        endpoint(asked) == "render"
        and reply.code == 400
        and isinstance(asked.json.get("draft"), dict)
    )
    if bad and asked.json.get("id") not in seen.renders and empty == (not _segments(asked)):
        seen.own[asked.json.get("id")] = True
        return say({"id": asked.json.get("id"), "status": "pending", "progress": 0})
    return reply


@breaks("REN-9", hurts="GEN-6 STA-3")
async def empty_draft_accepted(asked: Asked, go: Go, seen: Seen) -> Reply:
    """A draft without segments is accepted, and fails later."""
    return await _accept(asked, go, seen, empty=True)


@breaks("REN-9", hurts="GEN-6")
async def nonsense_accepted(asked: Asked, go: Go, seen: Seen) -> Reply:
    """A draft of unknown media or nonsense times is accepted, and fails later."""
    return await _accept(asked, go, seen, empty=False)


@breaks("REN-9", hurts="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def field_unnamed(reply: Reply) -> Reply:
    """The refusal of a draft does not name the field."""
    return reply.saying({**reply.json, "message": "The draft cannot be rendered."})


@breaks("REN-9", hurts="GEN-6 REN-6 REN-1")
@on_failure(400, "render")
def refused_draft_4001(reply: Reply) -> Reply:
    """A draft that cannot be rendered is refused with 4001."""
    return refuse(4001, reply.json["message"])
