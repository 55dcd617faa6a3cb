"""A certificate of the cloud's name, made on the spot and believed by nobody but the command."""

import ssl
from pathlib import Path
from typing import Any

from .problem import Problem

_LOCAL = ("localhost", "127.0.0.1")


class Authority:
    """An authority that lives as long as this process; its key is never written down."""

    def __init__(self) -> None:
        self._authority: Any = _trustme().CA()

    def server_context(self, host: str) -> ssl.SSLContext:
        """What a server needs to be `host`, and this machine, over TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host, *_LOCAL).configure_cert(context)
        return context

    def write_bundle(self, path: Path, believed: ssl.SSLContext | None) -> None:
        """A file of certificates to believe: this authority's, and those of a context."""
        others = believed.get_ca_certs(binary_form=True) if believed else []
        pem: bytes = self._authority.cert_pem.bytes()
        text = [pem.decode(), *(ssl.DER_cert_to_PEM_cert(other) for other in others)]
        path.write_text("".join(text), encoding="ascii")


def _trustme() -> Any:
    try:
        import trustme
    except ImportError as error:
        raise Problem(
            "no certificate can be made: install the extra, pip install 'nemolocal[exec]'"
        ) from error
    return trustme
