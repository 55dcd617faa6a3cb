"""Fetches a file by URL from allowed hosts, within limits of size and time (UPL-6).

The time limit covers everything, names and redirects too, and is real time like the network's.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import msgspec

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.media import ExtraExtension

from ..errors import fetch_failed
from ..network_errors import describe_error, http_errors, ssl_context
from .multipart import IncomingFile, ReceivedFile, accepted_extension

if TYPE_CHECKING:
    import httpx

_MAX_REDIRECTS = 5
# A host may be an IPv6 address, and a pattern may have wildcards.
_PATTERN = re.compile(r"[^\s/?#@\\]+")
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "nemolocal", "Accept": "*/*", "Accept-Encoding": "identity"}
# Characters that need no escape in a URL.
_PATH = "/%:@!$&'()*+,;=~"
_QUERY = f"{_PATH}?"


class FetchPolicy(msgspec.Struct, frozen=True):
    """Which hosts a server may fetch from, for how many seconds, and how many bytes.

    `allowed` are patterns of `host` or `host:port`; `*` matches any. `is_own` says whether a URL
    points to this server: such files are read, not fetched. `extra` are the extensions that are
    accepted besides those of the contract.
    """

    allowed: tuple[str, ...]
    is_own: Callable[[str], bool]
    seconds: float
    limit: int
    extra: tuple[ExtraExtension, ...] = ()


class OwnServerUrl(Exception):
    """A URL, or a redirect, points to this server itself."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


async def fetch_url(url: str, folder: Path, policy: FetchPolicy) -> ReceivedFile:
    """Fetch a file to `folder`; raises 4001 or 4002 with the reason, or `OwnServerUrl`."""
    filename = PurePosixPath(unquote(_check(url, policy).path)).name
    accepted = accepted_extension(filename, policy.extra)
    try:
        async with asyncio.timeout(policy.seconds):
            for _ in range(_MAX_REDIRECTS + 1):
                parts = _check(url, policy)
                async with _stream_get(parts) as response:
                    if response.status_code not in _REDIRECTS:
                        incoming = IncomingFile(filename, accepted, folder, policy.limit)
                        return await _receive(response, url, incoming)
                    target = response.headers.get("Location", "")
                url = _join(url, target)
    except TimeoutError as error:
        raise fetch_failed(url, "it takes too long") from error
    except _FetchError as error:
        raise fetch_failed(url, str(error)) from error
    raise fetch_failed(url, f"it redirects more than {_MAX_REDIRECTS} times")


def _join(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise fetch_failed(
            url, f"it redirects to {truncate_text(target, 200)!r}, which is no URL"
        ) from error


def _check(url: str, policy: FetchPolicy) -> SplitResult:
    """The parts of a URL; raises 4001 if it may not be fetched."""
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
    """Whether a pattern (`host`, `host:port`, `*`) matches this host, which is in lower case."""
    names = (host, f"{host}:{port}" if port else host)
    return any(fnmatchcase(name, pattern.lower()) for name in names for pattern in patterns)


def check_host_patterns(patterns: Sequence[str]) -> None:
    """Raise ValueError for a pattern that no host can match, such as a whole URL."""
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(
                "fetch_from must be hosts, for instance example.com, example.com:8080 or *, "
                f"not {pattern!r}"
            )


async def _receive(response: "httpx.Response", url: str, incoming: IncomingFile) -> ReceivedFile:
    try:
        if (status := response.status_code) != 200:
            raise fetch_failed(url, f"it answers HTTP {status}")
        async for chunk in _chunks(response):
            incoming.write(chunk)
        return incoming.close()
    except BaseException:
        incoming.discard()
        raise


async def _chunks(response: "httpx.Response") -> AsyncIterator[bytes]:
    # Separate from the loop over it, in which an OSError is one of our disk.
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except http_errors() as error:
        raise _FetchError(describe_error(error)) from error


class _FetchError(Exception):
    """There is no response, or an incomplete one; the message says why."""


@contextlib.asynccontextmanager
async def _stream_get(parts: SplitResult) -> AsyncIterator["httpx.Response"]:
    """The response to a GET request; raises `_FetchError`.

    The URL is not parsed again: the host must be the one that was checked.
    """
    import httpx

    async with contextlib.AsyncExitStack() as stack:
        try:
            verify = ssl_context() if parts.scheme == "https" else False
            # The caller limits the time of the whole fetch.
            client = httpx.AsyncClient(verify=verify, trust_env=False, timeout=None)
            await stack.enter_async_context(client)
            request = client.stream("GET", _httpx_url(parts), headers=_HEADERS)
            response = await stack.enter_async_context(request)
        except http_errors() as error:
            raise _FetchError(describe_error(error)) from error
        yield response


def _httpx_url(parts: SplitResult) -> "httpx.URL":
    import httpx

    target = quote(parts.path or "/", safe=_PATH)
    if parts.query:
        target += f"?{quote(parts.query, safe=_QUERY)}"
    host, port = parts.hostname or "", parts.port
    return httpx.URL(scheme=parts.scheme, host=host, port=port, raw_path=target.encode())
