"""How a worker fetches files from the server and returns parts, over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import file_digest, sha256
from http import HTTPStatus
from pathlib import Path

import httpx

from nemolocal_contract.clock import WallClock

from .part_tasks import DIGEST_HEADER, TaskFile

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20
# Seconds between tries: together as long as a server needs to start again, and some.
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class TransferFailed(Exception):
    """A file could not be fetched or sent; the message says why."""


class ServerDiskFull(Exception):
    """The server has no room for a part."""


class RenderEnded(Exception):
    """The server does not want a part any more."""


class WorkerTransfers:
    """Fetches and sends files of tasks; `server` is its base URL."""

    def __init__(self, server: str) -> None:
        self._server = server.rstrip("/")
        plain = {"accept-encoding": "identity"}
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, headers=plain)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def fetch(self, file: TaskFile, path: Path) -> int:
        """Fetch a file of a task and check it; return its size.

        Raises TransferFailed, and OSError if it cannot be written.
        """
        unfinished = path.with_name(f"{path.name}.unfinished")

        async def get() -> None:
            seen = sha256()
            async with self._client.stream("GET", self._server + file.path) as response:
                await _require_success(response)
                with unfinished.open("wb") as out:
                    async for chunk in response.aiter_bytes(_CHUNK):
                        seen.update(chunk)
                        await asyncio.to_thread(out.write, chunk)
            if seen.hexdigest() != file.sha256:
                raise TransferFailed("another file came than was announced")
            unfinished.rename(path)

        try:
            await _try_repeatedly(get, "a file could not be fetched")
        finally:
            unfinished.unlink(missing_ok=True)
        return file.size

    async def fetch_range(self, file: TaskFile, begin: int, end: int, path: Path) -> None:
        """Fetch a range of a file into its place in a copy.

        Raises TransferFailed, and OSError if it cannot be written.
        """
        expected = f"bytes {begin}-{end - 1}/{file.size}"

        async def get() -> None:
            headers = {"range": f"bytes={begin}-{end - 1}"}
            url, left = self._server + file.path, end - begin
            async with self._client.stream("GET", url, headers=headers) as response:
                await _require_success(response)
                if response.headers.get("content-range") != expected:
                    raise TransferFailed("the server sends other bytes than were asked for")
                with path.open("r+b") as out:
                    out.seek(begin)
                    async for chunk in response.aiter_bytes(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            break
                        await asyncio.to_thread(out.write, chunk)
            if left:
                raise TransferFailed("a range came with another length than was announced")

        await _try_repeatedly(get, "a range could not be fetched")

    async def send(self, path: Path, upload: str) -> tuple[int, str]:
        """Return a part to the server; return its size and SHA-256.

        Raises TransferFailed, ServerDiskFull and RenderEnded.
        """
        digest = await asyncio.to_thread(_digest, path)

        async def put() -> None:
            headers = {DIGEST_HEADER: digest, "content-length": str(path.stat().st_size)}
            response = await self._client.put(
                self._server + upload, content=_read(path), headers=headers
            )
            await _require_success(response)

        await _try_repeatedly(put, "the part could not be returned")
        return path.stat().st_size, digest


async def _require_success(response: httpx.Response) -> None:
    if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
        raise ServerDiskFull
    if response.status_code == HTTPStatus.GONE:
        raise RenderEnded
    if not response.is_success:
        text = (await response.aread()).decode(errors="replace").strip()[:200]
        raise TransferFailed(f"the server answers {response.status_code}: {text}")


async def _try_repeatedly(work: Callable[[], Awaitable[None]], failure: str) -> None:
    """Try again after pauses: the server may be starting again. Raises TransferFailed."""
    clock, pauses = WallClock(), iter(_PAUSES)
    while True:
        try:
            await work()
            return
        except (httpx.HTTPError, TransferFailed) as error:
            reason = str(error) or type(error).__name__
            if (pause := next(pauses, None)) is None:
                raise TransferFailed(f"{failure}: {reason}") from error
            _log.info("%s: %s; trying again", failure, reason)
            await clock.sleep(pause)


async def _read(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
