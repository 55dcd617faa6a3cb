"""Breaks of section 8: whose renders are, and the files that they leave."""

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import endpoint_of, proxy_mutant
from .turn_interceptors import state_of


def _is_file(asked: InterceptedRequest) -> bool:
    return endpoint_of(asked) == "render_download" or asked.path.startswith("/cdn/renders/")


def _render(asked: InterceptedRequest) -> str:
    words = asked.path.split("/")
    return words[4] if endpoint_of(asked) == "render_download" else words[5]


@proxy_mutant("REN-1", hurts="REN-7 REN-9 STA-4")
async def saved_draft_rendered(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """What is rendered is the saved draft, not the one that was sent."""
    body = asked.json
    if (
        endpoint_of(asked) == "render"
        and body.get("sessionId") in seen.sessions
        and "draft" in body
    ):
        state = await state_of(asked, go, body["sessionId"])
        if state.get("code") == 0 and state["data"]["state"]["draft"].get("t"):
            asked.set_json({**body, "draft": state["data"]["state"]["draft"]})
    return await go(asked)


@proxy_mutant("REN-7", hurts="REN-4 REN-8")
async def file_short(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The file lacks its last thousand bytes."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = reply.body[:-1000]
    return reply


@proxy_mutant("REN-7", hurts="REN-1 REN-4 REN-8")
async def byte_flipped(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The first byte of the file is another one."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = b"\xff" + reply.body[1:]
    return reply


@proxy_mutant("REN-7", "REN-1", hurts="REN-4 REN-8")
async def first_file_again(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Every download is the first file that was rendered."""
    reply = await go(asked)
    if _is_file(asked) and reply.status == 200:
        reply.body = seen.memory.setdefault("first", reply.body)
    return reply


@proxy_mutant("REN-7")
async def always_1080(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """output.resolution is ignored."""
    body = asked.json
    if endpoint_of(asked) == "render" and isinstance(body.get("output"), dict):
        output = {k: v for k, v in body["output"].items() if k != "resolution"}
        asked.set_json({**body, "output": output})
    return await go(asked)


@proxy_mutant("REN-7")
async def no_skill_has_4k(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The skill that renders 4K renders like any other."""
    if endpoint_of(asked) == "render" and asked.headers.get("X-Skill-Source") == "4k-with-session":
        asked.headers["X-Skill-Source"] = "somebody"
    return await go(asked)


@proxy_mutant("REN-8", hurts="REN-4 REN-7")
async def url_needs_bearer(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """output.url without Authorization is refused."""
    if asked.path.startswith("/cdn/renders/") and "Authorization" not in asked.headers:
        return error_response(1001, "no token")
    return await go(asked)


@proxy_mutant("REN-8", hurts="REN-1 REN-7")
async def no_fallback(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download is not there."""
    if endpoint_of(asked) == "render_download":
        return error_response(404, "not found", 404)
    return await go(asked)


@proxy_mutant("REN-8", hurts="REN-7")
async def fallback_differs(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download is another file than that of output.url."""
    reply = await go(asked)
    if endpoint_of(asked) == "render_download" and reply.status == 200:
        reply.body += b"\0"
    return reply


async def _as_owner(
    name: str, asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    if endpoint_of(asked) == name and _render(asked) in seen.renders:
        asked.set_token(seen.renders[_render(asked)])
    return await go(asked)


@proxy_mutant("REN-8", "GEN-3")
async def fallback_for_anybody(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download needs no Authorization, or anybody's."""
    return await _as_owner("render_download", asked, go, seen)


@proxy_mutant("REN-8", hurts="GEN-3")
async def job_open_to_others(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Another token sees the job."""
    return await _as_owner("render_status", asked, go, seen) if asked.token else await go(asked)


@proxy_mutant("REN-8", hurts="GEN-3")
async def others_cancel(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Another token cancels the job."""
    return await _as_owner("render_cancel", asked, go, seen) if asked.token else await go(asked)


@proxy_mutant("REN-8")
async def cancel_ignored(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Cancel is answered, and the render goes on."""
    if endpoint_of(asked) == "render_cancel" and _render(asked) in seen.renders:
        return json_response(
            {"id": _render(asked), "status": "failed", "progress": 0, "error": "cancelled"}
        )
    return await go(asked)
