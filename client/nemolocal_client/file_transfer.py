"""The files of uploads and downloads: read and written while they are sent, with progress."""

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from .local_files import file_problem, open_part_file
from .operations import DownloadFile, DownloadResult, Notice, Notify

# Bytes of a download that a thread writes at once.
_BLOCK = 1 << 18
T = TypeVar("T")


class ProgressFile(io.FileIO):
    """A file that reports how many bytes of it have been read."""

    def __init__(self, path: Path, report: Callable[[int], None]) -> None:
        self._path = path
        self._report = report
        try:
            super().__init__(path, "rb")
        except OSError as error:
            raise file_problem(path, error) from error

    def read(self, size: int | None = -1, /) -> bytes:
        """Read the next bytes; raises `FileProblem` if the disk fails."""
        try:
            chunk = super().read(-1 if size is None else size) or b""
        except OSError as error:
            raise file_problem(self._path, error) from error
        self._report(len(chunk))
        return chunk


class UploadProgress:
    """Counts the bytes sent of one upload and reports each step to the subscriber."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._sent = 0
        self._notify: Notify | None = None

    def subscribe(self, notify: Notify) -> None:
        """Report each step from now on."""
        self._notify = notify

    def add(self, count: int) -> None:
        """Count bytes of any of the files."""
        self._sent += count
        if self._notify is not None:
            self._notify(self.notice())

    def notice(self) -> Notice:
        """Return the current progress."""
        return Notice("upload", "Uploading", min(self._sent / self._total, 1.0))


def content_type(response: httpx.Response) -> str:
    """Return the media type of a response without its parameters."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower()


def range_headers(operation: DownloadFile) -> dict[str, str]:
    """Return the headers that ask for the missing rest of the same version."""
    headers = {"Accept-Encoding": "identity"}
    if operation.offset and operation.version:
        headers |= {"Range": f"bytes={operation.offset}-", "If-Range": operation.version}
    return headers


def is_file_response(response: httpx.Response, offset: int) -> bool:
    """Whether the response is a file, or its rest from `offset` on, and not an error page."""
    if content_type(response) in ("application/json", "text/html"):
        return False
    if response.status_code == 206:
        return bool(response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"))
    return response.status_code == 200


class _DownloadProgress:
    """Counts the received bytes of a file, and knows the total if the server sends it."""

    def __init__(self, response: httpx.Response, operation: DownloadFile) -> None:
        self.size = operation.offset if response.status_code == 206 else 0
        length = response.headers.get("Content-Length", "")
        self._total = self.size + int(length) if length.isdecimal() else 0
        self._version = _version(response)
        self._limit = operation.limit

    @property
    def is_too_large(self) -> bool:
        """Whether more bytes arrived than allowed."""
        return self.size > self._limit

    def add(self, count: int) -> Notice | None:
        """Count bytes; return the progress if the total is known."""
        self.size += count
        if not self._total:
            return None
        return Notice("download", "Downloading", min(self.size / self._total, 1.0))

    def to_result(self, complete: bool) -> DownloadResult:
        return DownloadResult(self.size, complete, self._version)


def receive_file(
    response: httpx.Response, operation: DownloadFile, notify: Notify
) -> DownloadResult:
    """Write the body into the part file, as far as it arrives."""
    progress, complete = _DownloadProgress(response, operation), True
    with _part(operation.part, append=progress.size > 0) as file:
        try:
            for chunk in response.iter_bytes():
                notice = progress.add(len(chunk))
                if progress.is_too_large:
                    return progress.to_result(False)
                file.write(chunk)
                if notice is not None:
                    notify(notice)
        except (httpx.TransportError, httpx.DecodingError):
            complete = False
    return progress.to_result(complete)


async def receive_file_async(
    response: httpx.Response,
    operation: DownloadFile,
    send_notice: Callable[[Notice], Awaitable[None]],
) -> DownloadResult:
    """Do what `receive_file` does, but write in a thread, one block at a time."""
    progress, complete, block = _DownloadProgress(response, operation), True, bytearray()
    with _part(operation.part, append=progress.size > 0) as file:
        try:
            async for chunk in response.aiter_bytes():
                notice = progress.add(len(chunk))
                if progress.is_too_large:
                    return progress.to_result(False)
                block += chunk
                if len(block) >= _BLOCK:
                    await run_in_thread(file.write, bytes(block))
                    block.clear()
                if notice is not None:
                    await send_notice(notice)
        except (httpx.TransportError, httpx.DecodingError):
            complete = False
        file.write(block)
    return progress.to_result(complete)


@contextlib.contextmanager
def _part(path: Path, *, append: bool) -> Iterator[IO[bytes]]:
    try:
        with open_part_file(path, append=append) as file:
            yield file
    except OSError as error:
        # The user knows the folder, not the name of the part file.
        raise file_problem(path.parent, error) from error


def _version(response: httpx.Response) -> str:
    """Return the value for If-Range: a strong ETag or a date; "" if it cannot be resumed."""
    if "Content-Encoding" in response.headers:
        return ""
    etag: str = response.headers.get("ETag", "")
    modified: str = response.headers.get("Last-Modified", "")
    return etag if etag and not etag.startswith("W/") else modified


async def run_in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread; a cancelled caller waits until the thread is done."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
