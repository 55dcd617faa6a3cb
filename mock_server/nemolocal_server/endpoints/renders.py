"""Exports: submit, status, download (REN-1 to REN-9)."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from nemolocal_contract.replies import encode_render
from nemolocal_contract.requests import RenderRequest

from ..errors import bad_request
from ..exports import Export
from ..guard import authenticate, profile_of, read_json, require_attribution, server_of
from ..responses import json_response
from ..urls import base_url

_MAX_ID = 128


async def submit_render(request: Request) -> Response:
    """Queue an export of the draft that was sent; free, and refused without attribution."""
    token = authenticate(request)
    require_attribution(request)
    body = await read_json(request, RenderRequest)
    if not 0 < len(body.id) <= _MAX_ID:
        raise bad_request(f"body: `id` must have 1 to {_MAX_ID} characters")
    server = server_of(request)
    session = server.core.sessions.find(token, body.session_id)
    export = server.exports.submit(token, session, body, profile_of(request).resolution)
    return _status_reply(request, export)


async def read_render(request: Request) -> Response:
    """How far an export is."""
    return _status_reply(request, _export(request))


async def download_render(request: Request) -> Response:
    """The file itself, for callers whose `output.url` did not work (REN-8)."""
    export = _export(request)
    if export.status != "completed":
        raise bad_request(f"render {export.id!r} is {export.status}: download it when completed")
    path = server_of(request).exports.path(export.file_id)
    return FileResponse(path, media_type="video/mp4", filename=f"{export.file_id}.mp4")


def _export(request: Request) -> Export:
    token = authenticate(request)
    return server_of(request).exports.find(token, request.path_params["render"])


def _status_reply(request: Request, export: Export) -> Response:
    server = server_of(request)
    status = server.exports.status(export, base_url(request))
    return json_response(encode_render(status, server.settings.render))
