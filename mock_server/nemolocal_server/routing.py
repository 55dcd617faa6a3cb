"""Routes from a table of endpoints: one per path, so that a 405 names all methods of the path."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from nemolocal_contract.endpoints import Endpoint

Handler = Callable[[Request], Awaitable[Response]]


def build_routes(table: Iterable[tuple[Endpoint, Handler]]) -> list[BaseRoute]:
    """A route for each path of the table, in its order; but paths without a `{name}` come first."""
    paths: dict[str, dict[str, Handler]] = {}
    for endpoint, handler in table:
        paths.setdefault(endpoint.template, {})[endpoint.method] = handler
    routes = {
        path: Route(path, _MethodDispatcher(of), methods=list(of)) for path, of in paths.items()
    }
    plain = {path: route for path, route in routes.items() if not route.param_convertors}
    return [_StaticRoutes(plain), *(route for path, route in routes.items() if path not in plain)]


class _StaticRoutes(BaseRoute):
    """Many routes as one, which looks a path up: Starlette tries one pattern after the other."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        route = self._routes.get(scope["path"])
        return (Match.NONE, {}) if route is None else route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes[scope["path"]].handle(scope, receive, send)


class _MethodDispatcher:
    """Answers with the handler of the method; an exception is left to the app's own handlers."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # HEAD comes with GET: the same reply, of which the server sends no body.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        response = await self._handlers[method](Request(scope, receive, send))
        await response(scope, receive, send)
