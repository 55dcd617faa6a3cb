"""A GET to a server of somebody else. Nothing in it blocks, so whoever awaits it can give it up."""

import contextlib
import functools
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote

if TYPE_CHECKING:
    import httpx

# What a URL may have as it is; all else is written as `%xx`.
_PATH = "/%:@!$&'()*+,;=~"
_QUERY = f"{_PATH}?"


class RemoteUnreachable(Exception):
    """There is no answer, or none that can be read; the message says why."""


class RemoteResponse:
    """A reply whose body is read while it comes."""

    def __init__(self, response: "httpx.Response") -> None:
        self._response = response
        self.status = response.status_code
        self.location = response.headers.get("Location", "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body; raises `RemoteUnreachable` where it ends too early."""
        try:
            async for chunk in self._response.aiter_raw():
                yield chunk
        except _failures() as error:
            raise RemoteUnreachable(_reason(error)) from error


@contextlib.asynccontextmanager
async def stream_get(parts: SplitResult) -> AsyncIterator[RemoteResponse]:
    """The reply to a request for this URL; raises `RemoteUnreachable`.

    The host is the one in `parts`, which was judged: the URL is not taken apart a second time.
    """
    import httpx

    async with contextlib.AsyncExitStack() as stack:
        try:
            verify = _context() if parts.scheme == "https" else False
            # Time is the caller's to limit: all of it, not each step.
            client = httpx.AsyncClient(verify=verify, trust_env=False, timeout=None)
            await stack.enter_async_context(client)
            asked = client.stream("GET", _url(parts), headers=_HEADERS)
            response = await stack.enter_async_context(asked)
        except _failures() as error:
            raise RemoteUnreachable(_reason(error)) from error
        yield RemoteResponse(response)


def _failures() -> tuple[type[Exception], ...]:
    import httpx

    # A name that no resolver takes is a ValueError (UnicodeError).
    return (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)


_HEADERS = {"User-Agent": "nemolocal", "Accept": "*/*", "Accept-Encoding": "identity"}


def _url(parts: SplitResult) -> "httpx.URL":
    import httpx

    target = quote(parts.path or "/", safe=_PATH)
    if parts.query:
        target += f"?{quote(parts.query, safe=_QUERY)}"
    host, port = parts.hostname or "", parts.port
    return httpx.URL(scheme=parts.scheme, host=host, port=port, raw_path=target.encode())


def _reason(error: BaseException) -> str:
    """What the system says of it, where it is the system's error: "Connection refused"."""
    import httpx

    if isinstance(error, httpx.RemoteProtocolError) and "complete message" in str(error):
        return "the connection ended before the file did"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "it speaks no TLS that is understood; is it http?"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
