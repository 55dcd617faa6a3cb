"""The page *Renders*: the list, and one render with its progress, log, commands and player."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_server.request_context import services_of

from .page_rendering import (
    TIME_FORMATS,
    fragment_response,
    or_not_found,
    render_response,
    root_path,
)


def routes() -> list[BaseRoute]:
    """Return the routes of the page."""
    root = f"{UI_PREFIX}/renders"
    return [
        Route(root, _show_list),
        Route(f"{root}/rows", _show_rows),
        Route(f"{root}/{{file}}", or_not_found(_show_render)),
        Route(f"{root}/{{file}}/state", or_not_found(_show_state)),
    ]


async def _show_list(request: Request) -> Response:
    return render_response(
        request, "renders.html", title="nav_renders", active="renders", **_rows(request)
    )


async def _show_rows(request: Request) -> Response:
    return fragment_response(request, "_render_rows.html", **_rows(request))


def _rows(request: Request) -> dict[str, Any]:
    renders = services_of(request).sessions.list_renders(root_path(request))
    return {"renders": renders, **TIME_FORMATS}


async def _show_render(request: Request) -> Response:
    values = await _state(request)
    return render_response(request, "render.html", title="nav_renders", active="renders", **values)


async def _show_state(request: Request) -> Response:
    return fragment_response(request, "_render_state.html", **await _state(request))


async def _state(request: Request) -> dict[str, Any]:
    file_id = request.path_params["file"]
    detail = await services_of(request).renders.read(file_id, root_path(request))
    return {"detail": detail, "render": detail.render, **TIME_FORMATS}
