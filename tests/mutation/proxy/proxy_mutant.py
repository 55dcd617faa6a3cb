"""A proxy mutant: an interceptor, its sentence, the rules that it breaks or also affects."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from nemolocal_contract.endpoints import find_endpoint

from .intercepting_proxy import Forward, Interceptor, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse

PROXY_MUTANTS: dict[str, "ProxyMutant"] = {}


@dataclass(frozen=True)
class ProxyMutant:
    """One change on the wire.

    `also_affects` are prefixes of rules that are necessarily affected too, `*` for all.
    """

    name: str
    breaks: tuple[str, ...]
    also_affects: tuple[str, ...]
    sentence: str
    interceptor: Interceptor

    @property
    def module(self) -> str:
        """The module that defines it, which is its section of the contract."""
        return self.interceptor.__module__


def proxy_mutant(*rules: str, also_affects: str = "") -> Callable[[Interceptor], Interceptor]:
    """Register an interceptor; its docstring is the sentence."""

    def enter(interceptor: Interceptor) -> Interceptor:
        name = interceptor.__name__
        assert name not in PROXY_MUTANTS
        PROXY_MUTANTS[name] = ProxyMutant(
            name,
            rules,
            tuple(also_affects.replace("*", "").split() or (also_affects and ("",))),
            interceptor.__doc__ or "",
            interceptor,
        )
        return interceptor

    return enter


def endpoint_of(request: InterceptedRequest) -> str:
    """Return the name of the requested endpoint, "" for none of the contract."""
    found = find_endpoint(request.method, request.path)
    return found[0] if found else ""


def session_of(request: InterceptedRequest) -> str:
    """Return the session of a request, "" for none."""
    if endpoint_of(request) in ("upload", "state"):
        return request.path.split("/")[5]
    body = request.json if isinstance(request.json, dict) else {}
    return str(body.get("session_id") or body.get("sessionId") or "")


async def get_as_caller(
    request: InterceptedRequest, forward: Forward, path: str
) -> InterceptedResponse:
    """Return what a GET of this path returns to the caller."""
    headers = request.headers.copy()
    for name in ("Content-Length", "Content-Type"):
        headers.pop(name, None)
    return await forward(InterceptedRequest("GET", path, "", headers, b"", request.client_port))


def event_of(frame: bytes) -> dict[str, Any] | None:
    """Return the event of a frame, None if it has none."""
    try:
        event = json.loads(frame.removeprefix(b"data:"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def frame_of(event: Any) -> bytes:
    """Return a frame with this event."""
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def parts_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of an ADK event."""
    return list((event.get("content") or {}).get("parts") or [])


def text_frame(text: str) -> bytes:
    """Return an ADK frame with this text."""
    content = {"role": "model", "parts": [{"text": text}]}
    about = {"invocationId": "e-1", "author": "nemo_agent", "id": "1", "timestamp": 1.0}
    return frame_of({"content": content, **about, "actions": {}})


def stream_response(*frames: bytes) -> InterceptedResponse:
    """Return a stream made by the interceptor."""
    return InterceptedResponse(
        200, httpx.Headers({"Content-Type": "text/event-stream"})
    ).set_frames(*frames)


Change = Callable[[Any], Any]


def on_json(*names: str) -> Callable[[Change], Interceptor]:
    """An interceptor that changes the JSON of every success of these endpoints in place.

    It is given `data` of the envelope, or the whole of a reply that has none.
    """

    def make(change: Change) -> Interceptor:
        async def interceptor(
            request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
        ) -> InterceptedResponse:
            del observed
            reply = await forward(request)
            value = reply.json
            if (
                endpoint_of(request) not in names
                or not isinstance(value, dict)
                or value.get("code")
            ):
                return reply
            change(value["data"] if "code" in value else value)
            return reply.set_json(value)

        return _named_after(change, interceptor)

    return make


def on_failure(code: int, *names: str) -> Callable[[Change], Interceptor]:
    """An interceptor that changes failures of this code, of these endpoints or of all:
    `InterceptedResponse` in, `InterceptedResponse` out.
    """

    def make(change: Callable[[InterceptedResponse], InterceptedResponse]) -> Interceptor:
        async def interceptor(
            request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
        ) -> InterceptedResponse:
            del observed
            reply = await forward(request)
            if reply.code != code or (names and endpoint_of(request) not in names):
                return reply
            return change(reply)

        return _named_after(change, interceptor)

    return make


def on_events(change: Callable[[dict[str, Any]], None]) -> Interceptor:
    """Return an interceptor that changes every event of a stream in place."""

    def changed(frame: bytes) -> bytes:
        if (event := event_of(frame)) is None:
            return frame
        change(event)
        return frame_of(event)

    return _named_after(change, on_frames(changed))


def on_frames(change: Callable[[bytes], bytes]) -> Interceptor:
    """Return an interceptor that changes every frame of a stream; empty ones are dropped."""

    async def interceptor(
        request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
    ) -> InterceptedResponse:
        del observed
        reply = await forward(request)
        if (frames := reply.frames) is not None:
            reply.frames = (changed async for frame in frames if (changed := change(frame)))
        return reply

    return _named_after(change, interceptor)


def _named_after(
    change: Any, interceptor: Callable[..., Awaitable[InterceptedResponse]]
) -> Interceptor:
    interceptor.__name__, interceptor.__doc__ = change.__name__, change.__doc__
    interceptor.__module__ = change.__module__
    return interceptor
