"""Files as replies: one that a reset or a restore takes away meanwhile is not found, no defect."""

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.responses import ResponseCode


class StoredFileResponse(FileResponse):
    """A file of the data folder, whose `stat_result` is known."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _send_unless_gone(super().__call__, scope, receive, send)


class StoredFiles(StaticFiles):
    """Files of a folder by their unguessable names, no token needed (REN-8)."""

    async def check_config(self) -> None:
        """Serve nothing, instead of failing, where the folder has gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _send_unless_gone(super().__call__, scope, receive, send)


async def _send_unless_gone(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let `app` send a file: its head goes out with its body, which begins once it is open."""
    head: list[Message] = []

    async def send_together(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.append(message)
            return
        while head:
            await send(head.pop())
        await send(message)

    try:
        await app(scope, receive, send_together)
    except FileNotFoundError as error:
        raise HTTPException(int(ResponseCode.NOT_FOUND)) from error
