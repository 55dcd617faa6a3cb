"""Breaks of section 5: silences, hang-ups, words."""

from typing import Any

from nemolocal_contract.endpoints import ME, STATE

from .breaks import breaks, endpoint, event_of, look, on_events, parts_of, session_of, speak
from .chat import is_heartbeat
from .messages import Asked, Reply
from .proxy import Go, Seen


async def _gathered(reply: Reply) -> tuple[list[bytes], bool]:
    """The frames of a stream, and whether it was a silent edit."""
    assert reply.frames is not None
    frames = [frame async for frame in reply.frames]
    parts = [part for frame in frames for part in parts_of(event_of(frame) or {})]
    edits = any("functionResponse" in part for part in parts)
    return frames, edits and not any("text" in part for part in parts)


@breaks("SSE-5", hurts="SSE-4 SSE-9")
async def silence_is_spoken(asked: Asked, go: Go, _: Seen) -> Reply:
    """A silent edit says that it is done."""
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _gathered(reply)
    spoken = [speak("Done! Preview in timeline.")] if silent else []
    return reply.streaming(*frames, *spoken)


@breaks("SSE-5", hurts="SSE-2 SSE-1")
async def silence_without_tools(asked: Asked, go: Go, _: Seen) -> Reply:
    """A silent edit streams heartbeats and nothing else."""
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _gathered(reply)
    return reply.streaming(*(frame for frame in frames if not silent or is_heartbeat(frame)))


async def state_of(asked: Asked, go: Go, session: str) -> Any:
    """The reply to a look at the state by who asks."""
    return (await look(asked, go, STATE.path(user=ME, session=session))).json


@breaks("SSE-5", hurts="STA CRD SSE REN SES UPL")
async def silence_changes_nothing(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The state that follows a silent edit is the one from before."""
    session = session_of(asked)
    if endpoint(asked) == "state" and session in seen.own:
        reply = await go(asked)
        return reply.saying(seen.own[session]) if reply.code == 0 else reply
    before = await state_of(asked, go, session) if endpoint(asked) == "chat" else None
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, silent = await _gathered(reply)
    if silent:
        seen.own.setdefault(session, before)
    return reply.streaming(*frames)


def _hung_up(asked: Asked, seen: Seen) -> dict[str, int]:
    """Sessions whose last turn was not heard to its end, with the connection that it was on.

    Who asks again on a connection has heard what was on it.
    """
    hung: dict[str, int] = seen.own.setdefault("hung", {})
    for session in [session for session, peer in hung.items() if peer == asked.peer]:
        del hung[session]
    if endpoint(asked) == "chat":
        hung[session_of(asked)] = asked.peer
    return hung


@breaks("SSE-7", hurts="STA")
async def hangup_undoes(asked: Asked, go: Go, seen: Seen) -> Reply:
    """What a client hung up on never shows in the state."""
    session, hung = session_of(asked), _hung_up(asked, seen)
    if endpoint(asked) == "state" and session in hung:
        return (await go(asked)).saying(seen.own[session])
    if endpoint(asked) == "chat":
        seen.own[session] = await state_of(asked, go, session)
    return await go(asked)


@breaks("SSE-7", hurts="CRD")
async def hangup_is_free(asked: Asked, go: Go, seen: Seen) -> Reply:
    """What a client hung up on is not charged."""
    hung, reply = _hung_up(asked, seen), await go(asked)
    if endpoint(asked) == "balance" and reply.code == 0:
        free = 50 * sum(seen.sessions.get(session) == asked.token for session in hung)
        data = reply.json["data"]
        data["available"] += free
        return reply.saying({"code": 0, "data": {**data, "total": data["total"] + free}})
    return reply


@breaks("SSE-7", hurts="STA CRD-3")
async def resend_is_free(asked: Asked, go: Go, seen: Seen) -> Reply:
    """A message sent a second time gets the first reply again, and is no second turn."""
    key = f"{session_of(asked)} {asked.json.get('new_message')}" if asked.json else ""
    if endpoint(asked) == "chat" and key in seen.own:
        headers, frames = seen.own[key]
        return Reply(200, headers).streaming(*frames)
    reply = await go(asked)
    if reply.frames is None:
        return reply
    frames, _ = await _gathered(reply)
    seen.own[key] = reply.headers, frames
    return reply.streaming(*frames)


@breaks("SSE-8")
async def generation_is_bare(asked: Asked, go: Go, seen: Seen) -> Reply:
    """No music and no title come with a generated clip."""
    if endpoint(asked) == "chat" and b"generate" in (asked.body or b""):
        seen.own[session_of(asked)] = True
    reply = await go(asked)
    if endpoint(asked) == "state" and reply.code == 0 and session_of(asked) in seen.own:
        value = reply.json
        draft = value["data"]["state"]["draft"]
        draft["t"] = [track for track in draft["t"] if track["tt"] == 0]
        return reply.saying(value)
    return reply


def _say(event: dict[str, Any], text: str) -> None:
    for part in parts_of(event):
        if "text" in part:
            part["text"] = text


@breaks("SSE-10", hurts="SSE-9")
@on_events
def no_gui_words(event: dict[str, Any]) -> None:
    """Every text is "Done."."""
    _say(event, "Done.")


@breaks("SSE-10", hurts="SSE-9")
@on_events
def english_only(event: dict[str, Any]) -> None:
    """Every text is English, whatever the language of the session."""
    _say(event, "Click [Export] or open the panel; drag clips; preview in timeline.")
