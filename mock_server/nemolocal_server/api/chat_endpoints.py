"""The chat endpoint: each request is a turn, streamed as Server-Sent Events (SSE-1 to SSE-7)."""

from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import ChatRequest
from nemolocal_contract.turn_events import TurnEventEncoder

from .. import ids
from ..errors import bad_request
from ..request_context import (
    authenticate,
    authenticate_and_read,
    context_of,
    dialect_of,
    find_session,
    services_of,
)
from ..turns.running_turn import RunningTurn
from .scripted_chat import FaultyStream, find_reply

_MAX_MESSAGE = 20_000


async def run_sse(request: Request) -> Response:
    """Start a turn and stream it until it ends; there is no final event (SSE-4)."""
    token, body = await authenticate_and_read(request, ChatRequest, "write")
    services = services_of(request)
    session = find_session(request, token, body.session_id, body.user_id)
    message = _message(body)
    context = context_of(request.scope)
    reply = find_reply(request, services, token, session, message)
    intent, waited = await services.turns.understand(token, session, message, reply)
    if waited:
        # The token or the session may be gone by now.
        token = authenticate(request, "write")
        session = find_session(request, token, body.session_id, body.user_id)

    def start() -> Response:
        turn = services.turns.start(token, session, message, context.faults, reply, intent)
        note(turn)
        turn.on_planned = note
        return _stream(request, turn)

    def note(turn: RunningTurn) -> None:
        context.annotations.set_turn(turn.number, len(turn.edits), turn.understood, turn.model)

    if reply is not None and reply.faults:
        return FaultyStream(request, reply.faults, token, session.id, start)
    return start()


def _stream(request: Request, turn: RunningTurn) -> Response:
    dialect = dialect_of(request)
    encoder = TurnEventEncoder(
        dialect.sse,
        f"e-{ids.new_event_id()}",
        ids.new_event_id,
        services_of(request).context.clock.time,
        heartbeat=dialect.heartbeat,
    )
    # The turn has heartbeats of its own, by the server's clock, so sse-starlette sends no pings.
    return EventSourceResponse(_encode_events(turn, encoder), ping=0)


def _message(body: ChatRequest) -> str:
    message = body.new_message.text
    if not message.strip():
        raise bad_request("body: `new_message.parts` has no text")
    if len(message) > _MAX_MESSAGE:
        raise bad_request(
            f"body: new_message.parts is longer than {_MAX_MESSAGE} characters: "
            "split it into several messages"
        )
    return message


async def _encode_events(turn: RunningTurn, encoder: TurnEventEncoder) -> AsyncIterator[bytes]:
    async for event in turn.events():
        yield encoder.encode(event)
