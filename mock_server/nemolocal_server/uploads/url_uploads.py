"""Uploads by URL: files of this server are read from disk, others are fetched (UPL-6)."""

import asyncio
from pathlib import Path

from starlette.requests import Request

from ..access.own_urls import OwnUrls
from ..errors import ContractError, fetch_failed
from ..request_context import context_of, services_of
from ..services import Services
from .multipart import IncomingFile, ReceivedFile, accepted_extension
from .url_fetcher import FetchPolicy, OwnServerUrl, fetch_url

_CHUNK = 1024 * 1024


async def receive_url(request: Request, url: str, limit: int) -> ReceivedFile:
    """Receive a file by URL into the work folder; raises 4001 or 4002 with the reason."""
    server = services_of(request)
    own = OwnUrls(server.access_policy, context_of(request.scope).access)
    settings, folder = server.settings, server.context.store.work
    path = await _own_path(server, own, url)
    if path is None:
        policy = FetchPolicy(
            settings.fetch_from,
            own.is_own,
            settings.fetch_seconds,
            limit,
            settings.extra_uploads,
        )
        try:
            return await fetch_url(url, folder, policy)
        except OwnServerUrl as redirect:
            path = await _own_path(server, own, redirect.url)
    assert path is not None, "a URL of this server is read or refused"
    extension = accepted_extension(path.name, settings.extra_uploads)
    incoming = IncomingFile(path.name, extension, folder, limit)
    return await _copy(path, incoming)


async def _own_path(server: Services, own: OwnUrls, url: str) -> Path | None:
    """The path of a file of this server; None if the URL points elsewhere.

    Raises 4001 if the URL points to this server, but not to a file that it serves.
    """
    file = own.find_file(url)
    if file is not None and file.folder == "fixtures":
        try:
            return await server.sample_media.file_path(file.name)
        except ContractError as error:
            raise fetch_failed(url, error.message) from None
    store = server.context.store
    if file is not None:
        path = (store.media if file.folder == "media" else store.renders) / file.name
        if path.is_file():
            return path
    if not own.is_own(url):
        return None
    raise fetch_failed(url, "this server has no such file: name a cdn_url or output.url of it")


async def _copy(path: Path, incoming: IncomingFile) -> ReceivedFile:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                incoming.write(chunk)
                await asyncio.sleep(0)  # let other requests run
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise
