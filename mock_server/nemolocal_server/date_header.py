"""The HTTP `Date` header by the server's clock, in place of uvicorn's by the wall's."""

from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock


class DateMiddleware:
    """Stamps every response."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["date"] = formatdate(self._clock.time(), usegmt=True)
            await send(message)

        await self._app(scope, receive, stamp if scope["type"] == "http" else send)
