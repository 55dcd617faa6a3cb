"""The reference posing as a server of somebody else: it has no control API and does not say so."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_PREFIX, TOKEN, parse_bearer_token
from nemolocal_server import serving
from nemolocal_server.settings import Settings
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.mutation_middleware import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    WireRequest,
    WireResponse,
    collect_response,
    read_request,
    write_response,
)

Interceptor = Callable[[WireRequest], WireResponse | None]


class ForeignServer:
    """Its base URL, the calls that it has got, and the tokens that it has given.

    `before` is called with each request, `after` with each that was answered and whose answer was
    not sent yet; what they return is sent instead.
    """

    def __init__(self) -> None:
        self.base_url = ""
        self.calls: list[WireRequest] = []
        self.tokens: list[str] = []
        self.before: Interceptor | None = None
        self.after: Interceptor | None = None

    def turns(self, text: str) -> list[str]:
        """The tokens with which messages that contain this text were sent."""
        return [
            parse_bearer_token(call.headers.get("authorization")) or ""
            for call in self.calls
            if call.endpoint == "chat" and text.encode() in call.body
        ]

    def wrap(self, app: App) -> App:
        """Return an app around that of the server."""

        async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            request, again = await read_request(scope, receive)
            await write_response(await self._answer(app, request, scope, again), send)

        return foreign

    async def _answer(
        self, app: App, request: WireRequest, scope: Scope, receive: Receive
    ) -> WireResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return WireResponse(404, {"content-type": "text/plain"}, b"nothing here")
        self.calls.append(request)
        if self.before is not None and (early := self.before(request)) is not None:
            return early
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await app(scope, receive, keep)
        response = collect_response(kept)
        if (request.method, request.path) == ("POST", TOKEN.template):
            data = response.json.get("data") or {}
            self.tokens += [data["token"]] if "token" in data else []
        late = self.after(request) if self.after is not None else None
        return late or response


@contextlib.contextmanager
def foreign_server(media: MemoizedMedia, **settings: Any) -> Iterator[ForeignServer]:
    """Start one with these settings, on a clock whose waits pass at once."""
    server = ForeignServer()
    build = vars(serving)["build_app"]

    def build_foreign(*arguments: Any) -> Any:
        app = build(*arguments)
        app.add_middleware(lambda inner: server.wrap(inner))
        return app

    with (
        mock.patch.object(serving, "build_app", build_foreign),
        media.patch_servers(),
        serving.LocalServer(Settings(port=0, **settings), ManualClock(autojump=True)) as local,
    ):
        server.base_url = local.base_url
        yield server
