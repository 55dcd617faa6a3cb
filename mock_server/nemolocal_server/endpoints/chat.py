"""The conversation: one turn per request, told as Server-Sent Events (SSE-1 to SSE-7)."""

from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.events import EventEncoder
from nemolocal_contract.requests import ChatRequest

from .. import ids
from ..errors import bad_request
from ..guard import authenticate, check_user, read_json, server_of
from ..turns import Turn

_MAX_MESSAGE = 20_000


async def run_sse(request: Request) -> Response:
    """Begin a turn and stream it until it ends; there is no done event (SSE-4)."""
    token = authenticate(request)
    body = await read_json(request, ChatRequest)
    check_user(body.user_id, token)
    server = server_of(request)
    session = server.core.sessions.find(token, body.session_id)
    message = body.new_message.text
    if not message.strip():
        raise bad_request("body: new_message.parts has no text: say what to do")
    if len(message) > _MAX_MESSAGE:
        raise bad_request(f"body: new_message.parts is longer than {_MAX_MESSAGE} characters")
    turn = server.turns.begin(token, session, message)
    encoder = EventEncoder(
        server.settings.sse, f"e-{ids.new_event_id()}", ids.new_event_id, server.core.clock.time
    )
    # Heartbeats are the contract's own, on the server's clock: sse-starlette's pings stay off.
    return EventSourceResponse(_bytes(turn, encoder), ping=0)


async def _bytes(turn: Turn, encoder: EventEncoder) -> AsyncIterator[bytes]:
    async for event in turn.events():
        yield encoder.encode(event)
