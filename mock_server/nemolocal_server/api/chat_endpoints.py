"""The conversation: one turn per request, told as Server-Sent Events (SSE-1 to SSE-7)."""

from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import ChatRequest
from nemolocal_contract.turn_events import TurnEventEncoder

from .. import ids
from ..errors import bad_request
from ..faults.turn_faults import turn_faults_for
from ..request_context import context_of, dialect_of
from ..turns.running_turn import RunningTurn
from .request_dependencies import authenticate_and_read, check_user, find_session, services_of

_MAX_MESSAGE = 20_000


async def run_sse(request: Request) -> Response:
    """Begin a turn and stream it until it ends; there is no done event (SSE-4)."""
    token, body = await authenticate_and_read(request, ChatRequest, "write")
    check_user(body.user_id, token)
    server = services_of(request)
    session = find_session(request, token, body.session_id)
    context = context_of(request.scope)
    faults = turn_faults_for(context.faults)
    turn = server.turns.start(token, session, _message(body), faults)
    context.annotations.set_turn(turn.number, len(turn.edits))
    dialect = dialect_of(request)
    encoder = TurnEventEncoder(
        dialect.sse,
        f"e-{ids.new_event_id()}",
        ids.new_event_id,
        server.context.clock.time,
        heartbeat=dialect.heartbeat,
    )
    # Heartbeats are the contract's own, on the server's clock: sse-starlette's pings stay off.
    return EventSourceResponse(_encode_events(turn, encoder), ping=0)


def _message(body: ChatRequest) -> str:
    message = body.new_message.text
    if not message.strip():
        raise bad_request("body: `new_message.parts` has no text")
    if len(message) > _MAX_MESSAGE:
        raise bad_request(
            f"body: new_message.parts is longer than {_MAX_MESSAGE} characters: say it in several"
        )
    return message


async def _encode_events(turn: RunningTurn, encoder: TurnEventEncoder) -> AsyncIterator[bytes]:
    async for event in turn.events():
        yield encoder.encode(event)
