"""The renders of all tokens: listed, read with their log, and stopped (control API)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control_api import RenderList

from ...request_context import base_url, services_of
from ...responses import json_response


async def list_renders(request: Request) -> Response:
    """List the renders of all tokens, the newest first."""
    renders = services_of(request).sessions.list_renders(base_url(request))
    return json_response(RenderList(renders))


async def read_render(request: Request) -> Response:
    """Return a render with its plan, log and commands; 404 if there is none with this file id."""
    file_id = request.path_params["file"]
    return json_response(await services_of(request).renders.read(file_id, base_url(request)))


async def cancel_render(request: Request) -> Response:
    """Stop a render, unless it has ended; return it."""
    services, file_id = services_of(request), request.path_params["file"]
    services.sessions.find_render(file_id, base_url(request))
    services.renders.cancel(file_id)
    return json_response(services.sessions.find_render(file_id, base_url(request)))
