"""ASGI middleware that changes one thing in the requests or responses of a server.

A mutant is a hook. It gets the request (and the response) and returns a replacement, or None to
leave it. Changes are counted: a mutant that changed nothing proves nothing.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from nemolocal_contract.endpoints import find_endpoint
from nemolocal_contract.responses import decode_json, encode_json

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The maximum size of request bodies for hooks; videos are larger.
_READABLE = 1_000_000


class WireRequest(msgspec.Struct, frozen=True):
    """A request: its endpoint by name ("" for none of the contract), lower-case headers."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def endpoint(self) -> str:
        """The name of the contract's endpoint."""
        found = find_endpoint(self.method, self.path)
        return found[0] if found else ""

    @property
    def json(self) -> Any:
        """The body as JSON, {} if it is not JSON."""
        try:
            return decode_json(self.body)
        except msgspec.DecodeError:
            return {}

    @property
    def query_params(self) -> dict[str, list[str]]:
        """The query parameters."""
        return parse_qs(self.query)


class WireResponse(msgspec.Struct, frozen=True):
    """A response; `cut` breaks the connection after the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool = False

    @property
    def json(self) -> Any:
        """The body as JSON, None if it is not JSON."""
        try:
            return decode_json(self.body)
        except msgspec.DecodeError:
            return None

    @property
    def code(self) -> object:
        """The code of the envelope, None if there is none."""
        body = self.json
        return body.get("code") if isinstance(body, dict) else None

    def with_json(self, body: object, status: int | None = None) -> "WireResponse":
        """Return the response with another JSON body."""
        return WireResponse(
            self.status if status is None else status, self.headers, encode_json(body)
        )

    def with_data(self, **changed: Any) -> "WireResponse":
        """Return the response with changes in the `data` of its envelope."""
        return self.with_json({**self.json, "data": {**self.json["data"], **changed}})

    def with_status(self, status: int) -> "WireResponse":
        """Return the response with another HTTP status."""
        return WireResponse(status, self.headers, self.body)

    def with_headers(self, **headers: str | None) -> "WireResponse":
        """Return the response with headers changed, or removed (None)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in named}
        added = {name: value for name, value in named.items() if value is not None}
        return WireResponse(self.status, kept | added, self.body)


Memory = dict[str, Any]
OnResponse = Callable[[WireRequest, WireResponse, Memory], WireResponse | None]
OnRequest = Callable[[WireRequest, Memory], WireRequest | WireResponse | None]


class MutationMiddleware:
    """ASGI middleware that applies one hook and counts its changes."""

    def __init__(self, app: App, on_request: OnRequest | None, on_reply: OnResponse | None) -> None:
        self._app = app
        self._on_request = on_request
        self._on_response = on_reply
        self.memory: Memory = {}
        self.times_applied = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/__nemolocal__"):
            await self._app(scope, receive, send)
            return
        request, again = await read_request(scope, receive)
        if self._on_request is not None:
            changed = self._on_request(request, self.memory)
            self.times_applied += changed is not None
            if isinstance(changed, WireResponse):
                await write_response(changed, send)
                return
            if changed is not None:
                scope = rewritten_scope(scope, changed)
                # A large body is not all in `request`: an unchanged one is passed on as it comes.
                if changed.body != request.body:
                    again = replay_body(changed.body, receive)
                request = changed
        if self._on_response is None:
            await self._app(scope, again, send)
        else:
            await self._rewrite_response(self._on_response, request, scope, again, send)

    async def _rewrite_response(
        self, hook: OnResponse, request: WireRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        response = collect_response(kept)
        changed = hook(request, response, self.memory)
        self.times_applied += changed is not None
        await write_response(changed or response, send)


async def read_request(scope: Scope, receive: Receive) -> tuple[WireRequest, Receive]:
    """Return a request and its body once more; the body is b"" where it is large."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body, again = b"", receive
    small = int(headers.get("content-length") or 0) <= _READABLE
    if small and headers.get("transfer-encoding") is None:
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        again = replay_body(body, receive)
    query = scope["query_string"].decode("latin-1")
    return WireRequest(scope["method"], scope["path"], query, headers, body), again


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return the body again, then what follows."""
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def rewritten_scope(scope: Scope, request: WireRequest) -> Scope:
    """Return a scope that asks for what the request does."""
    headers = {**request.headers, "content-length": str(len(request.body))}
    return {
        **scope,
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()],
    }


def collect_response(messages: list[Message]) -> WireResponse:
    """Return the response that these messages are."""
    start = messages[0]
    headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in start["headers"]}
    headers.pop("content-length", None)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return WireResponse(start["status"], headers, body)


async def write_response(response: WireResponse, send: Send) -> None:
    """Send a response; a cut one ends without its end."""
    headers = {**response.headers}
    if not response.cut:
        headers["content-length"] = str(len(response.body))
    encoded = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    body = {"type": "http.response.body", "body": response.body, "more_body": response.cut}
    await send(body)
