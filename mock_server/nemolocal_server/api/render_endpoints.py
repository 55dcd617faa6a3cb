"""Exports: submit, status, cancel, download (REN-1 to REN-9)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import OutputRequest, RenderRequest
from nemolocal_contract.responses import ResponseCode, encode_render

from ..errors import ContractError, bad_request
from ..exports.export_service import ExportRecord
from ..request_context import (
    authenticate,
    base_url,
    context_of,
    decode_body,
    dialect_of,
    find_session,
    read_body,
    require_export_allowed,
    services_of,
    skill_profile_of,
)
from ..responses import json_response
from ..stored_files import StoredFileResponse

_MAX_ID = 128


async def submit_render(request: Request) -> Response:
    """Queue an export of the draft in the body; free, but refused without attribution."""
    require_export_allowed(request, authenticate(request, "render", "write"))
    data = await read_body(request)
    token = authenticate(request, "render", "write")
    require_export_allowed(request, token)
    body = decode_body(data, RenderRequest)
    context = context_of(request.scope)
    context.annotations.set_unknown_fields(_unknown_keys(data))
    if not 0 < len(body.id) <= _MAX_ID:
        raise bad_request(f"body: `id` must have 1 to {_MAX_ID} characters")
    services = services_of(request)
    # The id is part of URLs, where no token may be (GEN-5).
    if services.context.store.known_tokens.redact(body.id) != body.id:
        raise bad_request("body: `id` contains a token: send an id like render_<ts>")
    session = find_session(request, token, body.session_id)
    context.annotations.set_render(body.id)
    resolution = skill_profile_of(request).resolution
    export = await services.exports.submit(token, session, body, resolution)
    services.faults.renders.attach(token.id, export.id, context.faults)
    return _status_response(request, export)


class _OutputField(msgspec.Struct, frozen=True):
    """A submission without its draft."""

    output: dict[str, msgspec.Raw] = {}


def _unknown_keys(body: bytes) -> tuple[str, ...]:
    """Return the unknown keys of `output`, which are accepted and named in the journal (REN-1)."""
    known = OutputRequest.__struct_fields__
    return tuple(
        f"output.{key}" for key in decode_body(body, _OutputField).output if key not in known
    )


async def read_render(request: Request) -> Response:
    """Return the status of an export."""
    return _status_response(request, _find_export(request))


async def cancel_render(request: Request) -> Response:
    """Stop an export, unless it has ended (REN-8)."""
    services_of(request).exports.cancel(_find_export(request))
    return _status_response(request, _find_export(request))


async def download_render(request: Request) -> Response:
    """Return the file of an export, for clients that cannot use `output.url` (REN-8)."""
    export = _find_export(request)
    if export.status != "completed":
        raise bad_request(f"render {export.id!r} is {export.status}: download it when completed")
    path = services_of(request).exports.file_path(export)
    try:
        stat_result = path.stat()
    except FileNotFoundError as error:
        raise ContractError(
            ResponseCode.NOT_FOUND,
            f"the file of render {export.id!r} is gone: export again with a new id",
        ) from error
    return StoredFileResponse(
        path,
        media_type="video/mp4",
        filename=f"{export.file_id}.mp4",
        stat_result=stat_result,
    )


def _find_export(request: Request) -> ExportRecord:
    token = authenticate(request, "render", "read")
    export = services_of(request).exports.find(token, request.path_params["render"])
    annotations = context_of(request.scope).annotations
    annotations.set_session(export.session_id)
    annotations.set_render(export.id)
    return export


def _status_response(request: Request, export: ExportRecord) -> Response:
    status = services_of(request).exports.status(export, base_url(request))
    return json_response(encode_render(status, dialect_of(request).render))
