"""Proxy mutants of section 5: silent turns, disconnects, texts."""

from typing import Any

from nemolocal_contract.endpoints import CURRENT_USER, STATE

from .chat_interceptors import is_heartbeat
from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse
from .proxy_mutant import (
    endpoint_of,
    event_of,
    get_as_caller,
    on_events,
    parts_of,
    proxy_mutant,
    session_of,
    text_frame,
)


async def _read_frames(response: InterceptedResponse) -> tuple[list[bytes], bool]:
    """Return the frames of a stream, and whether it was a silent edit."""
    assert response.frames is not None
    frames = [frame async for frame in response.frames]
    parts = [part for frame in frames for part in parts_of(event_of(frame) or {})]
    edits = any("functionResponse" in part for part in parts)
    return frames, edits and not any("text" in part for part in parts)


@proxy_mutant("SSE-5", also_affects="SSE-4 SSE-9 SSE-2")
async def silence_is_spoken(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A silent edit says that it is done."""
    reply = await forward(request)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    spoken = [text_frame("Done! Preview in timeline.")] if silent else []
    return reply.set_frames(*frames, *spoken)


@proxy_mutant("SSE-5", also_affects="SSE-2 SSE-1")
async def silence_without_tools(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A silent edit streams heartbeats and nothing else."""
    reply = await forward(request)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    return reply.set_frames(*(frame for frame in frames if not silent or is_heartbeat(frame)))


async def state_of(request: InterceptedRequest, forward: Forward, session: str) -> Any:
    """Return the caller's state response."""
    return (
        await get_as_caller(request, forward, STATE.path(user=CURRENT_USER, session=session))
    ).json


@proxy_mutant("SSE-5", also_affects="STA CRD SSE REN SES UPL")
async def silence_changes_nothing(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The state that follows a silent edit is the one from before."""
    session = session_of(request)
    if endpoint_of(request) == "state" and session in observed.memory:
        reply = await forward(request)
        return reply.set_json(observed.memory[session]) if reply.code == 0 else reply
    before = await state_of(request, forward, session) if endpoint_of(request) == "chat" else None
    reply = await forward(request)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    if silent:
        observed.memory.setdefault(session, before)
    return reply.set_frames(*frames)


def _disconnected_sessions(
    request: InterceptedRequest, observed: ObservedTraffic
) -> dict[str, int]:
    """Sessions whose last turn was not heard to its end, with the connection that it was on.

    Who asks again on a connection has heard what was on it.
    """
    hung: dict[str, int] = observed.memory.setdefault("hung", {})
    for session in [session for session, target in hung.items() if target == request.client_port]:
        del hung[session]
    if endpoint_of(request) == "chat":
        hung[session_of(request)] = request.client_port
    return hung


@proxy_mutant("SSE-7", also_affects="STA")
async def hangup_undoes(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """What a client hung up on never shows in the state."""
    session, hung = session_of(request), _disconnected_sessions(request, observed)
    if endpoint_of(request) == "state" and session in hung:
        return (await forward(request)).set_json(observed.memory[session])
    if endpoint_of(request) == "chat":
        observed.memory[session] = await state_of(request, forward, session)
    return await forward(request)


@proxy_mutant("SSE-7", also_affects="CRD")
async def hangup_is_free(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """What a client hung up on is not charged."""
    hung, reply = _disconnected_sessions(request, observed), await forward(request)
    if endpoint_of(request) == "balance" and reply.code == 0:
        free = 50 * sum(observed.sessions.get(session) == request.token for session in hung)
        data = reply.json["data"]
        data["available"] += free
        return reply.set_json({"code": 0, "data": {**data, "total": data["total"] + free}})
    return reply


@proxy_mutant("SSE-7", also_affects="STA CRD-3 SSE-2 AUTH-6")
async def resend_is_free(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A message sent a second time gets the first reply again, and is no second turn."""
    message = request.json.get("new_message")
    key = f"{request.token} {session_of(request)} {message}"
    if endpoint_of(request) == "chat" and key in observed.memory:
        headers, frames = observed.memory[key]
        return InterceptedResponse(200, headers).set_frames(*frames)
    reply = await forward(request)
    if reply.frames is None:
        return reply
    frames, _ = await _read_frames(reply)
    observed.memory[key] = reply.headers, frames
    return reply.set_frames(*frames)


@proxy_mutant("SSE-8")
async def generation_is_bare(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """No music and no title come with a generated clip."""
    if endpoint_of(request) == "chat" and b"generate" in (request.body or b""):
        observed.memory[session_of(request)] = True
    reply = await forward(request)
    if (
        endpoint_of(request) == "state"
        and reply.code == 0
        and session_of(request) in observed.memory
    ):
        value = reply.json
        draft = value["data"]["state"]["draft"]
        draft["t"] = [track for track in draft["t"] if track["tt"] == 0]
        return reply.set_json(value)
    return reply


def _say(event: dict[str, Any], text: str) -> None:
    for part in parts_of(event):
        if "text" in part:
            part["text"] = text


@proxy_mutant("SSE-10", also_affects="SSE-9")
@on_events
def no_gui_words(event: dict[str, Any]) -> None:
    """Every text is "Done."."""
    _say(event, "Done.")


@proxy_mutant("SSE-10", also_affects="SSE-9")
@on_events
def english_only(event: dict[str, Any]) -> None:
    """Every text is English, whatever the language of the session."""
    _say(event, "Click [Export] or open the panel; drag clips; preview in timeline.")
