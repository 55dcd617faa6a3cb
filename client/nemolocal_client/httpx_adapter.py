"""Builds the httpx requests of both transports, reads responses, and translates errors.

Exceptions of httpx become a `NemoError` here. The original is not chained: its text may quote a
header, and so a token (CLI-9).
"""

import contextlib
import functools
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any, Self

import httpx

from nemolocal_contract.endpoints import CLIENT_ID, bearer_header

from .errors import BadAttribution, BadReply, CannotConnect, ConnectionCut
from .file_transfer import ProgressFile, UploadProgress, content_type, range_headers
from .local_files import file_size, upload_name
from .operations import DownloadFile, HttpCall, HttpOperation, HttpResponse, OpenStream

_CONNECT_TIMEOUT = 15.0
_CHECK_TIMEOUT = 5.0
_JSON = {"Content-Type": "application/json"}

HttpxClient = httpx.Client | httpx.AsyncClient
SocketAddress = tuple[str, int]
# Errors while a body is received.
BODY_ERRORS = (httpx.TransportError, httpx.DecodingError)
# Drafts have a few MB at most.
_MAX_RESPONSE_BYTES = 64 << 20
# Reason and remedy by the underlying error, the most specific class first.
REASONS: dict[type[BaseException], tuple[str, str]] = {
    httpx.ProxyError: (
        "the proxy refused the connection",
        "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or unset them",
    ),
    httpx.ConnectTimeout: ("timed out", CannotConnect.remedy),
    ssl.SSLCertVerificationError: (
        "its certificate is not trusted",
        "check the address, or set SSL_CERT_FILE to its certificate authority",
    ),
    ssl.SSLError: ("the TLS handshake failed", "check whether the address needs http or https"),
    socket.gaierror: ("host not found", "check the address and the network"),
    ConnectionRefusedError: ("connection refused", CannotConnect.remedy),
}


