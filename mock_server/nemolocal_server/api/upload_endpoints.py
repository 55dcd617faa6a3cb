"""Uploads: received, looked into, only then part of the session, all or none (UPL-1 to UPL-6)."""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import UrlUploadRequest
from nemolocal_contract.responses import UploadReply
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing.media_probe import probe

from ..data.assets import Asset
from ..data.tokens import TokenRecord
from ..errors import bad_request, unsupported_file
from ..request_context import base_url
from ..responses import success_response
from ..services import Services
from ..uploads.multipart import MAX_FILES, ReceivedFile, receive_multipart
from ..uploads.probe_cache import ProbeCache
from ..uploads.url_uploads import receive_url
from .request_dependencies import read_json, services_of, session_in_path, skill_profile_of

# Of the whole process: what a file holds depends on its bytes and its extension alone.
_probes = ProbeCache()


async def upload_files(request: Request) -> Response:
    """Add files to a session."""
    token, session = session_in_path(request, "upload")
    server = services_of(request)
    core = server.context
    received = await _receive(request)
    try:
        infos = await _probe_all(received, server, token)
        # Receiving and looking take their time: the token may have gone meanwhile.
        _, session = session_in_path(request, "upload")
        assets = [
            Asset(file.id, session.id, "upload", file.filename, file.hash, info)
            for file, info in zip(received, infos, strict=True)
        ]
        core.assets.add([(a, f.path) for a, f in zip(assets, received, strict=True)])
    finally:
        _discard(received)
    base = base_url(request)
    return success_response(UploadReply(tuple(asset.to_reply(base) for asset in assets)))


async def _receive(request: Request) -> list[ReceivedFile]:
    server = services_of(request)
    limit = server.settings.upload_limit or skill_profile_of(request).upload_limit
    if not request.headers.get("content-type", "").startswith("application/json"):
        return await receive_multipart(request, server.context.store.work, limit)
    body = await read_json(request, UrlUploadRequest)
    if not 0 < len(body.urls) <= MAX_FILES:
        raise bad_request(f"body: `urls` must name 1 to {MAX_FILES} files")
    received: list[ReceivedFile] = []
    try:
        for url in body.urls:
            received.append(await receive_url(request, url, limit))
    except BaseException:
        _discard(received)
        raise
    return received


def _discard(received: list[ReceivedFile]) -> None:
    for file in received:
        file.path.unlink(missing_ok=True)


async def _probe_all(
    received: list[ReceivedFile], server: Services, token: TokenRecord
) -> list[MediaInfo]:
    """What the files hold; one that is refused, and no more is looked for."""
    probes = [asyncio.ensure_future(_probe(file, server, token)) for file in received]
    try:
        return await asyncio.gather(*probes)
    finally:
        for one in probes:
            one.cancel()
        await asyncio.gather(*probes, return_exceptions=True)


async def _probe(file: ReceivedFile, server: Services, token: TokenRecord) -> MediaInfo:
    lenient = server.settings.sniff == "lenient"
    try:
        look = partial(probe, lenient=True) if lenient else probe
        return await _probes.get_or_probe(file, look, lenient, server.probe_slots.slot(token.id))
    except MediaRejected as error:
        raise unsupported_file(f"{file.filename!r}: {error}") from error
