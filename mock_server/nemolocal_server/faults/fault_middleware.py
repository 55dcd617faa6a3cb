"""The middleware that injects faults: it answers itself, or changes the response of the app."""

from collections.abc import Iterator

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import (
    AUTHORIZATION,
    CLIENT_ID,
    CONTROL_PREFIX,
    FAULT,
    ChatRequest,
    RenderRequest,
    endpoints,
    parse_bearer_token,
)
from nemolocal_contract.responses import decode_json

from ..body_memory import MAX_BODY, BodyMemory
from ..context import ServerContext
from ..data.sessions import CDN_PATH
from ..data.tokens import TokenRepository
from ..errors import ContractError, bad_request
from ..request_context import context_of
from ..responses import handle_contract_error
from ..transport.uvicorn_protocols import cut_connection
from .catalogue import ENDPOINT_NAMES, FILE, ActiveFault, ApiCall, FaultError
from .fault_service import FAULTS_OF_RENDERS, FaultService
from .response_faults import (
    BodyFilter,
    CutConnection,
    FilterOutput,
    Pause,
    body_filter_for,
    build_fault_response,
    build_out_of_credits_body,
)

_HEADER = FAULT.lower().encode()
# The session, the message or the render id of these is in the body.
_CALLS_WITH_BODY = ("chat", "render")
_ENDPOINTS = {name: endpoint for name, endpoint in endpoints().items() if name in ENDPOINT_NAMES}
# Paths without parameters are looked up, the others are matched.
_STATIC = {
    (endpoint.method, endpoint.template): name
    for name, endpoint in _ENDPOINTS.items()
    if "{" not in endpoint.template
}
_PATTERNS = {
    **{
        name: ((endpoint.method,), compile_path(endpoint.template)[0])
        for name, endpoint in _ENDPOINTS.items()
        if name not in _STATIC.values()
    },
    FILE: (("GET", "HEAD"), compile_path(f"{CDN_PATH}/renders/{{file}}")[0]),
}
_replace = msgspec.structs.replace


class FaultMiddleware:
    """Injects faults into calls of the contract, never into calls of the control API."""

    def __init__(self, app: ASGIApp, faults: FaultService) -> None:
        self._app = app
        self._faults = faults
        self._context = faults.context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        settings = self._context.settings
        # Without the control API no request may ask for a fault.
        header = _fault_header(scope) if settings.control else ""
        call = _identify_call(scope)
        is_expected = header or self._faults.registry.armed or settings.chaos
        if call is None or not (is_expected or call.endpoint in FAULTS_OF_RENDERS):
            await self._app(scope, receive, send)
            return
        body = _BufferedBody(receive)
        call = _with_caller(call, scope, self._context.tokens)
        try:
            if call.endpoint in _CALLS_WITH_BODY:
                call = _with_body(call, await body.read(self._context.body_memory))
            faults = self._select(call, header)
        except ContractError as error:
            response = await handle_contract_error(Request(scope), error)
            await response(scope, receive, send)
            return
        request_context = context_of(scope)
        request_context.faults = faults
        if call.token is not None:
            request_context.set_token(call.token)
        await inject_faults(self._app, call, faults, self._context)(scope, body.receive, send)

    def _select(self, call: ApiCall, header: str) -> tuple[ActiveFault, ...]:
        """Return the faults of a call; 400 for a header that asks for an invalid one."""
        try:
            return self._faults.select(call, header)
        except FaultError as error:
            raise bad_request(f"header {FAULT}: {error}") from error


