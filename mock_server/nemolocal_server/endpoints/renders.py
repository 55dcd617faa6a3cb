"""Exports: submit, status, download (REN-1 to REN-9)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.codes import Code
from nemolocal_contract.replies import encode_render
from nemolocal_contract.requests import OutputRequest, RenderRequest
from nemolocal_render.bounds import MAX_BYTES

from ..caller import dialect_of
from ..errors import ContractError, bad_request
from ..export_store import Export
from ..faults.http import faults_in_force
from ..guard import (
    authenticate,
    decode_body,
    find_session,
    profile_of,
    read_body,
    require_export,
    server_of,
)
from ..journal.truth import truth_of
from ..responses import json_response
from ..stored_files import StoredFile
from ..urls import base_url

_MAX_ID = 128


async def submit_render(request: Request) -> Response:
    """Queue an export of the draft that was sent; free, and refused without attribution."""
    require_export(request, authenticate(request, "render", "write"))
    data = await read_body(request, most=MAX_BYTES)
    token = authenticate(request, "render", "write")
    require_export(request, token)
    body = decode_body(data, RenderRequest)
    truth_of(request.scope).concern_unknown(_unknown_keys(data))
    if not 0 < len(body.id) <= _MAX_ID:
        raise bad_request(f"body: `id` must have 1 to {_MAX_ID} characters")
    server = server_of(request)
    # It will stand in URLs, where no token may (GEN-5).
    if server.core.store.known.without(body.id) != body.id:
        raise bad_request("body: `id` holds a token: send one of the form render_<ts>")
    session = find_session(request, token, body.session_id)
    truth_of(request.scope).concern_render(body.id)
    export = await server.exports.submit(token, session, body, profile_of(request).resolution)
    server.faults.renders.attach(token.id, export.id, faults_in_force(request.scope))
    return _status_reply(request, export)


class _Output(msgspec.Struct, frozen=True):
    """Of a submission, only how it should come out."""

    output: dict[str, msgspec.Raw] = {}


def _unknown_keys(body: bytes) -> tuple[str, ...]:
    """What `output` has besides what is known: accepted, and named in the journal (REN-1)."""
    known = OutputRequest.__struct_fields__
    return tuple(f"output.{key}" for key in decode_body(body, _Output).output if key not in known)


async def read_render(request: Request) -> Response:
    """How far an export is."""
    return _status_reply(request, _export(request))


async def cancel_render(request: Request) -> Response:
    """Stop an export; one that has ended already is left as it is (REN-8)."""
    server_of(request).exports.cancel(_export(request))
    return _status_reply(request, _export(request))


async def download_render(request: Request) -> Response:
    """The file itself, for callers whose `output.url` did not work (REN-8)."""
    export = _export(request)
    if export.status != "completed":
        raise bad_request(f"render {export.id!r} is {export.status}: download it when completed")
    path = server_of(request).exports.path(export)
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise ContractError(
            Code.NOT_FOUND, f"the file of render {export.id!r} is gone: export again with a new id"
        ) from error
    name = f"{export.file_id}.mp4"
    return StoredFile(path, media_type="video/mp4", filename=name, stat_result=found)


def _export(request: Request) -> Export:
    token = authenticate(request, "render", "read")
    export = server_of(request).exports.find(token, request.path_params["render"])
    truth = truth_of(request.scope)
    truth.concern_session(export.session_id)
    truth.concern_render(export.id)
    return export


def _status_reply(request: Request, export: Export) -> Response:
    server = server_of(request)
    status = server.exports.status(export, base_url(request))
    return json_response(encode_render(status, dialect_of(request).render))
