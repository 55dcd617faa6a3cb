"""Bounds the files that downloads hold open, each a descriptor besides that of its connection.

Without a bound, clients that read nothing would take the descriptors that are left for new
connections, the database and child processes.
"""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.responses import ResponseCode

from .errors import ContractError
from .transport.connection_limits import ConnectionLimits, max_open_files
from .transport.uvicorn_protocols import cut_connection


class _Download:
    """A response with an open file. `moved_at` is when a part of it was last taken."""

    def __init__(self, scope: Scope, now: float) -> None:
        self.moved_at = now
        self._scope = scope
        self._deadline = asyncio.timeout(None)

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        """Send the response; raises `ClientDisconnect` if it is ended."""
        loop = asyncio.get_running_loop()

        async def send_part(message: Message) -> None:
            await send(message)
            self.moved_at = loop.time()

        try:
            async with self._deadline:
                await app(self._scope, receive, send_part)
        except TimeoutError as error:
            if self._deadline.expired():
                raise ClientDisconnect from error
            raise

    def end(self, now: float) -> None:
        """Cut the connection, and close the file."""
        cut_connection(self._scope, "reset")
        self._deadline.reschedule(now)


class OpenDownloads:
    """The downloads of one process.

    If there are as many as may be, a new one takes the place of the one whose client has read
    nothing for longest, if that is `stalled_seconds` or more; else it is refused with 429.
    """

    def __init__(
        self,
        most: Callable[[], int] = max_open_files,
        stalled_seconds: float = ConnectionLimits().head_seconds,
    ) -> None:
        self._most = most
        self._stalled_seconds = stalled_seconds
        self._open: set[_Download] = set()

    async def send(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response of `app`, which opens a file."""
        now = asyncio.get_running_loop().time()
        most = self._most()
        if len(self._open) >= most:
            self._make_room(now, most)
        download = _Download(scope, now)
        self._open.add(download)
        try:
            await download.run(app, receive, send)
        finally:
            self._open.discard(download)

    def _make_room(self, now: float, most: int) -> None:
        oldest = min(self._open, key=lambda download: download.moved_at)
        if now - oldest.moved_at < self._stalled_seconds:
            raise ContractError(
                ResponseCode.RATE_LIMITED,
                f"{most} downloads are open already: read them to their end, or close them",
            )
        self._open.discard(oldest)
        oldest.end(now)
