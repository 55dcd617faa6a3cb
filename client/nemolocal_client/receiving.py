"""A file on its way in: from the reply into the part file, resumed where the server can."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx

from .effects import Download, Downloaded, Notice, Notify
from .files import file_problem


def content_type(response: httpx.Response) -> str:
    """The media type of a reply without its parameters."""
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower()


def range_headers(asked: Download) -> dict[str, str]:
    """Ask for the missing rest of the very version that the first part is of."""
    headers = {"Accept-Encoding": "identity"}
    if asked.offset and asked.version:
        headers |= {"Range": f"bytes={asked.offset}-", "If-Range": asked.version}
    return headers


def is_file(response: httpx.Response, offset: int) -> bool:
    """Whether the reply is a file, or its rest from `offset` on, and no error in disguise."""
    if content_type(response) in ("application/json", "text/html"):
        return False
    if response.status_code == 206:
        return bool(response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"))
    return response.status_code == 200


def receive(response: httpx.Response, asked: Download, notify: Notify) -> Downloaded:
    """Write the body into the part file, as far as it comes."""
    size = asked.offset if response.status_code == 206 else 0
    length = response.headers.get("Content-Length", "")
    total = size + int(length) if length.isdecimal() else 0
    complete = True
    with _part(asked.part, append=size > 0) as file:
        try:
            for chunk in response.iter_bytes():
                file.write(chunk)
                size += len(chunk)
                if total:
                    notify(Notice("download", "Downloading", min(size / total, 1.0)))
        except (httpx.TransportError, httpx.DecodingError):
            complete = False
    return Downloaded(size, complete, _version(response))


@contextlib.contextmanager
def _part(path: Path, *, append: bool) -> Iterator[IO[bytes]]:
    try:
        with path.open("ab" if append else "wb") as file:
            yield file
    except OSError as error:
        raise file_problem(path, error) from error


def _version(response: httpx.Response) -> str:
    """What If-Range takes: a strong ETag or a date; "" where the body cannot be resumed."""
    if "Content-Encoding" in response.headers:
        return ""
    etag: str = response.headers.get("ETag", "")
    modified: str = response.headers.get("Last-Modified", "")
    return etag if etag and not etag.startswith("W/") else modified
