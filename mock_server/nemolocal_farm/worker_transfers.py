"""How a worker fetches files from the server and returns parts, over HTTP."""

import asyncio
import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import file_digest, sha256
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


class WorkerTransfers:
    """Fetches and sends files of tasks; `server` is its base URL.

    Sources are kept in `folder` until they are too many: `most` bytes.
    """

    def __init__(self, server: str, folder: Path, most: int) -> None:
        self._server = server.rstrip("/")
        self._folder = folder
        self._most = most
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_use: defaultdict[Path, int] = defaultdict(int)
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        self.fetched = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @contextlib.asynccontextmanager
    async def source(self, file: TaskFile) -> AsyncIterator[Path]:
        """Fetch a source, unless it is there already; it stays while it is used."""
        path = self._folder / file.sha256
        self._in_use[path] += 1
        try:
            async with self._locks[file.sha256]:
                if not path.exists():
                    self._make_room(file.size)
                    await self.fetch(file, path)
            os.utime(path)
            yield path
        finally:
            self._in_use[path] -= 1

    def _make_room(self, needed: int) -> None:
        """Delete the sources that were used longest ago and are not used now."""
        kept = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        total = needed + sum(path.stat().st_size for path in kept)
        for path in kept:
            if total <= self._most:
                return
            if not self._in_use[path]:
                total -= path.stat().st_size
                path.unlink()

    async def fetch(self, file: TaskFile, path: Path) -> None:
        """Fetch a file of a task and check it; raises TransferFailed."""
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
            self.fetched += file.size

        try:
            await _try_repeatedly(get, "a file could not be fetched")
        finally:
            unfinished.unlink(missing_ok=True)

    async def send(self, path: Path, upload: str) -> tuple[int, str]:
        """Return a part to the server; return its size and SHA-256. Raises TransferFailed."""
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
    if not response.is_success:
        text = (await response.aread()).decode(errors="replace").strip()[:200]
        raise TransferFailed(f"the server answers {response.status_code}: {text}")


async def _try_repeatedly(work: Callable[[], Awaitable[None]], failure: str) -> None:
    """Try again after pauses: the server may be starting again. Raises TransferFailed."""
    clock = WallClock()
    for pause in (*_PAUSES, None):
        try:
            await work()
            return
        except (httpx.HTTPError, TransferFailed) as error:
            reason = str(error) or type(error).__name__
            if pause is None:
                raise TransferFailed(f"{failure}: {reason}") from error
            _log.info("%s: %s; trying again", failure, reason)
            await clock.sleep(pause)
        except OSError as error:
            raise TransferFailed(f"{failure}: {error.strerror}") from error


async def _read(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
