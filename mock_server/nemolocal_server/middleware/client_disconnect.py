"""Who hangs up before all of a request was sent is owed no answer, and is no defect of ours."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send


class ClientDisconnectMiddleware:
    """Ends the work on such a request without a word; the journal, further in, has noted it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
