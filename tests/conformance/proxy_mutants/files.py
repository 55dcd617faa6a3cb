"""Breaks of section 8: whose renders are, and the files that they leave."""

from .breaks import breaks, endpoint
from .messages import Asked, Reply, refuse, say
from .proxy import Go, Seen
from .turns import state_of


def _is_file(asked: Asked) -> bool:
    return endpoint(asked) == "render_download" or asked.path.startswith("/cdn/renders/")


def _render(asked: Asked) -> str:
    words = asked.path.split("/")
    return words[4] if endpoint(asked) == "render_download" else words[5]


@breaks("REN-1", hurts="REN-7 REN-9 STA-4")
async def saved_draft_rendered(asked: Asked, go: Go, seen: Seen) -> Reply:
    """What is rendered is the saved draft, not the one that was sent."""
    body = asked.json
    if endpoint(asked) == "render" and body.get("sessionId") in seen.sessions and "draft" in body:
        state = await state_of(asked, go, body["sessionId"])
        if state.get("code") == 0 and state["data"]["state"]["draft"].get("t"):
            asked.saying({**body, "draft": state["data"]["state"]["draft"]})
    return await go(asked)


@breaks("REN-7", hurts="REN-4 REN-8")
async def file_short(asked: Asked, go: Go, _: Seen) -> Reply:
    """The file lacks its last thousand bytes."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = reply.body[:-1000]
    return reply


@breaks("REN-7", hurts="REN-1 REN-4 REN-8")
async def byte_flipped(asked: Asked, go: Go, _: Seen) -> Reply:
    """The first byte of the file is another one."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = b"\xff" + reply.body[1:]
    return reply


@breaks("REN-7", "REN-1", hurts="REN-4 REN-8")
async def first_file_again(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Every download is the first file that was rendered."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = seen.own.setdefault("first", reply.body)
    return reply


@breaks("REN-7")
async def always_1080(asked: Asked, go: Go, _: Seen) -> Reply:
    """output.resolution is ignored."""
    body = asked.json
    if endpoint(asked) == "render" and isinstance(body.get("output"), dict):
        output = {k: v for k, v in body["output"].items() if k != "resolution"}
        asked.saying({**body, "output": output})
    return await go(asked)


@breaks("REN-7")
async def no_skill_has_4k(asked: Asked, go: Go, _: Seen) -> Reply:
    """The skill that renders 4K renders like any other."""
    if endpoint(asked) == "render" and asked.headers.get("X-Skill-Source") == "4k-with-session":
        asked.headers["X-Skill-Source"] = "somebody"
    return await go(asked)


@breaks("REN-8", hurts="REN-4 REN-7")
async def url_needs_bearer(asked: Asked, go: Go, _: Seen) -> Reply:
    """output.url without Authorization is refused."""
    if asked.path.startswith("/cdn/renders/") and "Authorization" not in asked.headers:
        return refuse(1001, "no token")
    return await go(asked)


@breaks("REN-8", hurts="REN-1 REN-7")
async def no_fallback(asked: Asked, go: Go, _: Seen) -> Reply:
    """The fallback download is not there."""
    if endpoint(asked) == "render_download":
        return refuse(404, "not found", 404)
    return await go(asked)


@breaks("REN-8", hurts="REN-7")
async def fallback_differs(asked: Asked, go: Go, _: Seen) -> Reply:
    """The fallback download is another file than that of output.url."""
    reply = await go(asked)
    if endpoint(asked) == "render_download" and reply.status == 200:
        reply.body += b"\0"
    return reply


async def _as_owner(name: str, asked: Asked, go: Go, seen: Seen) -> Reply:
    if endpoint(asked) == name and _render(asked) in seen.renders:
        asked.by(seen.renders[_render(asked)])
    return await go(asked)


@breaks("REN-8", "GEN-3")
async def fallback_for_anybody(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The fallback download needs no Authorization, or anybody's."""
    return await _as_owner("render_download", asked, go, seen)


@breaks("REN-8", hurts="GEN-3")
async def job_open_to_others(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Another token sees the job."""
    return await _as_owner("render_status", asked, go, seen) if asked.token else await go(asked)


@breaks("REN-8", hurts="GEN-3")
async def others_cancel(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Another token cancels the job."""
    return await _as_owner("render_cancel", asked, go, seen) if asked.token else await go(asked)


@breaks("REN-8")
async def cancel_ignored(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Cancel is answered, and the render goes on."""
    if endpoint(asked) == "render_cancel" and _render(asked) in seen.renders:
        return say({"id": _render(asked), "status": "failed", "progress": 0, "error": "cancelled"})
    return await go(asked)
