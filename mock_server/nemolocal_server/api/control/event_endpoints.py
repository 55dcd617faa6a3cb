"""The event feed: what has changed, as Server-Sent Events (control API)."""

from collections.abc import AsyncIterator

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.responses import ResponseCode, encode_json

from ...errors import ContractError, bad_request
from ...inspection.change_feed import MAX_LISTENERS, ChangeFeed
from ...request_context import services_of

_PING_SECONDS = 15
_MAX_DIGITS = 15


async def stream_events(request: Request) -> Response:
    """Stream the events `changes` and `reset`, at most four a second.

    The header `Last-Event-ID`, or else the query `since`, is the number of the last event that the
    listener knows: it gets all that changed since then, or a `reset` if that is unknown. Without
    both, the stream begins now. 429 if there are `MAX_LISTENERS` listeners already.
    """
    text = request.headers.get("last-event-id") or request.query_params.get("since")
    since = None if text is None else _number(text)
    feed = services_of(request).feed
    if feed.listeners >= MAX_LISTENERS:
        raise ContractError(
            ResponseCode.RATE_LIMITED,
            f"{MAX_LISTENERS} listeners have the event feed open already: close one of them",
        )
    # Pings are in real time, as the whole feed is.
    return EventSourceResponse(_events(feed, since), ping=_PING_SECONDS)


async def _events(feed: ChangeFeed, since: int | None) -> AsyncIterator[ServerSentEvent]:
    async for event in feed.listen(since):
        if event.changes is None:
            yield ServerSentEvent(data="{}", event="reset", id=str(event.number))
        else:
            data = encode_json(event.changes).decode()
            yield ServerSentEvent(data=data, event="changes", id=str(event.number))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise bad_request("`since` and `Last-Event-ID` must be the number of an event")
    return int(text)
