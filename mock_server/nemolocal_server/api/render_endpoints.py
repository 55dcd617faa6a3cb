"""Exports: submit, status, download (REN-1 to REN-9)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import OutputRequest, RenderRequest
from nemolocal_contract.responses import ResponseCode, encode_render
from nemolocal_render.planning.draft_reader import MAX_DRAFT_BYTES

from ..errors import ContractError, bad_request
from ..exports.export_repository import ExportRecord
from ..request_context import base_url, context_of, dialect_of
from ..responses import json_response
from .file_responses import StoredFileResponse
from .request_dependencies import (
    authenticate,
    decode_body,
    find_session,
    read_body,
    require_export_allowed,
    services_of,
    skill_profile_of,
)

_MAX_ID = 128


async def submit_render(request: Request) -> Response:
    """Queue an export of the draft that was sent; free, and refused without attribution."""
    require_export_allowed(request, authenticate(request, "render", "write"))
    data = await read_body(request, most=MAX_DRAFT_BYTES)
    token = authenticate(request, "render", "write")
    require_export_allowed(request, token)
    body = decode_body(data, RenderRequest)
    context = context_of(request.scope)
    context.annotations.set_unknown_fields(_unknown_keys(data))
    if not 0 < len(body.id) <= _MAX_ID:
        raise bad_request(f"body: `id` must have 1 to {_MAX_ID} characters")
    server = services_of(request)
    # It will stand in URLs, where no token may (GEN-5).
    if server.context.store.known_tokens.redact(body.id) != body.id:
        raise bad_request("body: `id` holds a token: send one of the form render_<ts>")
    session = find_session(request, token, body.session_id)
    context.annotations.set_render(body.id)
    export = await server.exports.submit(token, session, body, skill_profile_of(request).resolution)
    server.faults.renders.attach(token.id, export.id, context.faults)
    return _status_reply(request, export)


class _OutputField(msgspec.Struct, frozen=True):
    """Of a submission, only how it should come out."""

    output: dict[str, msgspec.Raw] = {}


def _unknown_keys(body: bytes) -> tuple[str, ...]:
    """What `output` has besides what is known: accepted, and named in the journal (REN-1)."""
    known = OutputRequest.__struct_fields__
    return tuple(
        f"output.{key}" for key in decode_body(body, _OutputField).output if key not in known
    )


async def read_render(request: Request) -> Response:
    """How far an export is."""
    return _status_reply(request, _find_export(request))


async def cancel_render(request: Request) -> Response:
    """Stop an export; one that has ended already is left as it is (REN-8)."""
    services_of(request).exports.cancel(_find_export(request))
    return _status_reply(request, _find_export(request))


async def download_render(request: Request) -> Response:
    """The file itself, for callers whose `output.url` did not work (REN-8)."""
    export = _find_export(request)
    if export.status != "completed":
        raise bad_request(f"render {export.id!r} is {export.status}: download it when completed")
    path = services_of(request).exports.file_path(export)
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise ContractError(
            ResponseCode.NOT_FOUND,
            f"the file of render {export.id!r} is gone: export again with a new id",
        ) from error
    name = f"{export.file_id}.mp4"
    return StoredFileResponse(path, media_type="video/mp4", filename=name, stat_result=found)


def _find_export(request: Request) -> ExportRecord:
    token = authenticate(request, "render", "read")
    export = services_of(request).exports.find(token, request.path_params["render"])
    annotations = context_of(request.scope).annotations
    annotations.set_session(export.session_id)
    annotations.set_render(export.id)
    return export


def _status_reply(request: Request, export: ExportRecord) -> Response:
    server = services_of(request)
    status = server.exports.status(export, base_url(request))
    return json_response(encode_render(status, dialect_of(request).render))
