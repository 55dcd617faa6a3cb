"""Proxy mutants of section 8: ownership of renders, and their files."""

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import endpoint_of, proxy_mutant
from .turn_interceptors import state_of


def _has_file(request: InterceptedRequest, reply: InterceptedResponse) -> bool:
    is_download = endpoint_of(request) == "render_download" or request.path.startswith(
        "/cdn/renders/"
    )
    return is_download and reply.status == 200 and reply.code is None


def _render(request: InterceptedRequest) -> str:
    words = request.path.split("/")
    return words[4] if endpoint_of(request) == "render_download" else words[5]


@proxy_mutant("REN-1", also_affects="REN-7 REN-9 STA-4")
async def saved_draft_rendered(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """What is rendered is the saved draft, not the one that was sent."""
    body = request.json
    if (
        endpoint_of(request) == "render"
        and body.get("sessionId") in observed.sessions
        and "draft" in body
    ):
        state = await state_of(request, forward, body["sessionId"])
        if state.get("code") == 0 and state["data"]["state"]["draft"].get("t"):
            request.set_json({**body, "draft": state["data"]["state"]["draft"]})
    return await forward(request)


@proxy_mutant("REN-7", also_affects="REN-4 REN-8")
async def file_short(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The file lacks its last thousand bytes."""
    reply = await forward(request)
    if _has_file(request, reply):
        reply.body = reply.body[:-1000]
    return reply


@proxy_mutant("REN-7", also_affects="REN-1 REN-4 REN-8")
async def byte_flipped(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The first byte of the file is another one."""
    reply = await forward(request)
    if _has_file(request, reply):
        reply.body = b"\xff" + reply.body[1:]
    return reply


@proxy_mutant("REN-7", "REN-1", also_affects="REN-4 REN-8")
async def first_file_again(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Every download is the first file that was rendered."""
    reply = await forward(request)
    if _has_file(request, reply):
        reply.body = observed.memory.setdefault("first", reply.body)
    return reply


@proxy_mutant("REN-7")
async def always_1080(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """output.resolution is ignored."""
    body = request.json
    if endpoint_of(request) == "render" and isinstance(body.get("output"), dict):
        output = {k: v for k, v in body["output"].items() if k != "resolution"}
        request.set_json({**body, "output": output})
    return await forward(request)


@proxy_mutant("REN-7")
async def no_skill_has_4k(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The skill that renders 4K renders like any other."""
    if (
        endpoint_of(request) == "render"
        and request.headers.get("X-Skill-Source") == "4k-with-session"
    ):
        request.headers["X-Skill-Source"] = "somebody"
    return await forward(request)


@proxy_mutant("REN-8", also_affects="REN-4 REN-7")
async def url_needs_bearer(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """output.url without Authorization is refused."""
    if request.path.startswith("/cdn/renders/") and "Authorization" not in request.headers:
        return error_response(1001, "no token")
    return await forward(request)


@proxy_mutant("REN-8", also_affects="AUTH-5 AUTH-6 AUTH-7 GEN-3 GEN-4 GEN-5 REN-1 REN-4 REN-7")
async def no_fallback(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download is not there."""
    if endpoint_of(request) == "render_download":
        return error_response(404, "not found", 404)
    return await forward(request)


@proxy_mutant("REN-8", also_affects="REN-4 REN-7")
async def fallback_differs(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download is another file than that of output.url."""
    reply = await forward(request)
    if endpoint_of(request) == "render_download" and reply.status == 200 and reply.code is None:
        reply.body += b"\0"
    return reply


async def _as_owner(
    name: str, request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    if endpoint_of(request) == name and _render(request) in observed.renders:
        request.set_token(observed.renders[_render(request)])
    return await forward(request)


@proxy_mutant("REN-8", "GEN-3")
async def fallback_for_anybody(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The fallback download needs no Authorization, or anybody's."""
    return await _as_owner("render_download", request, forward, observed)


@proxy_mutant("REN-8", also_affects="GEN-3")
async def job_open_to_others(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Another token sees the job."""
    return (
        await _as_owner("render_status", request, forward, observed)
        if request.token
        else await forward(request)
    )


@proxy_mutant("REN-8", also_affects="GEN-3")
async def others_cancel(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Another token cancels the job."""
    return (
        await _as_owner("render_cancel", request, forward, observed)
        if request.token
        else await forward(request)
    )


@proxy_mutant("REN-8", also_affects="REN-4")
async def cancel_ignored(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Cancel is answered, and the render goes on."""
    if endpoint_of(request) == "render_cancel" and _render(request) in observed.renders:
        return json_response(
            {"id": _render(request), "status": "failed", "progress": 0, "error": "cancelled"}
        )
    return await forward(request)
