"""The middleware in which faults befall calls: it answers itself, or tampers with the reply."""

from collections.abc import Iterator

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import CONTROL_PREFIX, FAULT

from ..errors import bad_request
from ..exception_handlers import handle_contract_error
from ..request_context import context_of
from ..transport.uvicorn_protocols import cut_connection
from .api_call import CALLS_WITH_BODY, ApiCall, identify_call, with_body, with_caller
from .body_filters import BodyFilter, CutConnection, FilterOutput, Pause, body_filter_for
from .catalogue import ActiveFault, FaultError
from .fault_responses import build_fault_response, build_out_of_credits_body
from .fault_service import FaultService

_HEADER = FAULT.lower().encode()
_MAX_BODY = 16 * 1024 * 1024


class FaultMiddleware:
    """Lets faults befall the calls of the contract; the control interface is never touched."""

    def __init__(self, app: ASGIApp, faults: FaultService) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        header = _header(scope) if self._faults.is_header_enabled else ""
        call = identify_call(scope)
        if call is None or self._faults.is_unaffected(call, header):
            await self._app(scope, receive, send)
            return
        body = _BufferedBody(receive)
        call = with_caller(call, scope, self._faults.context.tokens)
        if call.endpoint in CALLS_WITH_BODY:
            call = with_body(call, await body.read())
        try:
            faults = self._faults.select(call, header)
        except FaultError as error:
            await self._refuse(error, scope, receive, send)
            return
        await self._apply(call, faults, scope, body.receive, send)

    async def _apply(
        self,
        call: ApiCall,
        faults: tuple[ActiveFault, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        core = self._faults.context
        context = context_of(scope)
        context.faults = faults
        refusal = build_out_of_credits_body(call, core)
        tampers = [
            tamper
            for f in faults
            if (tamper := body_filter_for(f, call.endpoint, refusal)) is not None
        ]
        tampered = _FilteredSender(scope, send, tampers, core.clock)
        request = Request(scope)
        if call.token is not None:
            context.set_token(call.token)
        for fault in faults:
            reply = await build_fault_response(request, fault, call, core)
            if reply is not None:
                await reply(scope, receive, tampered.send)
                break
        else:
            await self._app(scope, receive, tampered.send)
        if tampered.is_cut:
            await _wait_for_disconnect(receive)

    async def _refuse(self, error: FaultError, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = bad_request(f"header {FAULT}: {error}")
        reply = await handle_contract_error(Request(scope), refusal)
        await reply(scope, receive, send)


def _header(scope: Scope) -> str:
    """What the request asks for; nearly none asks, and this is the cheapest way to find out."""
    for name, value in scope["headers"]:
        if name == _HEADER:
            return str(value, "latin-1")
    return ""


async def _wait_for_disconnect(receive: Receive) -> None:
    """uvicorn takes an unfinished reply for a defect until it has seen the connection go."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _BufferedBody:
    """The body of a request, which may be read ahead and is then received all the same."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ahead: list[Message] = []

    async def read(self) -> bytes:
        """The body; of one that no endpoint would take, its beginning."""
        body = bytearray()
        more = True
        while more and len(body) <= _MAX_BODY:
            message = await self._receive()
            self._ahead.append(message)
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)

    async def receive(self) -> Message:
        return self._ahead.pop(0) if self._ahead else await self._receive()


class _FilteredSender:
    """Sends a reply as its tampers leave it, until one of them cuts the connection."""

    def __init__(self, scope: Scope, send: Send, tampers: list[BodyFilter], clock: Clock) -> None:
        self._scope = scope
        self._send = send
        self._filters = tampers
        self._clock = clock
        self.is_cut = False

    async def send(self, message: Message) -> None:
        if self.is_cut:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._continue(message.get("body", b""), not message.get("more_body", False))

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for tamper in self._filters:
            if (end := tamper.filter_headers(headers)) is not None:
                self._cut(end)
                return
        await self._send(message)

    async def _continue(self, chunk: bytes, last: bool) -> None:
        ready: bytes | None = None
        for piece in _apply_filters(self._filters, chunk, last):
            if isinstance(piece, Pause):
                await self._clock.sleep(piece.seconds)
                continue
            # One piece is kept back, so that the last one can say that it is the last.
            if ready:
                await self._send_body(ready, more=True)
            if isinstance(piece, CutConnection):
                self._cut(piece)
                return
            ready = piece
        if ready or last:
            await self._send_body(ready or b"", more=not last)

    async def _send_body(self, chunk: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    def _cut(self, end: CutConnection) -> None:
        context = context_of(self._scope)
        self.is_cut = context.is_cut = True
        if context.close_entry is not None:
            context.close_entry()
        cut_connection(self._scope, end.how)


def _apply_filters(tampers: list[BodyFilter], chunk: bytes, last: bool) -> Iterator[FilterOutput]:
    """What becomes of a chunk as it goes through one tamper after the other."""
    if not tampers:
        yield chunk
        return
    first, *others = tampers
    if not others:
        # Nearly always; a slow reply comes through here for every byte.
        yield from first.filter_chunk(chunk, last)
        return
    pieces = list(first.filter_chunk(chunk, last))
    for number, piece in enumerate(pieces, 1):
        if isinstance(piece, bytes):
            yield from _apply_filters(others, piece, last and number == len(pieces))
        else:
            yield piece
