"""Errors of exchanges with other servers as text, and the TLS context of such exchanges."""

import functools
import ssl


def http_errors() -> tuple[type[Exception], ...]:
    """Return the errors of an exchange over httpx, which is loaded by the first caller."""
    import httpx

    # A name that no resolver accepts is a ValueError (UnicodeError).
    return (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)


def describe_error(error: BaseException, what: str = "file") -> str:
    """Return why `what` was not received, such as "Connection refused"."""
    import httpx

    if isinstance(error, httpx.RemoteProtocolError) and "complete message" in str(error):
        return f"the connection ended before the {what} did"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed; is it http?"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return the context that verifies certificates; creating it takes a moment."""
    return ssl.create_default_context()
