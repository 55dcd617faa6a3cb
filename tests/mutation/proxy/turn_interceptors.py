"""Breaks of section 5: silences, hang-ups, words."""

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


async def _read_frames(reply: InterceptedResponse) -> tuple[list[bytes], bool]:
    """The frames of a stream, and whether it was a silent edit."""
    assert reply.frames is not None
    frames = [frame async for frame in reply.frames]
    parts = [part for frame in frames for part in parts_of(event_of(frame) or {})]
    edits = any("functionResponse" in part for part in parts)
    return frames, edits and not any("text" in part for part in parts)


@proxy_mutant("SSE-5", hurts="SSE-4 SSE-9")
async def silence_is_spoken(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A silent edit says that it is done."""
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    spoken = [text_frame("Done! Preview in timeline.")] if silent else []
    return reply.set_frames(*frames, *spoken)


@proxy_mutant("SSE-5", hurts="SSE-2 SSE-1")
async def silence_without_tools(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A silent edit streams heartbeats and nothing else."""
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    return reply.set_frames(*(frame for frame in frames if not silent or is_heartbeat(frame)))


async def state_of(asked: InterceptedRequest, go: Forward, session: str) -> Any:
    """The reply to a look at the state by who asks."""
    return (await get_as_caller(asked, go, STATE.path(user=CURRENT_USER, session=session))).json


@proxy_mutant("SSE-5", hurts="STA CRD SSE REN SES UPL")
async def silence_changes_nothing(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The state that follows a silent edit is the one from before."""
    session = session_of(asked)
    if endpoint_of(asked) == "state" and session in seen.memory:
        reply = await go(asked)
        return reply.set_json(seen.memory[session]) if reply.code == 0 else reply
    before = await state_of(asked, go, session) if endpoint_of(asked) == "chat" else None
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _read_frames(reply)
    if silent:
        seen.memory.setdefault(session, before)
    return reply.set_frames(*frames)


def _disconnected_sessions(asked: InterceptedRequest, seen: ObservedTraffic) -> dict[str, int]:
    """Sessions whose last turn was not heard to its end, with the connection that it was on.

    Who asks again on a connection has heard what was on it.
    """
    hung: dict[str, int] = seen.memory.setdefault("hung", {})
    for session in [session for session, peer in hung.items() if peer == asked.client_port]:
        del hung[session]
    if endpoint_of(asked) == "chat":
        hung[session_of(asked)] = asked.client_port
    return hung


@proxy_mutant("SSE-7", hurts="STA")
async def hangup_undoes(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """What a client hung up on never shows in the state."""
    session, hung = session_of(asked), _disconnected_sessions(asked, seen)
    if endpoint_of(asked) == "state" and session in hung:
        return (await go(asked)).set_json(seen.memory[session])
    if endpoint_of(asked) == "chat":
        seen.memory[session] = await state_of(asked, go, session)
    return await go(asked)


@proxy_mutant("SSE-7", hurts="CRD")
async def hangup_is_free(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """What a client hung up on is not charged."""
    hung, reply = _disconnected_sessions(asked, seen), await go(asked)
    if endpoint_of(asked) == "balance" and reply.code == 0:
        free = 50 * sum(seen.sessions.get(session) == asked.token for session in hung)
        data = reply.json["data"]
        data["available"] += free
        return reply.set_json({"code": 0, "data": {**data, "total": data["total"] + free}})
    return reply


@proxy_mutant("SSE-7", hurts="STA CRD-3")
async def resend_is_free(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """A message sent a second time gets the first reply again, and is no second turn."""
    key = f"{session_of(asked)} {asked.json.get('new_message')}" if asked.json else ""
    if endpoint_of(asked) == "chat" and key in seen.memory:
        headers, frames = seen.memory[key]
        return InterceptedResponse(200, headers).set_frames(*frames)
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, _ = await _read_frames(reply)
    seen.memory[key] = reply.headers, frames
    return reply.set_frames(*frames)


@proxy_mutant("SSE-8")
async def generation_is_bare(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """No music and no title come with a generated clip."""
    if endpoint_of(asked) == "chat" and b"generate" in (asked.body or b""):
        seen.memory[session_of(asked)] = True
    reply = await go(asked)
    if endpoint_of(asked) == "state" and reply.code == 0 and session_of(asked) in seen.memory:
        value = reply.json
        draft = value["data"]["state"]["draft"]
        draft["t"] = [track for track in draft["t"] if track["tt"] == 0]
        return reply.set_json(value)
    return reply


def _say(event: dict[str, Any], text: str) -> None:
    for part in parts_of(event):
        if "text" in part:
            part["text"] = text


@proxy_mutant("SSE-10", hurts="SSE-9")
@on_events
def no_gui_words(event: dict[str, Any]) -> None:
    """Every text is "Done."."""
    _say(event, "Done.")


@proxy_mutant("SSE-10", hurts="SSE-9")
@on_events
def english_only(event: dict[str, Any]) -> None:
    """Every text is English, whatever the language of the session."""
    _say(event, "Click [Export] or open the panel; drag clips; preview in timeline.")
