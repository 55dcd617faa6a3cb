"""Fetching a file by URL, carefully: only where it is allowed, bounded, redirects checked (UPL-6).

All of it, names and redirects too, is over when its time is: real time, as the network is.
"""

import asyncio
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from .assets import CDN
from .errors import ContractError, unsupported
from .intake import IncomingFile, ReceivedFile, accepted_extension
from .web_client import Answer, Unreachable, get

_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)


class FetchPolicy(msgspec.Struct, frozen=True):
    """Where a server may fetch from, for how many seconds, and how many bytes.

    `allowed` are patterns of `host` or `host:port`, `*` being any; `own` is the server's own
    `host:port`, whose files (`/cdn/…`) are always allowed.
    """

    allowed: tuple[str, ...]
    own: str
    seconds: float
    limit: int


async def fetch(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """The file behind a URL, written to `folder`; 4001 or 4002 with the reason if refused."""
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
        raise _failed(url, "it takes too long") from error
    except Unreachable as error:
        raise _failed(url, str(error)) from error
    raise _failed(url, f"it redirects more than {_REDIRECTS} times")


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise _failed(url, f"it redirects to {target[:200]!r}, which is no URL") from error


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
    # Names of hosts are the same in any case, and `hostname` is lower case.
    allowed = [pattern.lower() for pattern in policy.allowed]
    if not own and not any(fnmatchcase(name, p) for name in (host, place) for p in allowed):
        raise _failed(url, f"this server does not fetch from {place}; allow it in its settings")
    return parts


async def _receive(answer: Answer, url: str, incoming: IncomingFile) -> ReceivedFile:
    try:
        if answer.status != 200:
            raise _failed(url, f"it answers HTTP {answer.status}")
        async for chunk in answer.chunks():
            incoming.write(chunk)
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise


def _failed(url: str, reason: str) -> ContractError:
    return unsupported(f"{url[:200]!r}: {reason}")