def inject_faults(
    app: ASGIApp, call: ApiCall, faults: tuple[ActiveFault, ...], context: ServerContext
) -> ASGIApp:
    """Return an app whose responses to this call have the faults, or are theirs."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = build_out_of_credits_body(call, context)
        filters = [
            body_filter
            for fault in faults
            if (body_filter := body_filter_for(fault, call.endpoint, refusal)) is not None
        ]
        sender = _FilteredSender(scope, send, filters, context.clock)
        request = Request(scope)
        for fault in faults:
            response = await build_fault_response(request, fault, call, context)
            if response is not None:
                await response(scope, receive, sender.send)
                break
        else:
            await app(scope, receive, sender.send)
        if sender.is_cut:
            # uvicorn takes an unfinished response for a defect until it has seen the disconnect.
            while (await receive())["type"] != "http.disconnect":
                pass

    return respond


def _fault_header(scope: Scope) -> str:
    """Return the header that asks for faults; hardly any request has it, so this is cheap."""
    for name, value in scope["headers"]:
        if name == _HEADER:
            return str(value, "latin-1")
    return ""


def _identify_call(scope: Scope) -> ApiCall | None:
    """Return the call of a request, as far as its path says; None if it is not an endpoint."""
    method, path = scope["method"], scope["path"]
    static = _STATIC.get((method, path))
    if static is not None:
        return ApiCall(static)
    for name, (methods, pattern) in _PATTERNS.items():
        found = pattern.match(path)
        if found is not None and method in methods:
            params = found.groupdict()
            return ApiCall(
                name,
                session=params.get("session", ""),
                render=params.get("render", ""),
                file=params.get("file", "").partition(".")[0],
            )
    return None


def _with_caller(call: ApiCall, scope: Scope, tokens: TokenRepository) -> ApiCall:
    """Add the token, if it is valid, and the client id."""
    headers = Headers(scope=scope)
    text = parse_bearer_token(headers.get(AUTHORIZATION))
    token = None if text is None else tokens.find(text)
    client_id = headers.get(CLIENT_ID, "").strip() if token is None else token.client_id
    return _replace(call, token=token, client_id=client_id)


def _with_body(call: ApiCall, body: bytes) -> ApiCall:
    """Add what a valid body contains."""
    try:
        if call.endpoint == "chat":
            chat = decode_json(body, type=ChatRequest)
            return _replace(call, session=chat.session_id, message=chat.new_message.text)
        render = decode_json(body, type=RenderRequest)
    except (msgspec.MsgspecError, RecursionError):
        return call
    return _replace(call, session=render.session_id, render=render.id)


class _BufferedBody:
    """The body of a request, which can be read ahead and is still received by the app."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def read(self, memory: BodyMemory) -> bytes:
        """Return the body, or the beginning of one that is too large for any endpoint.

        Raises 429 if the bodies of all requests take too much memory.
        """
        body = bytearray()
        more = True
        with memory.account() as grow:
            while more and len(body) <= MAX_BODY:
                message = await self._receive()
                self._messages.append(message)
                body += message.get("body", b"")
                more = message.get("more_body", False)
                grow(len(body))
        return bytes(body)

    async def receive(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()


class _FilteredSender:
    """Sends a response through filters until one of them cuts the connection."""

    def __init__(self, scope: Scope, send: Send, filters: list[BodyFilter], clock: Clock) -> None:
        self._scope = scope
        self._send = send
        self._filters = filters
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
        for body_filter in self._filters:
            if (cut := body_filter.filter_headers(headers)) is not None:
                self._cut(cut)
                return
        await self._send(message)

    async def _continue(self, chunk: bytes, last: bool) -> None:
        ready: bytes | None = None
        for piece in _apply_filters(self._filters, chunk, last):
            if isinstance(piece, Pause):
                await self._clock.sleep(piece.seconds)
                continue
            # One piece is held back, since the last one has to say that it is the last.
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

    def _cut(self, cut: CutConnection) -> None:
        context = context_of(self._scope)
        self.is_cut = context.is_cut = True
        if context.close_entry is not None:
            context.close_entry()
        cut_connection(self._scope, cut.how)


def _apply_filters(filters: list[BodyFilter], chunk: bytes, last: bool) -> Iterator[FilterOutput]:
    """Pass a chunk through one filter after the other."""
    if not filters:
        yield chunk
        return
    first, *others = filters
    if not others:
        # The usual case; a slow response comes through here for every byte.
        yield from first.filter_chunk(chunk, last)
        return
    pieces = list(first.filter_chunk(chunk, last))
    for number, piece in enumerate(pieces, 1):
        if isinstance(piece, bytes):
            yield from _apply_filters(others, piece, last and number == len(pieces))
        else:
            yield piece
