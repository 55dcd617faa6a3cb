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


def connection_error(error: Exception, origin: str) -> CannotConnect:
    """The error for a connection to `origin` that was never made: nothing was sent."""
    causes = _causes(error)
    # A name may have several addresses: that one of them refuses tells of its machine.
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
    for cause in causes:
        for kind, (reason, remedy) in REASONS.items():
            if isinstance(cause, kind):
                said = f"cannot connect to {origin} ({reason}{_details(cause)})"
                return CannotConnect(said, remedy=remedy, origin=origin, refused=refused)
    return CannotConnect(f"cannot connect to {origin}", origin=origin, refused=refused)


def _causes(error: BaseException) -> list[BaseException]:
    """An error, and whatever it comes of."""
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
    """What OpenSSL says of a certificate: "self-signed certificate"."""
    said = getattr(cause, "verify_message", "")
    return f": {said.rstrip('.')}" if said else ""
