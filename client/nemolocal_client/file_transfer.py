"""Files on their way out: read from disk while they are sent, and counted."""

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from .local_files import file_problem, open_part_file
from .operations import DownloadFile, DownloadResult, Notice, Notify


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
        """The next bytes; `FileProblem` where the disk gives none."""
        try:
            chunk = super().read(-1 if size is None else size) or b""
        except OSError as error:
            raise file_problem(self._path, error) from error
        self._report(len(chunk))
        return chunk


class UploadProgress:
    """Adds up what the files of one upload have sent; who watches is told at every step."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._sent = 0
        self._notify: Notify | None = None

    def subscribe(self, notify: Notify) -> None:
        """Tell from now on."""
        self._notify = notify

    def add(self, count: int) -> None:
        """Count bytes of any of the files."""
        self._sent += count
        if self._notify is not None:
            self._notify(self.notice())

    def notice(self) -> Notice:
        """How far the upload is."""
        return Notice("upload", "Uploading", min(self._sent / self._total, 1.0))


# A thread writes this much of a download at once.
_BLOCK = 1 << 18


def content_type(response: httpx.Response) -> str:
    """The media type of a reply without its parameters."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower()


def range_headers(asked: DownloadFile) -> dict[str, str]:
    """Ask for the missing rest of the very version that the first part is of."""
    headers = {"Accept-Encoding": "identity"}
    if asked.offset and asked.version:
        headers |= {"Range": f"bytes={asked.offset}-", "If-Range": asked.version}
    return headers


def is_file_response(response: httpx.Response, offset: int) -> bool:
    """Whether the reply is a file, or its rest from `offset` on, and no error in disguise."""
    if content_type(response) in ("application/json", "text/html"):
        return False
    if response.status_code == 206:
        return bool(response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"))
    return response.status_code == 200


class _DownloadProgress:
    """How much of a file has come, and how much is to come where that is known."""

    def __init__(self, response: httpx.Response, asked: DownloadFile) -> None:
        self.size = asked.offset if response.status_code == 206 else 0
        length = response.headers.get("Content-Length", "")
        self._total = self.size + int(length) if length.isdecimal() else 0
        self._version = _version(response)
        self._limit = asked.limit

    @property
    def is_too_large(self) -> bool:
        """Whether more has come than may be kept."""
        return self.size > self._limit

    def add(self, count: int) -> Notice | None:
        """Count bytes; what to tell, where it is known how much is to come."""
        self.size += count
        if not self._total:
            return None
        return Notice("download", "Downloading", min(self.size / self._total, 1.0))

    def to_result(self, complete: bool) -> DownloadResult:
        return DownloadResult(self.size, complete, self._version)


def receive_file(response: httpx.Response, asked: DownloadFile, notify: Notify) -> DownloadResult:
    """Write the body into the part file, as far as it comes."""
    incoming, complete = _DownloadProgress(response, asked), True
    with _part(asked.part, append=incoming.size > 0) as file:
        try:
            for chunk in response.iter_bytes():
                notice = incoming.add(len(chunk))
                if incoming.is_too_large:
                    return incoming.to_result(False)
                file.write(chunk)
                if notice is not None:
                    notify(notice)
        except (httpx.TransportError, httpx.DecodingError):
            complete = False
    return incoming.to_result(complete)


async def receive_file_async(
    response: httpx.Response, asked: DownloadFile, tell: Callable[[Notice], Awaitable[None]]
) -> DownloadResult:
    """What `receive_file` does, with the disk left to a thread, a block at a time."""
    incoming, complete, block = _DownloadProgress(response, asked), True, bytearray()
    with _part(asked.part, append=incoming.size > 0) as file:
        try:
            async for chunk in response.aiter_bytes():
                notice = incoming.add(len(chunk))
                if incoming.is_too_large:
                    return incoming.to_result(False)
                block += chunk
                if len(block) >= _BLOCK:
                    await run_in_thread(file.write, bytes(block))
                    block.clear()
                if notice is not None:
                    await tell(notice)
        except (httpx.TransportError, httpx.DecodingError):
            complete = False
        file.write(block)
    return incoming.to_result(complete)


@contextlib.contextmanager
def _part(path: Path, *, append: bool) -> Iterator[IO[bytes]]:
    try:
        with open_part_file(path, append=append) as file:
            yield file
    except OSError as error:
        # By its folder: nobody has named the part.
        raise file_problem(path.parent, error) from error


def _version(response: httpx.Response) -> str:
    """What If-Range takes: a strong ETag or a date; "" where the body cannot be resumed."""
    if "Content-Encoding" in response.headers:
        return ""
    etag: str = response.headers.get("ETag", "")
    modified: str = response.headers.get("Last-Modified", "")
    return etag if etag and not etag.startswith("W/") else modified


T = TypeVar("T")


async def run_in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do it in a thread; whoever cancels waits until the thread has let go of its file."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
