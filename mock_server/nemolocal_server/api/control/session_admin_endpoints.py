"""Sessions, draft versions, and previews of their media (control API)."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control_api import SessionList

from ...errors import bad_request
from ...inspection.preview_service import PreviewKind
from ...request_context import base_url, services_of
from ...responses import json_response

_MAX_VERSION = 2**31
# The content of an asset never changes, and nothing may run in it.
_PREVIEW_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class _CompareQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: Annotated[int, msgspec.Meta(ge=0, le=_MAX_VERSION)] | None = None
    language: str | None = None


async def list_sessions(request: Request) -> Response:
    """List the sessions of all tokens, the last used first."""
    return json_response(SessionList(services_of(request).sessions.list_sessions()))


async def read_session(request: Request) -> Response:
    """Return all that happened in a session; 404 if there is none with this id."""
    sessions = services_of(request).sessions
    return json_response(sessions.read(request.path_params["session"], base_url(request)))


async def read_draft(request: Request) -> Response:
    """Return a version of a draft; 404 if there is none with this number."""
    services = services_of(request)
    session = services.sessions.summary(request.path_params["session"])
    return json_response(services.drafts.read(session.id, _version(request)))


async def compare_drafts(request: Request) -> Response:
    """Return what a version changed since another one, by default the one before it."""
    services = services_of(request)
    session = services.sessions.summary(request.path_params["session"])
    number = _version(request)
    try:
        query = msgspec.convert(dict(request.query_params), _CompareQuery, strict=False)
    except msgspec.ValidationError as error:
        raise bad_request(f"query: {error}") from error
    since = number - 1 if query.since is None else query.since
    language = session.language if query.language is None else query.language
    return json_response(await services.drafts.compare(session.id, since, number, language))


async def read_strip(request: Request) -> Response:
    """Return a JPEG with small pictures of an asset side by side; 404 if it has none."""
    return await _preview(request, "strip", "image/jpeg")


async def read_waveform(request: Request) -> Response:
    """Return an SVG picture of the sound of an asset; 404 if it has none."""
    return await _preview(request, "waveform", "image/svg+xml")


async def _preview(request: Request, kind: PreviewKind, media_type: str) -> Response:
    preview = await services_of(request).previews.read(kind, request.path_params["asset"])
    return Response(preview, media_type=media_type, headers=_PREVIEW_HEADERS)


def _version(request: Request) -> int:
    text = request.path_params["version"]
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:12]) <= _MAX_VERSION):
        raise bad_request(f"path: a draft version is a number from 1 on, not {text[:40]!r}")
    return int(text)
