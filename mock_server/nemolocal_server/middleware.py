"""The ASGI middlewares of every request, but those of the journal and of the faults."""

import asyncio
from collections import deque
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from nemolocal_contract import endpoints
from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import UI_PREFIX, UI_SIGN_IN
from nemolocal_contract.responses import ResponseCode, failure

from .access.access_policy import AccessPolicy, AccessRequest
from .access.addresses import canonical_host
from .request_context import context_of, start_context
from .responses import json_response

_HEALTH = endpoints.HEALTH.path()
# How many requests start in one iteration of the event loop: about ten milliseconds of work.
_MAX_PER_ITERATION = 8
# While more requests arrive, one starts every so many iterations, since an iteration accepts only
# one connection.
_ITERATIONS_PER_REQUEST_IN_BURST = 16
_QUIET_ITERATIONS = 2


class AdmissionMiddleware:
    """Starts requests in the order of their arrival, a few in each iteration of the event loop.

    The event loop runs everything that is ready before it looks at the network again. If it
    started all requests of a burst at once, a health check would wait for all of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        # True from the first request until none has arrived, started or waited for two iterations:
        # a request shows in the iteration after the one in which it arrived.
        self._is_active = False
        self._has_arrived = False
        self._iterations = self._quiet = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != _HEALTH:
            await self._admission()
        await self._app(scope, receive, send)

    async def _admission(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_active:
            admitted = loop.create_future()
            self._waiting.append(admitted)
            self._has_arrived = True
            await admitted
        else:
            self._is_active, self._iterations, self._quiet = True, 0, 0
            loop.call_soon(self._next_iteration)

    def _next_iteration(self) -> None:
        has_arrived, self._has_arrived = self._has_arrived, False
        self._iterations += 1
        started = 0
        if not has_arrived:
            started = self._admit(_MAX_PER_ITERATION)
        elif self._iterations >= _ITERATIONS_PER_REQUEST_IN_BURST:
            started = self._admit(1)
        self._quiet = 0 if started or self._waiting else self._quiet + 1
        self._is_active = self._quiet < _QUIET_ITERATIONS
        if self._is_active:
            asyncio.get_running_loop().call_soon(self._next_iteration)

    def _admit(self, most: int) -> int:
        """Start the first requests of the queue; return how many."""
        self._iterations = started = 0
        while self._waiting and started < most:
            admitted = self._waiting.popleft()
            if not admitted.done():  # it is, if the request was cancelled meanwhile
                admitted.set_result(None)
                started += 1
        return started


class ClientDisconnectMiddleware:
    """Ends a request whose client disconnects before it has sent all of it.

    That is not an error of the server. The journal, which is an inner middleware, has recorded it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return


class DateMiddleware:
    """Adds the `Date` header by the server's clock; uvicorn's own is switched off."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._second, self._date = -1, b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_date(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"date", self._now())]
            await send(message)

        await self._app(scope, receive, send_with_date if scope["type"] == "http" else send)

    def _now(self) -> bytes:
        """Return the date, which is formatted once a second."""
        second = int(self._clock.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date


class AccessMiddleware:
    """Applies the access policy to a request, and removes a proxy's prefix from its path.

    A refused request goes on as far as `ForbiddenMiddleware`, so that the journal records it.
    """

    def __init__(self, app: ASGIApp, policy: AccessPolicy, proxies: Sequence[str]) -> None:
        self._app = app
        self._policy = policy
        evaluate: Any = self._evaluate
        self._evaluated_app: Any = (
            ProxyHeadersMiddleware(evaluate, list(proxies)) if proxies else evaluate
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host, port = scope.get("client") or ("", 0)
        if ":" in host:  # it may be an IPv4 address in IPv6 form
            scope["client"] = host, port = canonical_host(host), port
        start_context(scope, host)
        await self._evaluated_app(scope, receive, send)

    async def _evaluate(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, port = scope.get("server") or ("", 0)
        context = context_of(scope)
        context.access = self._policy.evaluate(
            AccessRequest(
                method=scope["method"],
                path=scope["path"],
                scheme=scope.get("scheme", "http"),
                headers=scope["headers"],
                peer=context.peer,
                listened=(host, port or 0),
            )
        )
        scope["path"] = context.access.path
        await self._app(scope, receive, send)


class ForbiddenMiddleware:
    """Answers refused requests without reading their bodies.

    A page of the dashboard that lacks the control token leads to the page that asks for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and (refusal := context_of(scope).access.refusal):
            access = context_of(scope).access
            if access.lacks_token and scope["method"] == "GET" and _is_page(scope["path"]):
                app = RedirectResponse(_sign_in_url(scope), 303)
            else:
                app = json_response(
                    failure(ResponseCode.FORBIDDEN, refusal), int(ResponseCode.FORBIDDEN)
                )
        await app(scope, receive, send)


def _is_page(path: str) -> bool:
    return path == UI_PREFIX or path.startswith(f"{UI_PREFIX}/")


def _sign_in_url(scope: Scope) -> str:
    """Return the URL of the page that asks for the control token, and then leads on to this one."""
    query = scope["query_string"].decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return f"{context_of(scope).access.base_url}{UI_SIGN_IN}?next={quote(wanted, safe='/')}"
