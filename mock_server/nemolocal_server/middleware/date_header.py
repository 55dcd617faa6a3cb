"""The HTTP `Date` header by the server's clock, in place of uvicorn's by the wall's."""

from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock


class DateMiddleware:
    """Stamps every response."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._second, self._date = -1, b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"date", self._now())]
            await send(message)

        await self._app(scope, receive, stamp if scope["type"] == "http" else send)

    def _now(self) -> bytes:
        """The date, written out once a second."""
        second = int(self._clock.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date
