"""Requests and replies as httpx has them: what both transports build, read and are told.

An `httpx` exception becomes an error of our tree here; nothing of httpx passes the transports and
`receiving`. The original is not chained: its text may quote a header, and so a token (CLI-9).
"""

import contextlib
import functools
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx

from nemolocal_contract.endpoints import CLIENT_ID, bearer_header

from .connection_errors import connection_error
from .download_stream import content_type, range_headers
from .errors import BadAttribution, BadReply, CannotConnect, ConnectionCut
from .local_files import file_size, upload_name
from .operations import DownloadFile, HttpCall, HttpOperation, HttpResponse, OpenStream
from .upload_stream import ProgressFile, UploadProgress

_CONNECT_TIMEOUT = 15.0
_CHECK_TIMEOUT = 5.0
_JSON = {"Content-Type": "application/json"}

HttpxClient = httpx.Client | httpx.AsyncClient
SocketAddress = tuple[str, int]
# What breaks a body that was on its way.
BODY_ERRORS = (httpx.TransportError, httpx.DecodingError)


def httpx_client_options(base_url: str, headers: dict[str, str]) -> dict[str, Any]:
    """How both kinds of httpx clients are made."""
    # A proxy of the environment is no way to one's own machine.
    trust_env = not is_loopback(host_of(base_url))
    verify = _ssl_context(trust_env)
    encoded = encode_headers(headers)
    return {"base_url": base_url, "headers": encoded, "trust_env": trust_env, "verify": verify}


def encode_headers(attribution: dict[str, str]) -> dict[str, bytes]:
    """The headers of an attribution as they are sent; `BadAttribution` where one cannot be."""
    return {name: _encode_or_raise(name, value) for name, value in attribution.items()}


def encode_header_value(value: str) -> bytes | None:
    """A value as curl sends it, in whatever alphabet; None for what no header can carry."""
    try:
        encoded = value.strip().encode()
    except UnicodeEncodeError:
        return None
    return None if any(byte < 0x20 or byte == 0x7F for byte in encoded) else encoded


def _encode_or_raise(name: str, value: str) -> bytes:
    encoded = encode_header_value(value)
    if encoded is None:
        field = name.rpartition("-")[2].lower()
        raise BadAttribution(
            f"{name} ({value!r}) holds a line break or another character that no header can carry",
            remedy=f"make `{field}` of the attribution one line of text",
        )
    return encoded


# A draft is a few MB at most.
_MAX_RESPONSE_BYTES = 64 << 20


@functools.cache
def _ssl_context(trust_env: bool) -> ssl.SSLContext:
    """Whom to trust; reading that takes longer than anything else about a client."""
    return httpx.create_ssl_context(trust_env=trust_env)


def build_call_request(
    http: HttpxClient, call: HttpCall, meter: UploadProgress, open_files: contextlib.ExitStack
) -> httpx.Request:
    """A call as a request; its files are open as long as `open_files` is."""
    files = [
        ("files", (upload_name(path), open_files.enter_context(ProgressFile(path, meter.add))))
        for path in call.files
    ]
    return http.build_request(
        call.method,
        call.path,
        content=call.json,
        files=files or None,
        headers={**_headers(call), **(_JSON if call.json is not None else {})},
        timeout=_timeout(call),
    )


def start_upload_progress(call: HttpCall) -> UploadProgress:
    """Counts what the files of a call have sent; `FileProblem` where one is gone."""
    return UploadProgress(sum(map(file_size, call.files)))


def build_stream_request(http: HttpxClient, call: OpenStream) -> httpx.Request:
    """The start of a chat turn as a request."""
    return http.build_request(
        "POST",
        call.path,
        content=call.json,
        headers={**_headers(call), **_JSON, "Accept": "text/event-stream"},
        timeout=_timeout(call),
    )


def build_download_request(http: HttpxClient, asked: DownloadFile) -> httpx.Request:
    """A file, or the rest of one, as a request."""
    return http.build_request(
        "GET",
        asked.url,
        headers={**_headers(asked), **range_headers(asked)},
        timeout=_timeout(asked),
    )


def is_event_stream(response: httpx.Response) -> bool:
    """Whether the turn has begun."""
    return response.status_code == 200 and content_type(response) == "text/event-stream"


class ResponseBody:
    """The body of a reply as it comes; `BadReply` where it is larger than any reply is."""

    def __init__(self) -> None:
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take in some more."""
        if len(self._content) + len(chunk) > _MAX_RESPONSE_BYTES:
            raise BadReply(f"the backend answered with more than {_MAX_RESPONSE_BYTES >> 20} MB")
        self._content += chunk

    def to_response(self, response: httpx.Response) -> HttpResponse:
        """The reply, which has been read to its end."""
        return HttpResponse(
            f"{response.request.method} {response.request.url.path}",
            response.status_code,
            bytes(self._content),
            response.headers.get("Location", ""),
            response.headers.get("Server", ""),
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
    except (httpx.InvalidURL, UnicodeEncodeError):
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotConnect(
            f"{base_url!r} is no base URL", remedy="use one like http://127.0.0.1:8787"
        )
    return url.host


@contextlib.contextmanager
def translate_environment_errors() -> Iterator[None]:
    """What is wrong with proxies and certificates of the environment, as our error."""
    try:
        yield
    except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        raise CannotConnect(
            f"the environment names a proxy or certificates that cannot be used ({error})",
            remedy="correct or unset HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE "
            "and SSL_CERT_DIR",
        ) from None


@contextlib.contextmanager
def translate_httpx_errors() -> Iterator[None]:
    """What httpx raises, as our errors."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise connection_error(error, origin_of(error.request.url)) from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects):
        raise BadReply("the backend gave an unusable URL") from None
    except BODY_ERRORS as error:
        # Nothing has been done by who only asked.
        remedy = "try again" if error.request.method == "GET" else None
        said = f"the connection to {origin_of(error.request.url)} was cut"
        raise ConnectionCut(said, remedy=remedy) from None


def server_address(response: httpx.Response) -> SocketAddress | None:
    """The address that a reply came from; None where it came through no socket."""
    stream = response.extensions.get("network_stream")
    try:
        address = stream.get_extra_info("server_addr") if stream is not None else None
    except OSError:
        return None
    return address[:2] if isinstance(address, tuple) else None


def probe_server(peer: SocketAddress | None, origin: str) -> CannotConnect | None:
    """How a server is gone that answered from this address; None where it listens."""
    if peer is None:
        return None
    try:
        socket.create_connection(peer, timeout=_CHECK_TIMEOUT).close()
    except OSError as error:
        return connection_error(error, origin)
    return None


def _headers(request: HttpOperation) -> dict[str, str]:
    headers = {} if request.token is None else bearer_header(request.token.reveal())
    if isinstance(request, HttpCall) and request.client_id is not None:
        headers[CLIENT_ID] = request.client_id
    return headers


def _timeout(request: HttpOperation) -> httpx.Timeout:
    return httpx.Timeout(request.timeout, connect=_CONNECT_TIMEOUT)


def plain_base_url(given: str) -> str:
    """One spelling for one server: no slash at the end, scheme and host in small letters."""
    scheme, separator, rest = given.rstrip("/").partition("://")
    if not separator:
        return scheme
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    return f"{scheme.lower()}://{user}{at}{host.lower()}{slash}{path}"


def origin_of(url: str | httpx.URL) -> str:
    """Scheme, host and port only: a URL may carry a password."""
    url = httpx.URL(url)
    return f"{url.scheme}://{url.netloc.decode()}"
