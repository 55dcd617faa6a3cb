"""Responses with files of the data folder."""

import functools

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.responses import ResponseCode

from .open_downloads import OpenDownloads


class StoredFileResponse(FileResponse):
    """A file of the data folder; 404 if a reset or a restore deletes it meanwhile."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _send_file(super().__call__, scope, receive, send)


class StoredFiles(StaticFiles):
    """Files of a folder by their unguessable names, without a token (REN-8)."""

    async def check_config(self) -> None:
        """Do not fail if the folder is missing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _send_file(super().__call__, scope, receive, send)


async def _send_file(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    downloads: OpenDownloads = scope["app"].state.services.downloads
    await downloads.send(functools.partial(_send_unless_gone, app), scope, receive, send)


async def _send_unless_gone(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the headers together with the body, which starts only after the file was opened."""
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
