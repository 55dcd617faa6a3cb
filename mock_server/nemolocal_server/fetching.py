"""Fetching a file by URL, carefully: only where it is allowed, bounded, redirects checked (UPL-6).

All of it, names and redirects too, is over when its time is: real time, as the network is.
"""

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from .errors import not_fetched
from .intake import IncomingFile, ReceivedFile, accepted_extension
from .web_client import Answer, Unreachable, get

_REDIRECTS = 5
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


class LeadsToOwn(Exception):
    """A URL, or a redirect, leads to this server itself."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


async def fetch(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """The file behind a URL, written to `folder`; 4001 or 4002 with the reason if refused.

    Raises `LeadsToOwn` rather than ask this server itself.
    """
    filename = PurePosixPath(unquote(_checked(url, policy).path)).name
    accepted = accepted_extension(filename)
    try:
        async with asyncio.timeout(policy.seconds):
            for _ in range(_REDIRECTS + 1):
                parts = _checked(url, policy)
                async with get(parts) as answer:
                    if answer.status not in _MOVED:
                        incoming = IncomingFile(filename, accepted, folder, policy.limit)
                        return await _receive(answer, url, incoming)
                    target = answer.location
                url = _joined(url, target)
    except TimeoutError as error:
        raise not_fetched(url, "it takes too long") from error
    except Unreachable as error:
        raise not_fetched(url, str(error)) from error
    raise not_fetched(url, f"it redirects more than {_REDIRECTS} times")


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise not_fetched(url, f"it redirects to {target[:200]!r}, which is no URL") from error


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
    # Names of hosts are the same in any case, and `hostname` is lower case.
    allowed = [pattern.lower() for pattern in policy.allowed]
    if not any(fnmatchcase(name, p) for name in (host, place) for p in allowed):
        raise not_fetched(
            url, f"this server does not fetch from {place}; allow it by fetch_from in its settings"
        )
    return parts


async def _receive(answer: Answer, url: str, incoming: IncomingFile) -> ReceivedFile:
    try:
        if answer.status != 200:
            raise not_fetched(url, f"it answers HTTP {answer.status}")
        async for chunk in answer.chunks():
            incoming.write(chunk)
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise
