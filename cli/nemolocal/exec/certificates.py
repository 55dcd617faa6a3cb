"""A temporary certificate authority for the cloud's host name, trusted by the program alone."""

import hashlib
import os
import shutil
import ssl
import struct
import time
from collections.abc import Mapping
from pathlib import Path

_LOCAL = ("localhost", "127.0.0.1")
_BUNDLE, _STORE, _WGETRC, _FOLDER = "certificates.pem", "certificates.jks", "wgetrc", "certificates"
# The variables in which programs look for trusted certificates.
_VARIABLES = (
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "HTTPS_CA_FILE",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PERL_LWP_SSL_CA_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
)
# The system bundles of Debian and others, Fedora, openSUSE and Alpine.
_SYSTEM_BUNDLES = (
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_SYSTEM_FOLDER, _IN_FOLDER = "/etc/ssl/certs", "ca-certificates.crt"
# A Java key store: magic number, version, tag of a certificate entry, salt of its digest.
_JKS, _JKS_VERSION, _JKS_CERTIFICATE, _JKS_SALT = 0xFEED_FEED, 2, 2, b"Mighty Aphrodite"
_PASSWORD = "changeit"


class CertificateAuthority:
    """A certificate authority for the life of this process; its key is never written to disk."""

    def __init__(self) -> None:
        # Imported late: it loads cryptography, which nothing else here needs at the start.
        import trustme

        self._ca = trustme.CA()

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """Return the TLS context of a server that is each of `hosts`, and localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*hosts, *_LOCAL).configure_cert(context)
        return context

    def write_trust_store(self, folder: Path, believed: ssl.SSLContext | None) -> "TrustStore":
        """Write the trusted certificates to `folder`: this authority's and those of `believed`."""
        own = ssl.PEM_cert_to_DER_cert(self._ca.cert_pem.bytes().decode())
        found = [own, *(believed.get_ca_certs(binary_form=True) if believed else [])]
        bundle = folder / _BUNDLE
        bundle.write_text("".join(map(ssl.DER_cert_to_PEM_cert, found)), encoding="ascii")
        (folder / _STORE).write_bytes(build_java_keystore(found))
        (folder / _WGETRC).write_text(f"{_wgetrc()}\nca_certificate = {bundle}\n", "utf-8")
        return TrustStore(folder, _subject_hash(self._ca.cert_pem.bytes()))


class TrustStore:
    """The files of trusted certificates, and the variables that point programs to them."""

    def __init__(self, folder: Path, subject_hash: str) -> None:
        self._folder = folder
        self._hash = subject_hash

    def variables(self, java_options: str) -> Mapping[str, str]:
        """Return the variables that make a program trust them, with further options for Java."""
        bundle, store = str(self._folder / _BUNDLE), self._folder / _STORE
        java = (
            f'-Djavax.net.ssl.trustStore="{store}" -Djavax.net.ssl.trustStoreType=JKS '
            f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"
        )
        given = os.environ.get("JAVA_TOOL_OPTIONS", "")
        options = " ".join(filter(None, (given, java, java_options)))
        return {
            **dict.fromkeys(_VARIABLES, bundle),
            "JAVA_TOOL_OPTIONS": options,
            "WGETRC": str(self._folder / _WGETRC),
        }

    def system_files(self, keep: bool) -> Mapping[str, str]:
        """Return bind mounts, target to source; `keep` leaves the system's certificates trusted."""
        bundle = self._folder / _BUNDLE
        laid = {path: str(bundle) for path in _SYSTEM_BUNDLES if not Path(path).is_symlink()}
        if not Path(_SYSTEM_FOLDER).is_dir():
            return laid
        folder = self._folder / _FOLDER
        if keep:
            shutil.copytree(_SYSTEM_FOLDER, folder, symlinks=True)
        else:
            folder.mkdir()
        bundles = (_IN_FOLDER, "ca-bundle.crt", "ca-bundle.trust.crt", f"{self._hash}.0")
        for name in bundles:
            (folder / name).unlink(missing_ok=True)
            shutil.copyfile(bundle, folder / name)
        return {**laid, _SYSTEM_FOLDER: str(folder)}


def build_java_keystore(certificates: list[bytes]) -> bytes:
    """Return DER certificates as a Java key store in a format that every Java reads."""
    now = int(time.time() * 1000)
    parts = [struct.pack(">III", _JKS, _JKS_VERSION, len(certificates))]
    for number, certificate in enumerate(certificates):
        alias, kind = str(number).encode(), b"X.509"
        parts += [struct.pack(">IH", _JKS_CERTIFICATE, len(alias)), alias, struct.pack(">Q", now)]
        parts += [struct.pack(">H", len(kind)), kind, struct.pack(">I", len(certificate))]
        parts += [certificate]
    content = b"".join(parts)
    password = _PASSWORD.encode("utf-16-be")
    return content + hashlib.sha1(password + _JKS_SALT + content).digest()


def _subject_hash(pem: bytes) -> str:
    """Return the name of an authority's file in OpenSSL's folder: `openssl x509 -hash`."""
    from cryptography.x509 import Name, NameAttribute, load_pem_x509_certificate

    subject = load_pem_x509_certificate(pem).subject
    small = Name([NameAttribute(part.oid, str(part.value).lower()) for part in subject])
    parts = small.public_bytes()
    inner = parts[2:] if parts[1] < 0x80 else parts[2 + (parts[1] & 0x7F) :]
    return hashlib.sha1(inner).digest()[3::-1].hex()


def _wgetrc() -> str:
    """Return the user's own wget configuration."""
    given = os.environ.get("WGETRC")
    try:
        return (Path(given) if given else Path.home() / ".wgetrc").read_text("utf-8")
    except (OSError, RuntimeError, UnicodeError):
        return ""
