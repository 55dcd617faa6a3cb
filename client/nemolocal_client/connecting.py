"""Why there is no connection, as far as the system says it, and what helps then."""

import socket
import ssl

import httpx

from .errors import CannotConnect

# What went wrong underneath, from the special to the general: what to say, and what helps.
REASONS: dict[type[BaseException], tuple[str, str]] = {
    httpx.ProxyError: (
        "the proxy refused",
        "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or unset them",
    ),
    httpx.ConnectTimeout: ("no answer", CannotConnect.remedy),
    ssl.SSLCertVerificationError: (
        "its certificate is not trusted",
        "check the address, or name its authority by SSL_CERT_FILE",
    ),
    ssl.SSLError: ("it speaks no TLS that is understood", "check the address: http or https"),
    socket.gaierror: ("no such host", "check the address and the network"),
    ConnectionRefusedError: ("nothing listens there", CannotConnect.remedy),
}


def why_not(error: httpx.RequestError, origin: str) -> CannotConnect:
    """The error for a connection to `origin` that was never made: nothing was sent."""
    for cause in _causes(error):
        for kind, (reason, remedy) in REASONS.items():
            if isinstance(cause, kind):
                said = f"cannot connect to {origin} ({reason}{_details(cause)})"
                return CannotConnect(said, remedy=remedy)
    return CannotConnect(f"cannot connect to {origin}")


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _details(cause: BaseException) -> str:
    """What OpenSSL says of a certificate: "self-signed certificate"."""
    said = getattr(cause, "verify_message", "")
    return f": {said.rstrip('.')}" if said else ""
