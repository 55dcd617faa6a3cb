"""Requests to an app in the same event loop: no socket, so that their order is a seed's doing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message

ADDRESS = "http://127.0.0.1:8787"
"""The address that the app is called by."""
# So many chunks of a stream are read by whoever hangs up in the middle of one.
_PATIENCE = 2


class AsgiReply(msgspec.Struct, frozen=True):
    """What came back; `complete` is False where the caller hung up first."""

    status: int
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        """The body, decoded; {} where there is none that is JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}

    @property
    def code(self) -> int:
        """The code of the envelope; the HTTP status where there is no envelope with a failure."""
        found = self.json.get("code") if isinstance(self.json, dict) else None
        return found if isinstance(found, int) and found else (self.status % 200 and self.status)


class AsgiCaller:
    """Calls an app; `pause` says how many turns of the loop pass before each piece of a body."""

    def __init__(self, app: ASGIApp, pause: Callable[[], int]) -> None:
        self._app = app
        self._pause = pause

    async def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Sequence[bytes] = (b"",),
        hang_up: bool = False,
    ) -> AsgiReply:
        """Send a request in pieces; who hangs up does so before its end, or in the stream."""
        return await _Exchange(self._pause, body, hang_up).run(
            self._app,
            {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(),
                "root_path": "",
                "query_string": b"",
                "headers": [
                    (name.lower().encode(), value.encode())
                    for name, value in {"Host": "127.0.0.1:8787", **headers}.items()
                ],
                "client": ("127.0.0.1", 50_000),
                "server": ("127.0.0.1", 8787),
            },
        )


class _Exchange:
    def __init__(self, pause: Callable[[], int], body: Sequence[bytes], hang_up: bool) -> None:
        self._pause = pause
        self._left = list(body)
        # A body of one piece is sent, and its reply is not waited for.
        self._cut = len(self._left) // 2 if hang_up and len(self._left) > 1 else 0
        self._patience = _PATIENCE if hang_up else None
        self._gone = asyncio.Event()
        self._status, self._body, self._complete = 0, bytearray(), False

    async def run(self, app: ASGIApp, scope: dict[str, Any]) -> AsgiReply:
        await app(scope, self._receive, self._send)
        return AsgiReply(self._status, bytes(self._body), self._complete)

    async def _receive(self) -> Message:
        for _ in range(self._pause()):
            await asyncio.sleep(0)
        if len(self._left) > self._cut:
            piece = self._left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._left)}
        if not self._left:
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            return
        self._body += message.get("body", b"")
        if self._patience is not None:
            self._patience -= 1
        self._complete = not message.get("more_body")
        if self._complete or self._patience == 0:
            self._gone.set()
