"""The journal: every exchange, bounded, without secrets.

A pure ASGI middleware that copies what passes by. Bodies are kept up to 64 KB and entries up to
10,000; tokens are blanked out before anything is stored.
"""

import re
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import CONTROL
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.headers import ANONYMOUS_TOKEN_PREFIX

from .store import Store

MAX_ENTRIES = 10_000
MAX_BODY = 64 * 1024
# Old entries go in batches: one deletion for many insertions.
_BATCH = 100
_SECRET = re.compile(rf"{ANONYMOUS_TOKEN_PREFIX}[\w-]+|(?i:(?<=bearer ))[^\s\"]+")
_BLANK = "[token]"


class Entry(msgspec.Struct, frozen=True):
    """One exchange: times in seconds of the server's clock, bodies as text up to 64 KB."""

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int
    response_headers: dict[str, str]
    response_body: str
    started: float
    ended: float
    token_id: int | None


class Journal:
    """The entries of a store, the newest `MAX_ENTRIES` of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, entry: Entry) -> None:
        """Keep an entry; the oldest make room."""
        number = self._store.execute(
            "INSERT INTO journal (token_id, entry) VALUES (:token, :entry)",
            token=entry.token_id,
            entry=redact(encode_json(entry).decode()),
        )
        if number % _BATCH == 0:
            self._store.execute("DELETE FROM journal WHERE id <= :old", old=number - MAX_ENTRIES)

    def entries(self) -> list[dict[str, Any]]:
        """What was kept, oldest first."""
        rows = self._store.all(dict[str, Any], "SELECT id, entry FROM journal ORDER BY id")
        return [{"id": row["id"], **msgspec.json.decode(row["entry"])} for row in rows]


def redact(text: str) -> str:
    """The text without token values (CLI-9 holds for the server's records too)."""
    return _SECRET.sub(_BLANK, text)


class _Copy:
    """The head of a body."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, chunk: bytes) -> None:
        self._bytes += chunk[: MAX_BODY - len(self._bytes)]

    def text(self) -> str:
        return self._bytes.decode(errors="replace")


class JournalMiddleware:
    """Writes an entry for every request that is not the control interface's."""

    def __init__(self, app: ASGIApp, journal: Journal, clock: Clock) -> None:
        self._app = app
        self._journal = journal
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._journal, self._clock)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            exchange.close()


class _Exchange:
    """One request and its response, copied on the way."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, journal: Journal, clock: Clock
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._journal = journal
        self._clock = clock
        self._started = clock.time()
        self._request, self._response = _Copy(), _Copy()
        self._start: Message = {"status": 0, "headers": []}
        self._closed = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._request.add(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._response.add(message.get("body", b""))
            if not message.get("more_body"):
                self.close()  # before the client sees the end: what it asks next finds the entry
        await self._send(message)

    def close(self) -> None:
        """Write the entry, once; without a response its status is 0."""
        if self._closed:
            return
        self._closed = True
        self._journal.add(
            Entry(
                method=self._scope["method"],
                url=_url(self._scope),
                request_headers=_headers(self._scope["headers"]),
                request_body=self._request.text(),
                status=self._start["status"],
                response_headers=_headers(self._start["headers"]),
                response_body=self._response.text(),
                started=self._started,
                ended=self._clock.time(),
                token_id=self._scope.get("nemolocal.token_id"),
            )
        )


def _url(scope: Scope) -> str:
    query = scope["query_string"].decode(errors="replace")
    path = scope["path"]
    return f"{path}?{query}" if query else path


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
