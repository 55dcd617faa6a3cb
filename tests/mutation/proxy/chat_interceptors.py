"""Proxy mutants of section 5: streams, their events, heartbeats and ends."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response
from .proxy_mutant import (
    endpoint_of,
    on_events,
    on_frames,
    parts_of,
    proxy_mutant,
)

HEARTBEAT = b"data:"


def is_heartbeat(frame: bytes) -> bool:
    """Whether a frame is empty."""
    return frame.strip() == HEARTBEAT


@proxy_mutant("SSE-1", also_affects="GEN-1")
async def stream_is_json(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The stream has the type application/json."""
    reply = await forward(request)
    if reply.frames is not None:
        reply.headers["Content-Type"] = "application/json"
    return reply


async def _require(name: str, request: InterceptedRequest, forward: Forward) -> InterceptedResponse:
    if endpoint_of(request) == "chat" and name not in request.json:
        return error_response(400, f"{name} is missing", 400)
    return await forward(request)


@proxy_mutant("SSE-1", also_affects="GEN-6")
async def app_name_required(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A message without app_name is refused with 400."""
    return await _require("app_name", request, forward)


@proxy_mutant("SSE-1", also_affects="GEN-6")
async def user_id_required(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A message without user_id is refused with 400."""
    return await _require("user_id", request, forward)


@proxy_mutant("SSE-1", also_affects="SSE")
@on_frames
def no_blank_line(frame: bytes) -> bytes:
    """One line end stands between events, not two."""
    return frame.rstrip(b"\n") + b"\n"


@proxy_mutant("SSE-1", also_affects="SSE-10")
@on_frames
def not_utf8(frame: bytes) -> bytes:
    """Streams are encoded as GBK."""
    return frame.decode().encode("gbk", "replace")


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda m: "_" + m[0].lower(), k): _snake(v) for k, v in value.items()
        }
    return [_snake(one) for one in value] if isinstance(value, list) else value


@proxy_mutant("SSE-2", also_affects="SSE STA CRD REN SES UPL")
@on_events
def snake_events(event: dict[str, Any]) -> None:
    """Keys of events are snake_case."""
    snake = _snake(event)
    event.clear()
    event.update(snake)


@proxy_mutant("SSE-2")
@on_events
def nulls_left_in(event: dict[str, Any]) -> None:
    """Events have errorCode null."""
    event["errorCode"] = None


@proxy_mutant("SSE-2")
@on_events
def tool_result_by_model(event: dict[str, Any]) -> None:
    """Tool results have the role model."""
    event["content"]["role"] = "model"


@proxy_mutant("SSE-2")
@on_events
def result_of_other_call(event: dict[str, Any]) -> None:
    """The id of a tool result is not that of its call."""
    for part in parts_of(event):
        if "functionResponse" in part:
            part["functionResponse"]["id"] += "-result"


@proxy_mutant("SSE-2", also_affects="SSE-8")
@on_events
def args_as_text(event: dict[str, Any]) -> None:
    """args of a tool call is a text of JSON."""
    for part in parts_of(event):
        if "functionCall" in part:
            part["functionCall"]["args"] = json.dumps(part["functionCall"]["args"])


@proxy_mutant("SSE-2")
@on_events
def no_author(event: dict[str, Any]) -> None:
    """Events have no author."""
    event.pop("author", None)


@proxy_mutant("SSE-2")
@on_events
def no_actions(event: dict[str, Any]) -> None:
    """Events have no actions."""
    event.pop("actions", None)


@proxy_mutant("SSE-2")
@on_events
def new_invocation_each_event(event: dict[str, Any]) -> None:
    """Every event of a turn has an invocationId of its own."""
    event["invocationId"] = f"e-{event['id']}"


@proxy_mutant("SSE-2")
@on_events
def timestamp_as_text(event: dict[str, Any]) -> None:
    """timestamp is a text."""
    event["timestamp"] = "2026-01-01T00:00:00Z"


@proxy_mutant("SSE-3")
@on_frames
def no_heartbeats(frame: bytes) -> bytes:
    """Heartbeats are left out."""
    return b"" if is_heartbeat(frame) else frame


@proxy_mutant("SSE-3")
async def rare_heartbeats(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Every second heartbeat is left out."""

    async def thinned(frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        beats = 0
        async for frame in frames:
            beats += is_heartbeat(frame)
            if not is_heartbeat(frame) or beats % 2 == 0:
                yield frame

    reply = await forward(request)
    reply.frames = reply.frames and thinned(reply.frames)
    return reply


@proxy_mutant("SSE-3", also_affects="SSE-1")
@on_frames
def comment_heartbeats(frame: bytes) -> bytes:
    """Heartbeats are comments."""
    return b": ping\n\n" if is_heartbeat(frame) else frame


async def _followed(frames: AsyncIterator[bytes], last: bytes) -> AsyncIterator[bytes]:
    async for frame in frames:
        yield frame
    yield last


@proxy_mutant("SSE-4", also_affects="SSE-1 SSE-2")
async def done_event(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """`data: [DONE]` ends the stream."""
    reply = await forward(request)
    reply.frames = reply.frames and _followed(reply.frames, b"data: [DONE]\n\n")
    return reply


@proxy_mutant("SSE-4", also_affects="SSE")
async def stream_cut(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The last chunk of a stream is never sent."""
    reply = await forward(request)
    reply.is_cut = reply.is_cut or reply.frames is not None
    return reply
