"""Uploads: received and probed, then added to the session, all or none (UPL-1 to UPL-6)."""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import UrlUploadRequest
from nemolocal_contract.media import EXTRA_EXTENSIONS
from nemolocal_contract.responses import UploadReply
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing.media_probe import probe

from ..data.sessions import Asset
from ..data.tokens import TokenRecord
from ..errors import bad_request, unsupported_file
from ..request_context import (
    base_url,
    read_json,
    services_of,
    session_in_path,
    skill_profile_of,
)
from ..responses import success_response
from ..services import Services
from ..uploads.extra_files import inspect_extra_file
from ..uploads.multipart import MAX_FILES, ReceivedFile, receive_multipart
from ..uploads.probe_cache import Probe, ProbeCache
from ..uploads.url_uploads import receive_url

# Shared by all servers of the process: a result depends on bytes and extension only.
_probes = ProbeCache()


async def upload_files(request: Request) -> Response:
    """Add files to a session."""
    token, session = session_in_path(request, "upload")
    services = services_of(request)
    received = await _receive(request)
    try:
        infos = await _probe_all(received, services, token)
        # The token may have expired meanwhile.
        _, session = session_in_path(request, "upload")
        assets = [
            Asset(file.id, session.id, "upload", file.filename, file.hash, info)
            for file, info in zip(received, infos, strict=True)
        ]
        services.context.assets.add([(a, f.path) for a, f in zip(assets, received, strict=True)])
    finally:
        _discard(received)
    base = base_url(request)
    return success_response(UploadReply(tuple(asset.to_reply(base) for asset in assets)))


async def _receive(request: Request) -> list[ReceivedFile]:
    services = services_of(request)
    limit = services.settings.upload_limit or skill_profile_of(request).upload_limit
    if not request.headers.get("content-type", "").startswith("application/json"):
        extra = services.settings.extra_uploads
        return await receive_multipart(request, services.context.store.work, limit, extra)
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
    received: list[ReceivedFile], services: Services, token: TokenRecord
) -> list[MediaInfo]:
    """Probe all files at once; the first one that is refused stops the others."""
    probes = [asyncio.ensure_future(_probe(file, services, token)) for file in received]
    try:
        return await asyncio.gather(*probes)
    finally:
        for one in probes:
            one.cancel()
        await asyncio.gather(*probes, return_exceptions=True)


async def _probe(file: ReceivedFile, services: Services, token: TokenRecord) -> MediaInfo:
    is_lenient = services.settings.sniff == "lenient"
    run_probe: Probe = partial(probe, lenient=True) if is_lenient else probe
    if file.extension in EXTRA_EXTENSIONS:
        run_probe = inspect_extra_file
    slot = services.probe_slots.slot(token.id)
    try:
        return await _probes.get_or_probe(file, run_probe, is_lenient, slot)
    except MediaRejected as error:
        extra = services.settings.extra_uploads
        raise unsupported_file(f"{file.filename!r}: {error}", extra) from error
