"""Fetching a file by URL, carefully: only where it is allowed, bounded, redirects checked (UPL-6).

All of it, names and redirects too, is over when its time is: real time, as the network is.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from ..errors import fetch_failed
from .multipart import IncomingFile, ReceivedFile, accepted_extension
from .remote_http import RemoteResponse, RemoteUnreachable, stream_get

_REDIRECTS = 5
# A host may be an IPv6 address, and a pattern of any.
_PATTERN = re.compile(r"[^\s/?#@\\]+")
_MOVED = (301, 302, 303, 307, 308)


class FetchPolicy(msgspec.Struct, frozen=True):
    """Where a server may fetch from, for how many seconds, and how many bytes.

    `allowed` are patterns of `host` or `host:port`, `*` being any; `is_own` tells the URLs that are
    about this server, which are not fetched but read.
    """

    allowed: tuple[str, ...]
    is_own: Callable[[str], bool]
    seconds: float
    limit: int


class OwnServerUrl(Exception):
    """A URL, or a redirect, leads to this server itself."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


async def fetch_url(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """The file behind a URL, written to `folder`; 4001 or 4002 with the reason if refused.

    Raises `OwnServerUrl` rather than ask this server itself.
    """
    filename = PurePosixPath(unquote(_checked(url, policy).path)).name
    accepted = accepted_extension(filename)
    try:
        async with asyncio.timeout(policy.seconds):
            for _ in range(_REDIRECTS + 1):
                parts = _checked(url, policy)
                async with stream_get(parts) as answer:
                    if answer.status not in _MOVED:
                        incoming = IncomingFile(filename, accepted, folder, policy.limit)
                        return await _receive(answer, url, incoming)
                    target = answer.location
                url = _joined(url, target)
    except TimeoutError as error:
        raise fetch_failed(url, "it takes too long") from error
    except RemoteUnreachable as error:
        raise fetch_failed(url, str(error)) from error
    raise fetch_failed(url, f"it redirects more than {_REDIRECTS} times")


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise fetch_failed(url, f"it redirects to {target[:200]!r}, which is no URL") from error


def _checked(url: str, policy: FetchPolicy) -> SplitResult:
    """The parts of a URL that may be fetched."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise fetch_failed(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not host:
        raise fetch_failed(url, "only http and https are fetched")
    if policy.is_own(url):
        raise OwnServerUrl(url)
    if not is_host_allowed(policy.allowed, host, port):
        place = f"{host}:{port}" if port else host
        raise fetch_failed(
            url,
            f"this server does not fetch from {place}; allow it with --fetch-from {place}, or "
            "fetch_from in its settings",
        )
    return parts


def is_host_allowed(patterns: Sequence[str], host: str, port: int | None) -> bool:
    """Whether one of the patterns (`host`, `host:port`, `*`) is of this host, in small letters."""
    names = (host, f"{host}:{port}" if port else host)
    return any(fnmatchcase(name, pattern.lower()) for name in names for pattern in patterns)


def check_host_patterns(patterns: Sequence[str]) -> None:
    """Raise ValueError for a pattern that no host is of, such as a whole URL."""
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(
                "fetch_from must be hosts, for instance example.com, example.com:8080 or *, "
                f"not {pattern!r}"
            )


async def _receive(answer: RemoteResponse, url: str, incoming: IncomingFile) -> ReceivedFile:
    try:
        if answer.status != 200:
            raise fetch_failed(url, f"it answers HTTP {answer.status}")
        async for chunk in answer.chunks():
            incoming.write(chunk)
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise
