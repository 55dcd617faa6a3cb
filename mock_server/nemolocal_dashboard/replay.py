"""Sends a recorded request again, in this process; the journal gets a new, marked entry."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import Message

from nemolocal_contract.endpoints import AUTHORIZATION, CONTROL_PREFIX, REPLAY_OF
from nemolocal_contract.journal import Entry
from nemolocal_server.request_context import services_of
from nemolocal_server.services import Services
from nemolocal_server.turns.turn_repository import CreditHolds

from .request_snippets import recorded_body

_CONNECTION_HEADERS = frozenset(
    ("connection", "content-length", "expect", "host", "origin", "transfer-encoding", "upgrade")
)
# The event loop keeps no reference to a task.
_tasks: set[asyncio.Task[None]] = set()


class ReplayPlan(msgspec.Struct, frozen=True):
    """Whether a request can be sent again, and what that costs.

    `price` and `available` are in credits, None if no token is charged. `problem` is the key of the
    text that says why it cannot be sent, "" if it can.
    """

    price: int | None = None
    available: int | None = None
    problem: str = ""


def plan_replay(services: Services, entry: Entry) -> ReplayPlan:
    """Return the price of a replay, or why it is impossible."""
    problem = recorded_body(entry).problem
    if entry.url.startswith(CONTROL_PREFIX):
        return ReplayPlan(problem="replay_of_control")
    if problem:
        return ReplayPlan(problem=f"replay_{problem}")
    if entry.token_id is None:
        return ReplayPlan()
    with services.context.tokens.stand_in(entry.token_id) as text:
        if text is None:
            return ReplayPlan(problem="replay_without_token")
    available = services.context.ledger.balance(entry.token_id).available
    return ReplayPlan(price_again(services, entry), available)


def price_again(services: Services, entry: Entry) -> int:
    """Return what the request of an entry would cost now, in credits, at most."""
    if entry.turn is None or entry.session_id is None or not entry.turn.edits:
        return 0
    return CreditHolds(services.context).price_again(entry.session_id, entry.turn.number)


def start_replay(request: Request, entry: Entry) -> None:
    """Start sending the request of an entry, without waiting for the response."""
    task = asyncio.get_running_loop().create_task(_replay(request, entry))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _replay(request: Request, entry: Entry) -> None:
    tokens = services_of(request).context.tokens
    if entry.token_id is None:
        await _send(request, entry, None)
        return
    with tokens.stand_in(entry.token_id) as text:
        if text is not None:
            await _send(request, entry, text)


async def _send(request: Request, entry: Entry, token: str | None) -> None:
    """Call the app as a client on this connection would, and read the response to its end."""
    body = recorded_body(entry).text.encode()
    path, _, query = entry.url.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": entry.method,
        "scheme": request.scope.get("scheme", "http"),
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": _headers(request, entry, token, len(body)),
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
        "extensions": {},
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        # This client never hangs up.
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never

    async def send(_message: Message) -> None:
        """The journal has the response."""

    app: Any = request.app
    await app(scope, receive, send)


def _headers(
    request: Request, entry: Entry, token: str | None, size: int
) -> list[tuple[bytes, bytes]]:
    headers = {
        name: value
        for name, value in entry.request_headers.items()
        if name not in _CONNECTION_HEADERS and not name.startswith("sec-fetch-")
    }
    headers["host"] = request.headers["host"]
    headers[REPLAY_OF.lower()] = str(entry.id)
    if size:
        headers["content-length"] = str(size)
    if token is not None:
        headers[AUTHORIZATION.lower()] = f"Bearer {token}"
    return [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]
