"""Names and addresses in one spelling each: of the Host header, of origins and of URLs (pure)."""

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
# What the C library takes for an IPv4 address: 2130706433, 0x7f.1, 127.1.
_NUMBER_ADDRESS = re.compile(r"(?:0[xX][0-9A-Fa-f]*|\d+)(?:\.(?:0[xX][0-9A-Fa-f]*|\d+)){0,3}")

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Authority(msgspec.Struct, frozen=True):
    """A host, spelt as `canonical_host` spells it, and the port if one is given."""

    host: str
    port: int | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where a page or a URL is from: two are the same where all three are."""

    scheme: str
    host: str
    port: int


def parse_authority(text: str) -> Authority | None:
    """`host`, `host:port` or `[address]:port`; None for anything else."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    host, port = canonical_host(found[1]), int(found[2]) if found[2] else None
    bracketed = text.startswith("[")
    if not host or bracketed != (":" in found[1]) or (port is not None and not 0 < port < 65_536):
        return None
    return None if bracketed and ip_address(found[1][1:-1]) is None else Authority(host, port)


def canonical_host(host: str) -> str:
    """A host in small letters, without the dot at its end; an IP address in its usual form."""
    host = host.strip("[]").lower().removesuffix(".")
    address = ip_address(host)
    return host if address is None else str(address)


def canonical_numeric_host(host: str) -> str:
    """A host that is an IPv4 address in a spelling of the C library, in its usual form."""
    if _NUMBER_ADDRESS.fullmatch(host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            pass
    return canonical_host(host)


def ip_address(host: str) -> _Ip | None:
    """An IP address; IPv4 written as IPv6 is IPv4. None for names, and addresses with a zone."""
    if "%" in host:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def is_loopback(host: str) -> bool:
    """Whether a host, canonical, never leaves this machine; `*.localhost` does not (RFC 6761)."""
    address = ip_address(host)
    if address is not None:
        return address.is_loopback
    return host == LOCALHOST or host.endswith(f".{LOCALHOST}")


def parse_origin(text: str) -> Origin | None:
    """An Origin header; None for `null` and whatever else is none."""
    scheme, slashes, rest = text.partition("://")
    authority = parse_authority(rest)
    scheme = scheme.lower()
    if not slashes or authority is None or scheme not in DEFAULT_PORTS:
        return None
    return origin_of(scheme, authority)


def origin_of(scheme: str, authority: Authority) -> Origin:
    """The origin of a scheme and an authority."""
    return Origin(scheme, authority.host, authority.port or DEFAULT_PORTS.get(scheme, 0))


def matches_any_pattern(authority: Authority, patterns: Collection[str]) -> bool:
    """Whether one of the patterns is about it: `host` for any port, or `host:port`; `*` is any."""
    if not patterns:
        return False
    names = [authority.host]
    if authority.port is not None:
        host = f"[{authority.host}]" if ":" in authority.host else authority.host
        names.append(f"{host}:{authority.port}")
    return any(
        # Brackets are those of an IPv6 address, and no set of characters.
        fnmatchcase(name, pattern) if "*" in pattern else name == pattern
        for name in names
        for pattern in patterns
    )


def canonical_pattern(pattern: str) -> str:
    """A pattern of `--allowed-host` as it is compared; raises ValueError where it is none."""
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
    """A path prefix such as `/nemo`, "" for none; None where it is no plain path."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    plain = _PREFIX.fullmatch(text) and not {".", ".."} & set(text.split("/"))
    return text if plain else None


class PublicUrl(msgspec.Struct, frozen=True):
    """A base URL that is given out: `text` has no slash at its end."""

    text: str
    authority: Authority
    origin: Origin
    prefix: str


def parse_public_url(text: str) -> PublicUrl:
    """A base URL in its parts; raises ValueError where it is none."""
    wrong = ValueError(
        f"must be an http or https URL without a query, for instance https://nemo.example/nemo, "
        f"not {text!r}"
    )
    try:
        parts = urlsplit(text)
    except ValueError:
        raise wrong from None
    authority, prefix = parse_authority(parts.netloc), canonical_prefix(parts.path)
    scheme = parts.scheme.lower()
    if authority is None or prefix is None or scheme not in DEFAULT_PORTS:
        raise wrong
    if parts.query or parts.fragment or not text.isascii() or text != text.strip():
        raise wrong
    base = f"{scheme}://{parts.netloc}{prefix}"
    return PublicUrl(base, authority, origin_of(scheme, authority), prefix)
