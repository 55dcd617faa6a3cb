"""Fetching a file by URL, carefully: only where it is allowed, bounded, redirects checked (UPL-6).

It runs in a thread, since the standard library's HTTP client blocks; its time limit is real time,
as the network is.
"""

import http.client
import time
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from .assets import CDN
from .errors import ContractError, unsupported
from .intake import IncomingFile, ReceivedFile, accepted_extension

_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_CHUNK = 256 * 1024


class FetchPolicy(msgspec.Struct, frozen=True):
    """Where a server may fetch from, for how many seconds, and how many bytes.

    `allowed` are patterns of `host` or `host:port`, `*` being any; `own` is the server's own
    `host:port`, whose files (`/cdn/…`) are always allowed.
    """

    allowed: tuple[str, ...]
    own: str
    seconds: float
    limit: int


def fetch(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """The file behind a URL, written to `folder`; 4001 or 4002 with the reason if refused."""
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
            raise _failed(url, str(error) or type(error).__name__) from error
        finally:
            connection.close()
    raise _failed(url, f"it redirects more than {_REDIRECTS} times")


def _checked(url: str, policy: FetchPolicy) -> SplitResult:
    """The parts of a URL that may be fetched."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _failed(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not host:
        raise _failed(url, "only http and https are fetched")
    own = parts.netloc == policy.own and parts.path.startswith(f"{CDN}/")
    place = f"{host}:{port}" if port else host
    if not own and not any(fnmatch(name, p) for name in (host, place) for p in policy.allowed):
        raise _failed(url, f"this server does not fetch from {place}; allow it in its settings")
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
            raise _failed(url, f"it answers HTTP {response.status}")
        while chunk := response.read1(_CHUNK):
            incoming.write(chunk)
            _left(deadline)
        if response.length:
            raise _failed(url, "the connection ended before the file did")
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left


def _failed(url: str, reason: str) -> ContractError:
    return unsupported(f"{url[:200]!r}: {reason}")