def httpx_client_options(base_url: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of both kinds of httpx clients."""
    # A proxy of the environment cannot reach this machine's loopback.
    trust_env = not is_loopback(host_of(base_url))
    plain = not trust_env and base_url.startswith("http:")
    verify = _LateContext() if plain else _ssl_context(trust_env)
    encoded = encode_headers(headers)
    return {"base_url": base_url, "headers": encoded, "trust_env": trust_env, "verify": verify}


def encode_headers(attribution: dict[str, str]) -> dict[str, bytes]:
    """Encode the headers of an attribution; raises `BadAttribution`."""
    return {name: _encode_or_raise(name, value) for name, value in attribution.items()}


def encode_header_value(value: str) -> bytes | None:
    """Encode a header value as curl does; None if a header cannot contain it."""
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
            f"{name} ({value!r}) contains a character that headers do not allow",
            remedy=f"set `{field}` of the attribution to a single line of text",
        )
    return encoded


@functools.cache
def _ssl_context(trust_env: bool) -> ssl.SSLContext:
    """Load the trusted certificates once: this is the slowest step of creating a client."""
    return httpx.create_ssl_context(trust_env=trust_env)


class _LateContext(ssl.SSLContext):
    """The context without a proxy of the environment, loaded at the first handshake.

    For clients that speak plain HTTP, unless a file that they download is elsewhere.
    """

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """As of the context that is loaded."""
        _ssl_context(trust_env=False).set_alpn_protocols(alpn_protocols)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """As of the context that is loaded."""
        return _ssl_context(trust_env=False).wrap_socket(*args, **options)

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """As of the context that is loaded."""
        return _ssl_context(trust_env=False).wrap_bio(*args, **options)


def build_call_request(
    http: HttpxClient, call: HttpCall, progress: UploadProgress, open_files: contextlib.ExitStack
) -> httpx.Request:
    """Build the request of a call; its files stay open as long as `open_files`."""
    files = [
        ("files", (upload_name(path), open_files.enter_context(ProgressFile(path, progress.add))))
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
    """Return the progress counter for the files of a call; raises `FileProblem`."""
    return UploadProgress(sum(map(file_size, call.files)))


def build_stream_request(http: HttpxClient, call: OpenStream) -> httpx.Request:
    """Build the request that starts a chat turn."""
    return http.build_request(
        "POST",
        call.path,
        content=call.json,
        headers={**_headers(call), **_JSON, "Accept": "text/event-stream"},
        timeout=_timeout(call),
    )


def build_download_request(http: HttpxClient, operation: DownloadFile) -> httpx.Request:
    """Build the request for a file, or the rest of one."""
    return http.build_request(
        "GET",
        operation.url,
        headers={**_headers(operation), **range_headers(operation)},
        timeout=_timeout(operation),
    )


def is_event_stream(response: httpx.Response) -> bool:
    """Whether the response is the stream of a turn."""
    return response.status_code == 200 and content_type(response) == "text/event-stream"


class ResponseBody:
    """Collects the body of a response; raises `BadReply` if it is too large."""

    def __init__(self) -> None:
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add a chunk."""
        if len(self._content) + len(chunk) > _MAX_RESPONSE_BYTES:
            raise BadReply(
                f"the backend sent a response of more than {_MAX_RESPONSE_BYTES >> 20} MB"
            )
        self._content += chunk

    def to_response(self, response: httpx.Response) -> HttpResponse:
        """Return the complete response."""
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
    """Return the host of a base URL; raises `CannotConnect` if it is not http or https."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, UnicodeEncodeError):
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotConnect(
            f"{base_url!r} is not a base URL", remedy="use one like http://127.0.0.1:8787"
        )
    return url.host


@contextlib.contextmanager
def translate_environment_errors() -> Iterator[None]:
    """Translate errors in the proxy and certificate settings of the environment."""
    try:
        yield
    except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        raise CannotConnect(
            f"the proxy or certificate settings of the environment cannot be used ({error})",
            remedy="correct or unset HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE "
            "and SSL_CERT_DIR",
        ) from None


@contextlib.contextmanager
def translate_httpx_errors() -> Iterator[None]:
    """Translate the errors of httpx."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise connection_error(error, origin_of(error.request.url)) from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects):
        raise BadReply("the backend sent an invalid URL") from None
    except BODY_ERRORS as error:
        # A GET changes nothing.
        remedy = "try again" if error.request.method == "GET" else None
        message = f"the connection to {origin_of(error.request.url)} was lost"
        raise ConnectionCut(message, remedy=remedy) from None


def server_address(response: httpx.Response) -> SocketAddress | None:
    """Return the address that a response came from; None if it did not use a socket."""
    stream = response.extensions.get("network_stream")
    try:
        address = stream.get_extra_info("server_addr") if stream is not None else None
    except OSError:
        return None
    return address[:2] if isinstance(address, tuple) else None


def probe_server(address: SocketAddress | None, origin: str) -> CannotConnect | None:
    """Return None if a server listens on this address, else the error."""
    if address is None:
        return None
    try:
        socket.create_connection(address, timeout=_CHECK_TIMEOUT).close()
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
    """Normalize a base URL: no slash at the end, scheme and host in lower case."""
    scheme, separator, rest = given.rstrip("/").partition("://")
    if not separator:
        return scheme
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    return f"{scheme.lower()}://{user}{at}{host.lower()}{slash}{path}"


def origin_of(url: str | httpx.URL) -> str:
    """Return scheme, host and port: the URL may contain a password."""
    url = httpx.URL(url)
    return f"{url.scheme}://{url.netloc.decode()}"


def connection_error(error: Exception, origin: str) -> CannotConnect:
    """Return the error for a failed connection to `origin`."""
    causes = _causes(error)
    # A host may have several addresses: if one of them refuses, its machine is up.
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
    for cause in causes:
        for kind, (reason, remedy) in REASONS.items():
            if isinstance(cause, kind):
                message = f"cannot connect to {origin} ({reason}{_details(cause)})"
                return CannotConnect(message, remedy=remedy, origin=origin, refused=refused)
    return CannotConnect(f"cannot connect to {origin}", origin=origin, refused=refused)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes."""
    causes: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is None or cause in causes:
            continue
        causes.append(cause)
        waiting.append(cause.__cause__ or cause.__context__)
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
    return causes


def _details(cause: BaseException) -> str:
    """Return what OpenSSL says about a certificate: "self-signed certificate"."""
    message = getattr(cause, "verify_message", "")
    return f": {message.rstrip('.')}" if message else ""
