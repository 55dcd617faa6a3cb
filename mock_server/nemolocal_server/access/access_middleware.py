"""The middleware that judges every request first, and the one that answers for it."""

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from nemolocal_contract.responses import ResponseCode, failure

from ..request_context import context_of, start_context
from ..responses import json_response
from .access_policy import AccessPolicy, AccessRequest
from .addresses import canonical_host


class AccessMiddleware:
    """Judges a request before anybody else sees it, and takes a proxy's prefix off its path.

    What it refuses goes on all the same, to be journaled, as far as `ForbiddenMiddleware`.
    """

    def __init__(self, app: ASGIApp, policy: AccessPolicy, proxies: Sequence[str]) -> None:
        self._app = app
        self._policy = policy
        judge: Any = self._evaluate
        self._evaluated_app: Any = (
            ProxyHeadersMiddleware(judge, list(proxies)) if proxies else judge
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host, port = scope.get("client") or ("", 0)
        if ":" in host:  # perhaps IPv4 as IPv6 writes it
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
    """Answers what was refused; nothing of its body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and (refusal := context_of(scope).access.refusal):
            app = json_response(
                failure(ResponseCode.FORBIDDEN, refusal), int(ResponseCode.FORBIDDEN)
            )
        await app(scope, receive, send)
