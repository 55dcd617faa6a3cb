"""Canonical forms of hosts and addresses: of the Host header, of origins and of URLs (pure)."""

import ipaddress
import re
import socket
from collections.abc import Collection
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import msgspec

DEFAULT_PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+", re.ASCII)
# Other forms of an IPv4 address that the C library accepts: 2130706433, 0x7f.1, 127.1.
_NUMBER_ADDRESS = re.compile(r"(?:0[xX][0-9A-Fa-f]*|\d+)(?:\.(?:0[xX][0-9A-Fa-f]*|\d+)){0,3}")

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Authority(msgspec.Struct, frozen=True):
    """A canonical host, and the port if one is given."""

    host: str
    port: int | None = None


class Origin(msgspec.Struct, frozen=True):
    """The origin of a page or a URL."""

    scheme: str
    host: str
    port: int


def parse_authority(text: str) -> Authority | None:
    """Parse `host`, `host:port` or `[address]:port`; None for anything else."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    host, port = canonical_host(found[1]), int(found[2]) if found[2] else None
    bracketed = text.startswith("[")
    if (
        not host
        or "" in host.split(".")
        or bracketed != (":" in found[1])
        or (port is not None and not 0 < port < 65_536)
    ):
        return None
    return None if bracketed and ip_address(found[1][1:-1]) is None else Authority(host, port)


def canonical_host(host: str) -> str:
    """Return a host in lower case without a final dot, an IP address in its usual form."""
    host = host.strip("[]").lower().removesuffix(".")
    address = ip_address(host)
    return host if address is None else str(address)


def canonical_numeric_host(host: str) -> str:
    """Like `canonical_host`, also for the IPv4 forms that the C library accepts."""
    if _NUMBER_ADDRESS.fullmatch(host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            pass
    return canonical_host(host)


def ip_address(host: str) -> _Ip | None:
    """Parse an IP address; IPv4 in IPv6 form is IPv4. None for names and addresses with a zone."""
    if "%" in host:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def is_loopback(host: str) -> bool:
    """Return whether a canonical host is this machine; `*.localhost` is (RFC 6761)."""
    address = ip_address(host)
    if address is not None:
        return address.is_loopback
    return host == LOCALHOST or host.endswith(f".{LOCALHOST}")


def parse_origin(text: str) -> Origin | None:
    """Parse an Origin header; None for `null` and for invalid ones."""
    scheme, slashes, rest = text.partition("://")
    authority = parse_authority(rest)
    scheme = scheme.lower()
    if not slashes or authority is None or scheme not in DEFAULT_PORTS:
        return None
    return origin_of(scheme, authority)


def origin_of(scheme: str, authority: Authority) -> Origin:
    """Return the origin of a scheme and an authority."""
    return Origin(scheme, authority.host, authority.port or DEFAULT_PORTS.get(scheme, 0))


def matches_any_pattern(authority: Authority, patterns: Collection[str]) -> bool:
    """Return whether a pattern matches: `host` for any port, or `host:port`, with `*`."""
    if not patterns:
        return False
    names = [authority.host]
    if authority.port is not None:
        host = f"[{authority.host}]" if ":" in authority.host else authority.host
        names.append(f"{host}:{authority.port}")
    return any(
        # Without `*` no fnmatch, which would take the brackets of IPv6 for a set of characters.
        fnmatchcase(name, pattern) if "*" in pattern else name == pattern
        for name in names
        for pattern in patterns
    )


def canonical_pattern(pattern: str) -> str:
    """Return the canonical form of an `--allowed-host`; raises ValueError if it is invalid."""
    text = pattern.strip().lower()
    if "*" in text and re.fullmatch(r"[a-z0-9*._-]+(:\d{1,5})?", text):
        return text
    address = ip_address(text.strip("[]"))
    if address is not None:
        return str(address)
    try:
        text = text if text.isascii() else text.encode("idna").decode()
        authority = parse_authority(text)
    except UnicodeError:
        authority = None
    if authority is None:
        raise ValueError(f"must be a host or host:port, for instance nemo.example, not {pattern!r}")
    if authority.port is None:
        return authority.host
    host = f"[{authority.host}]" if ":" in authority.host else authority.host
    return f"{host}:{authority.port}"


def canonical_prefix(text: str) -> str | None:
    """Return a path prefix such as `/nemo`, "" for none; None if it is not a plain path."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    plain = _PREFIX.fullmatch(text) and not {".", ".."} & set(text.split("/"))
    return text if plain else None


class PublicUrl(msgspec.Struct, frozen=True):
    """A base URL; `text` has no slash at its end."""

    text: str
    authority: Authority
    origin: Origin
    prefix: str


def parse_public_url(text: str) -> PublicUrl:
    """Parse a base URL; raises ValueError if it is invalid."""
    invalid = ValueError(
        f"must be an http or https URL without a query, for instance https://nemo.example/nemo, "
        f"not {text!r}"
    )
    try:
        parts = urlsplit(text)
    except ValueError:
        raise invalid from None
    authority, prefix = parse_authority(parts.netloc), canonical_prefix(parts.path)
    scheme = parts.scheme.lower()
    if authority is None or prefix is None or scheme not in DEFAULT_PORTS:
        raise invalid
    if parts.query or parts.fragment or not text.isascii() or text != text.strip():
        raise invalid
    base = f"{scheme}://{parts.netloc}{prefix}"
    return PublicUrl(base, authority, origin_of(scheme, authority), prefix)
