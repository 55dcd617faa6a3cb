"""Fetching a file by URL, carefully: only where it is allowed, bounded, redirects checked (UPL-6).

It runs in a thread, since the standard library's HTTP client blocks; its time limit is real time,
as the network is.
"""

import http.client
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from .errors import not_fetched
from .intake import IncomingFile, ReceivedFile, accepted_extension

_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_CHUNK = 256 * 1024


class FetchPolicy(msgspec.Struct, frozen=True):
    """Where a server may fetch from, for how many seconds, and how many bytes.

    `allowed` are patterns of `host` or `host:port`, `*` being any; `is_own` tells the URLs that are
    about this server, which are not fetched but read.
    """

    allowed: tuple[str, ...]
    is_own: Callable[[str], bool]
    seconds: float
    limit: int


class LeadsToOwn(Exception):
    """A URL, or a redirect, leads to this server itself."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def fetch(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """The file behind a URL, written to `folder`; 4001 or 4002 with the reason if refused.

    Raises `LeadsToOwn` rather than ask this server itself.
    """
    filename = PurePosixPath(unquote(_checked(url, policy).path)).name
    accepted = accepted_extension(filename)
    deadline = time.monotonic() + policy.seconds
    for _ in range(_REDIRECTS + 1):
        connection = _connect(_checked(url, policy), deadline)
        try:
            response = _ask(connection, url)
            if response.status not in _MOVED:
                incoming = IncomingFile(filename, accepted, folder, policy.limit)
                return _receive(response, url, incoming, deadline)
            url = urljoin(url, response.headers.get("Location", ""))
        except (OSError, http.client.HTTPException) as error:
            raise not_fetched(url, str(error) or type(error).__name__) from error
        finally:
            connection.close()
    raise not_fetched(url, f"it redirects more than {_REDIRECTS} times")


def _checked(url: str, policy: FetchPolicy) -> SplitResult:
    """The parts of a URL that may be fetched."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise not_fetched(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not host:
        raise not_fetched(url, "only http and https are fetched")
    if policy.is_own(url):
        raise LeadsToOwn(url)
    place = f"{host}:{port}" if port else host
    if not any(fnmatch(name, p) for name in (host, place) for p in policy.allowed):
        raise not_fetched(
            url, f"this server does not fetch from {place}; allow it by fetch_from in its settings"
        )
    return parts


def _connect(parts: SplitResult, deadline: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_left(deadline))


def _ask(connection: http.client.HTTPConnection, url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"User-Agent": "nemolocal"})
    return connection.getresponse()


def _receive(
    response: http.client.HTTPResponse, url: str, incoming: IncomingFile, deadline: float
) -> ReceivedFile:
    try:
        if response.status != 200:
            raise not_fetched(url, f"it answers HTTP {response.status}")
        while chunk := response.read1(_CHUNK):
            incoming.write(chunk)
            _left(deadline)
        if response.length:
            raise not_fetched(url, "the connection ended before the file did")
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left
