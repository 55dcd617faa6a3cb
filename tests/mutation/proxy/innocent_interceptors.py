"""Innocent servers: each differs from the reference in something that the contract leaves open.

So no verdict may change. `INNOCENTS` holds them by name.
"""

import gzip
import itertools
import json
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from nemolocal_contract.responses import decode_json, encode_json

from .intercepting_proxy import Forward, Interceptor, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse
from .proxy_mutant import endpoint_of, event_of, on_failure, on_frames, on_json

INNOCENTS: dict[str, Interceptor] = {}
_COUNT = itertools.count()
# What a tool is called with and returns is the tool's own.
_OPAQUE = ("args", "response")


def innocent(interceptor: Interceptor) -> Interceptor:
    """Enter an interceptor under its name; its docstring is the sentence."""
    assert interceptor.__doc__
    INNOCENTS[interceptor.__name__] = interceptor
    return interceptor


def on_body(change: Callable[[Any], Any]) -> Interceptor:
    """Return an interceptor that replaces the JSON of every body and event."""

    async def interceptor(
        request: InterceptedRequest, forward: Forward, _: ObservedTraffic
    ) -> InterceptedResponse:
        reply = await forward(request)
        if reply.frames is not None:
            reply.frames = _changed(reply.frames, change)
        elif reply.headers.get("Content-Type", "").startswith("application/json"):
            reply.body = encode_json(change(reply.json))
        return reply

    interceptor.__name__, interceptor.__doc__ = change.__name__, change.__doc__
    return interceptor


async def _changed(
    frames: AsyncIterator[bytes], change: Callable[[Any], Any]
) -> AsyncIterator[bytes]:
    async for frame in frames:
        event = event_of(frame)
        yield frame if event is None else b"data: " + encode_json(change(event)) + b"\n\n"


@innocent
@on_frames
def crlf(frame: bytes) -> bytes:
    """The lines of a stream end with CRLF, as those of sse-starlette do."""
    return frame.replace(b"\n", b"\r\n")


@innocent
@on_frames
def carriage_returns(frame: bytes) -> bytes:
    """The lines of a stream end with CR."""
    return frame.replace(b"\n", b"\r")


@innocent
@on_frames
def named_events(frame: bytes) -> bytes:
    """Each event has the name `message`, which it has anyway, an id and a time to reconnect."""
    return b"event: message\nid: 7\nretry: 3000\n" + frame


@innocent
@on_frames
def comments(frame: bytes) -> bytes:
    """Comments stand between the events and in them."""
    return b": keep-alive\n\n: more\n" + frame


@innocent
@on_frames
def no_space(frame: bytes) -> bytes:
    """No space follows `data:`."""
    return frame.replace(b"data: ", b"data:", 1)


@innocent
@on_frames
def several_lines(frame: bytes) -> bytes:
    """The JSON of an event stands on several lines."""
    event = event_of(frame)
    if event is None:
        return frame
    lines = json.dumps(event, ensure_ascii=False, indent=1).split("\n")
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


@innocent
async def byte_order_mark(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A stream begins with a byte order mark, which its format allows."""
    reply = await forward(request)
    if reply.frames is not None:
        reply.frames = _after(b"\xef\xbb\xbf", reply.frames)
    return reply


async def _after(first: bytes, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for frame in frames:
        yield frame


@innocent
async def floats(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Whole numbers are spelled with a fraction of zero; drafts are taken back like that."""
    if endpoint_of(request) == "render":
        request.set_json(_respelled(request.json, float, int))
    return await _SPELLED(request, forward, observed)


def _respelled(value: Any, kind: type[float], other: type[float]) -> Any:
    """Return a value with its whole numbers of one type as those of the other."""
    if isinstance(value, dict):
        return {
            name: held if name in _OPAQUE else _respelled(held, kind, other)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [_respelled(held, kind, other) for held in value]
    return other(value) if type(value) is kind and value == int(value) else value


_SPELLED = on_body(lambda value: _respelled(value, int, float))


@innocent
@on_body
def further_fields(value: Any) -> Any:
    """Every object has further fields, which are different each time."""
    return _with_fields(value)


def _with_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_fields(held) for held in value]
    if not isinstance(value, dict):
        return value
    changed = {
        name: held if name in _OPAQUE else _with_fields(held) for name, held in value.items()
    }
    return {"aFurtherField": {"count": next(_COUNT)}, **changed, "updatedAt": next(_COUNT)}


@innocent
@on_body
def other_order(value: Any) -> Any:
    """The fields of every object come in another order."""
    if isinstance(value, list):
        return [_reversed(held) for held in value]
    return _reversed(value)


def _reversed(value: Any) -> Any:
    if isinstance(value, list):
        return [_reversed(held) for held in value]
    if isinstance(value, dict):
        return {name: _reversed(held) for name, held in reversed(value.items())}
    return value


@innocent
@on_failure(429)
def retry_after_date(reply: InterceptedResponse) -> InterceptedResponse:
    """`Retry-After` is a date (RFC 9110)."""
    now = parsedate_to_datetime(reply.headers["Date"]).timestamp()
    if "Retry-After" in reply.headers:
        seconds = int(reply.headers["Retry-After"])
        reply.headers["Retry-After"] = formatdate(now + seconds, usegmt=True)
    return reply


@innocent
@on_json("token")
def offset_of_zero(data: Any) -> None:
    """`expires_at` has the offset +00:00 and microseconds."""
    data["expires_at"] = data["expires_at"].removesuffix("Z") + "000+00:00"


@innocent
async def header_values(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Media types and directives are in capitals, where case means nothing."""
    reply = await forward(request)
    kind = reply.headers.get("Content-Type", "")
    for known in ("application/json", "text/event-stream", "text/html"):
        if kind.startswith(known):
            reply.headers["Content-Type"] = f"{known.title()} ; charset=UTF-8"
    if directives := reply.headers.get("Cache-Control"):
        reply.headers["Cache-Control"] = directives.title()
    return reply


@innocent
async def compressed(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """JSON is compressed, though nobody asked for it."""
    reply = await forward(request)
    if reply.headers.get("Content-Type", "").startswith("application/json"):
        reply.headers["Content-Encoding"] = "gzip"
        reply.body = gzip.compress(reply.body)
    return reply


@innocent
async def other_words(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Failures say more than they do here."""
    reply = await forward(request)
    if reply.frames is None and reply.code and isinstance(reply.json.get("message"), str):
        body = decode_json(reply.body)
        body["message"] = f"Sorry! {body['message']} (help: https://nemo.example/errors)"
        return reply.set_json(body)
    return reply
