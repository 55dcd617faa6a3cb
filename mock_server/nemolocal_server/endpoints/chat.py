"""The conversation: one turn per request, told as Server-Sent Events (SSE-1 to SSE-7)."""

from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.events import EventEncoder
from nemolocal_contract.requests import ChatRequest

from .. import ids
from ..caller import dialect_of
from ..errors import bad_request
from ..faults.disturbance import disturbance_of
from ..faults.http import faults_in_force
from ..guard import check_user, find_session, read_request, server_of
from ..journal.truth import truth_of
from ..turn import Turn

_MAX_MESSAGE = 20_000


async def run_sse(request: Request) -> Response:
    """Begin a turn and stream it until it ends; there is no done event (SSE-4)."""
    token, body = await read_request(request, ChatRequest, "write")
    check_user(body.user_id, token)
    server = server_of(request)
    session = find_session(request, token, body.session_id)
    disturbance = disturbance_of(faults_in_force(request.scope))
    turn = server.turns.begin(token, session, _message(body), disturbance)
    truth_of(request.scope).concern_turn(turn.number, len(turn.edits))
    dialect = dialect_of(request)
    encoder = EventEncoder(
        dialect.sse,
        f"e-{ids.new_event_id()}",
        ids.new_event_id,
        server.core.clock.time,
        heartbeat=dialect.heartbeat,
    )
    # Heartbeats are the contract's own, on the server's clock: sse-starlette's pings stay off.
    return EventSourceResponse(_bytes(turn, encoder), ping=0)


def _message(body: ChatRequest) -> str:
    message = body.new_message.text
    if not message.strip():
        raise bad_request("body: `new_message.parts` has no text")
    if len(message) > _MAX_MESSAGE:
        raise bad_request(
            f"body: new_message.parts is longer than {_MAX_MESSAGE} characters: say it in several"
        )
    return message


async def _bytes(turn: Turn, encoder: EventEncoder) -> AsyncIterator[bytes]:
    async for event in turn.events():
        yield encoder.encode(event)
