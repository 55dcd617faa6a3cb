"""Routes from tables of endpoints: one per path, so that a 405 names all methods of the path."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nemolocal_contract.endpoints import Endpoint

Handler = Callable[[Request], Awaitable[Response]]


def build_routes(table: Iterable[tuple[Endpoint, Handler]]) -> list[Route]:
    """A route for each path of the table, in its order."""
    paths: dict[str, dict[str, Handler]] = {}
    for endpoint, handler in table:
        paths.setdefault(endpoint.template, {})[endpoint.method] = handler
    return [Route(path, _by_method(of), methods=list(of)) for path, of in paths.items()]


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        # HEAD comes with GET: the same reply, of which the server sends no body.
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return handle
