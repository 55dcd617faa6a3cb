"""Uploads: received, looked into, only then part of the session, all or none (UPL-1 to UPL-5)."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.replies import UploadReply
from nemolocal_contract.requests import UrlUploadRequest
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probe import probe

from ..assets import Asset
from ..errors import unsupported
from ..guard import profile_of, read_json, server_of, session_in_path
from ..intake import ReceivedFile, receive_files
from ..responses import reply
from ..urls import base_url


async def upload(request: Request) -> Response:
    """Add files to a session."""
    _, session = session_in_path(request)
    if request.headers.get("content-type", "").startswith("application/json"):
        await _refuse_urls(request)
    core = server_of(request).core
    limit = core.settings.upload_limit or profile_of(request).upload_limit
    received = await receive_files(request, core.store.work, limit)
    try:
        infos = await asyncio.gather(*(_probe(file) for file in received))
        assets = [
            Asset(file.id, session.id, "upload", file.filename, file.hash, info)
            for file, info in zip(received, infos, strict=True)
        ]
        core.assets.add([(a, f.path) for a, f in zip(assets, received, strict=True)])
    finally:
        for file in received:
            file.path.unlink(missing_ok=True)
    base = base_url(request)
    return reply(UploadReply(tuple(asset.reply(base) for asset in assets)))


async def _probe(file: ReceivedFile) -> MediaInfo:
    try:
        return await probe(file.path, file.extension)
    except MediaRejected as error:
        raise unsupported(f"{file.filename!r}: {error}") from error


async def _refuse_urls(request: Request) -> None:
    """No address is allowed, so that an offline server never reaches out (UPL-6)."""
    body = await read_json(request, UrlUploadRequest)
    if not body.urls:
        raise unsupported("`urls` is empty")
    raise unsupported(
        f"{body.urls[0]!r}: this server fetches no addresses; upload the file itself (multipart)"
    )
