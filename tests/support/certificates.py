"""The certificate authorities of this machine, read once for all clients of a test run."""

import functools
import importlib
import os
import ssl
from typing import Any

import httpx


def share_ssl_contexts() -> None:
    """Let httpx clients with the same options share one context.

    Each client reads all authorities, whether it will speak TLS or not: 40 ms of work, a third of
    that of many a test.
    """
    transports: Any = importlib.import_module("httpx._transports.default")

    @functools.cache
    def created(bundle: tuple[str | None, ...], *options: Any) -> ssl.SSLContext:
        del bundle
        return httpx.create_ssl_context(*options)

    def shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        bundle = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return created(bundle, verify, cert, trust_env)

    transports.create_ssl_context = shared
