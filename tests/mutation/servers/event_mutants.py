"""Server mutants of section 5: the content of events."""

import itertools
from collections.abc import Callable
from typing import Any

from nemolocal_contract.responses import decode_json, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import response_mutant


@response_mutant("chat.args-as-text", "SSE-2", "SSE-8", kills="chat.tools.objects")
def args_as_text(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The arguments of a tool call are JSON in a string."""
    if request.endpoint != "chat" or b'"functionCall"' not in response.body:
        return None
    frames = [_with_text(frame) for frame in response.body.split(b"\n\n")]
    return WireResponse(response.status, response.headers, b"\n\n".join(frames))


def _with_text(frame: bytes) -> bytes:
    if b'"functionCall"' not in frame:
        return frame
    event: dict[str, Any] = decode_json(frame.removeprefix(b"data:").strip())
    for part in event["content"]["parts"]:
        call = part["functionCall"]
        call["args"] = encode_json(call["args"]).decode()
    return b"data: " + encode_json(event)


def _each_event(
    request: WireRequest, response: WireResponse, **changed: Callable[[dict[str, Any]], object]
) -> WireResponse | None:
    """Return a stream whose ADK events have these fields changed; None if there is none."""
    if request.endpoint != "chat" or b'"invocationId"' not in response.body:
        return None
    frames = []
    for frame in response.body.split(b"\n\n"):
        data = frame.removeprefix(b"data:").strip()
        if data.startswith(b"{"):
            event: dict[str, Any] = decode_json(data)
            event |= {name: change(event) for name, change in changed.items()}
            frame = b"data: " + encode_json(event)
        frames.append(frame)
    return WireResponse(response.status, response.headers, b"\n\n".join(frames))


@response_mutant("chat.one-invocation", "SSE-2", kills="chat.events.of-turns")
def one_invocation(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """All turns have the same invocationId."""
    return _each_event(request, response, invocationId=lambda _: "e-1")


@response_mutant("chat.ids-by-turn", "SSE-2", kills="chat.events.of-turns")
def ids_by_turn(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The ids of events start again with each turn."""
    numbers = itertools.count(1)
    return _each_event(request, response, id=lambda _: str(next(numbers)))


@response_mutant("chat.times-fall", "SSE-2", kills="chat.events.times")
def times_fall(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The times of events run backwards."""
    numbers = itertools.count()

    def earlier(event: dict[str, Any]) -> float:
        return float(event["timestamp"]) - 1000 * next(numbers)

    return _each_event(request, response, timestamp=earlier)


@response_mutant("chat.times-ms", "SSE-2", kills="chat.events.times")
def times_in_milliseconds(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The times of events are in milliseconds."""
    return _each_event(request, response, timestamp=lambda event: event["timestamp"] * 1000)


@response_mutant("chat.author-user", "SSE-2", kills="chat.events.author")
def author_user(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The author of every event is the user."""
    return _each_event(request, response, author=lambda _: "user")


@response_mutant("chat.tools-idless", "SSE-2", kills="chat.tools.ids")
def tools_without_ids(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Neither tool calls nor their results have an id."""

    def without_ids(event: dict[str, Any]) -> object:
        for part in event["content"]["parts"]:
            for tool in ("functionCall", "functionResponse"):
                part.get(tool, {}).pop("id", None)
        return event["content"]

    return _each_event(request, response, content=without_ids)
