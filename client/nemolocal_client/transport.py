"""HTTP with httpx, sync: whole replies and one open stream.

An `httpx` exception becomes an error of our tree here; nothing of httpx passes this module and
`receiving`. The original is not chained: its text may quote a header, and so a token (CLI-9).
"""

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping

import httpx

from nemolocal_contract.headers import CLIENT_ID, bearer

from .effects import (
    Call,
    Chunk,
    Download,
    Downloaded,
    Notify,
    Opened,
    OpenStream,
    Reply,
    Request,
    StreamCut,
    StreamEnd,
)
from .errors import BadReply, CannotConnect, ConnectionCut
from .files import file_size
from .receiving import content_type, is_file, range_headers, receive
from .sending import SentFile, UploadMeter

_CONNECT_TIMEOUT = 15.0
_JSON = {"Content-Type": "application/json"}


class Transport:
    """The connections of one client to one base URL; `headers` go on every request (CLI-1)."""

    def __init__(self, base_url: str, headers: Mapping[str, str], notify: Notify) -> None:
        self._notify = notify
        self._http = httpx.Client(
            base_url=base_url,
            headers=headers,
            # A proxy of the environment is no way to one's own machine.
            trust_env=not is_loopback(host_of(base_url)),
        )
        self._stream: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def close(self) -> None:
        """Close the stream and all connections."""
        self.close_stream()
        self._http.close()

    def call(self, call: Call) -> Reply:
        """A whole reply; files are read from disk while they are sent."""
        with _our_errors(), contextlib.ExitStack() as open_files:
            request = self._request(call, open_files)
            return _reply(self._http.send(request))

    def open_stream(self, call: OpenStream) -> Opened | Reply:
        """Start a stream, or the whole reply where there is none."""
        self.close_stream()
        with _our_errors():
            request = self._http.build_request(
                "POST",
                call.path,
                content=call.json,
                headers={**_headers(call), **_JSON, "Accept": "text/event-stream"},
                timeout=_timeout(call),
            )
            response = self._http.send(request, stream=True)
            if response.status_code == 200 and content_type(response) == "text/event-stream":
                self._stream, self._chunks = response, response.iter_bytes()
                return Opened()
            return _read_out(response)

    def read_stream(self) -> Chunk | StreamEnd | StreamCut:
        """The next bytes; a clean end and a cut are two things (SSE-4)."""
        try:
            chunk = next(self._chunks, None)
        except (httpx.TransportError, httpx.DecodingError):
            self.close_stream()
            return StreamCut()
        if chunk is None:
            self.close_stream()
            return StreamEnd()
        return Chunk(chunk)

    def close_stream(self) -> None:
        """Hang up on the open stream, if there is one."""
        stream, self._stream, self._chunks = self._stream, None, iter(())
        if stream is not None:
            stream.close()

    def download(self, asked: Download) -> Downloaded | Reply:
        """The body of a file reply into the part file, as far as it comes."""
        with _our_errors():
            request = self._http.build_request(
                "GET",
                asked.url,
                headers={**_headers(asked), **range_headers(asked)},
                timeout=_timeout(asked),
            )
            response = self._http.send(request, stream=True, follow_redirects=True)
            if not is_file(response, asked.offset):
                return _read_out(response)
            with contextlib.closing(response):
                return receive(response, asked, self._notify)

    def _request(self, call: Call, open_files: contextlib.ExitStack) -> httpx.Request:
        meter = UploadMeter(sum(map(file_size, call.files)), self._notify)
        files = [
            ("files", (path.name, open_files.enter_context(SentFile(path, meter.add))))
            for path in call.files
        ]
        return self._http.build_request(
            call.method,
            call.path,
            content=call.json,
            files=files or None,
            headers={**_headers(call), **(_JSON if call.json is not None else {})},
            timeout=_timeout(call),
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(base_url: str) -> str:
    """The host of a base URL; `CannotConnect` if it is not one of http or https."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotConnect(
            f"{base_url!r} is no base URL", remedy="use one like http://127.0.0.1:8787"
        )
    return url.host


def _headers(request: Request) -> dict[str, str]:
    headers = {} if request.token is None else bearer(request.token.reveal())
    if isinstance(request, Call) and request.client_id is not None:
        headers[CLIENT_ID] = request.client_id
    return headers


def _timeout(request: Request) -> httpx.Timeout:
    return httpx.Timeout(request.timeout, connect=_CONNECT_TIMEOUT)


def _read_out(response: httpx.Response) -> Reply:
    with contextlib.closing(response):
        response.read()
        return _reply(response)


def _reply(response: httpx.Response) -> Reply:
    return Reply(
        f"{response.request.method} {response.request.url.path}",
        response.status_code,
        response.content,
        response.headers.get("Location", ""),
    )


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise CannotConnect(f"cannot connect to {_origin(error)}") from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects):
        raise BadReply("the backend gave an unusable URL") from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ConnectionCut(f"the connection to {_origin(error)} was cut") from None


def _origin(error: httpx.RequestError) -> str:
    """Scheme, host and port only: a URL may carry a password."""
    url = error.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
