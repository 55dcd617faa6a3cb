"""Why there is no connection, as far as the system says it, and what helps then."""

import socket
import ssl

import httpx

from .errors import CannotConnect


def why_not(error: httpx.RequestError, origin: str) -> CannotConnect:
    """The error for a connection to `origin` that was never made: nothing was sent."""
    reason, remedy = _reason(error)
    told = f" ({reason})" if reason else ""
    return CannotConnect(f"cannot connect to {origin}{told}", remedy=remedy)


def _reason(error: httpx.RequestError) -> tuple[str, str | None]:
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused", "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or unset them"
    if isinstance(error, httpx.ConnectTimeout):
        return "no answer", None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            said = cause.verify_message.rstrip(".")
            return f"its certificate is not trusted: {said}", (
                "check the address, or name its authority by SSL_CERT_FILE"
            )
        if isinstance(cause, ssl.SSLError):
            return "it speaks no TLS that is understood", "check the address: http or https"
        if isinstance(cause, socket.gaierror):
            return "no such host", "check the address and the network"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there", None
        cause = cause.__cause__ or cause.__context__
    return "", None
