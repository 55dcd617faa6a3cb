"""The middleware that records every exchange for the journal."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock, get_wait_speed
from nemolocal_contract.endpoints import CONTROL_PREFIX
from nemolocal_contract.journal import Ending
from nemolocal_contract.responses import ResponseCode

from ..request_context import context_of
from .exchange import BodyCapture, RecordedExchange, RequestAnnotations
from .journal_repository import JournalRepository

_MAX_CHUNKS = 1000
_STREAM = b"text/event-stream"


class JournalMiddleware:
    """Records all requests but those of the control API that are allowed."""

    def __init__(self, app: ASGIApp, journal: JournalRepository, clock: Clock) -> None:
        self._app = app
        self._journal = journal
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_control_call(scope):
            await self._app(scope, receive, send)
            return
        with _Recorder(scope, receive, send, self._journal, self._clock) as recorder:
            await self._app(scope, recorder.receive, recorder.send)


def _is_control_call(scope: Scope) -> bool:
    return scope["path"].startswith(CONTROL_PREFIX) and not context_of(scope).access.refusal


class _Recorder:
    """Records one request and its response while they pass."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, journal: JournalRepository, clock: Clock
    ) -> None:
        self._context = context_of(scope)
        self._context.annotations = RequestAnnotations(journal.state_lookup)
        self._receive = receive
        self._send = send
        self._journal = journal
        self._clock = clock
        self._exchange = RecordedExchange(
            scope["method"],
            scope["path"],
            scope["query_string"],
            scope["headers"],
            self._context.annotations,
            clock.time(),
            BodyCapture(),
            BodyCapture(),
            speed=get_wait_speed(clock),
        )
        self._is_disconnected = self._is_complete = self._is_closed = self._is_stream = False
        self._context.close_entry = self._close

    async def receive(self) -> Message:
        message = await self._receive()
        if not self._is_closed and (chunk := message.get("body")):
            self._exchange.request.add(chunk)
        self._is_disconnected = self._is_disconnected or message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        else:
            if chunk := message.get("body"):
                self._add(chunk)
            if not message.get("more_body"):
                self._is_complete = True
                # The client must find the entry in its next request, so close it before the end.
                self._close()
        await self._send(message)

    def _begin(self, message: Message) -> None:
        self._exchange.status = message["status"]
        self._exchange.response_headers = message["headers"]
        for name, value in message["headers"]:
            if name == b"content-type":
                self._is_stream = value.startswith(_STREAM)

    def _add(self, chunk: bytes) -> None:
        exchange = self._exchange
        exchange.response.add(chunk)
        if self._is_stream and len(exchange.chunks) < _MAX_CHUNKS:
            exchange.chunks.append((round(self._clock.time() - exchange.started, 3), len(chunk)))

    def __enter__(self) -> "_Recorder":
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, Exception) and not self._exchange.status and not self._is_disconnected:
            # A defect of ours: Starlette responds outside of this middleware.
            self._exchange.status, self._is_complete = int(ResponseCode.INTERNAL), True
        self._close()
        # Break the reference cycle of context and recorder.
        self._context.close_entry = None

    def _close(self) -> None:
        """Complete the exchange and add it to the journal, once."""
        if self._is_closed:
            return
        self._is_closed = True
        exchange, token = self._exchange, self._context.token
        exchange.ended, exchange.ending = self._clock.time(), self._ending()
        exchange.faults = tuple(fault.name for fault in self._context.faults)
        if token is not None:
            exchange.token_id, exchange.user_id = token.id, token.user_id
        exchange.annotations.finish()
        self._journal.add(exchange)

    def _ending(self) -> Ending:
        if self._is_complete:
            return "complete"
        if self._context.is_cut:
            return "cut by fault"
        return "cut by client" if self._is_disconnected else "cut by server"
