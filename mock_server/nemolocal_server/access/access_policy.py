"""Whether a request is let in, and the address under which its sender reaches this server (pure).

A browser can be led to a server of this machine by any page: by a form, a `fetch` without a look at
its answer, or under a name of the page's own (DNS rebinding). What tells them apart from a program
is the Host, the Origin and the kind of the body, none of which such a page may choose.
"""

import functools
import hmac
import ipaddress
from collections.abc import Sequence

import msgspec

from nemolocal_contract.endpoints import CONTROL_PREFIX, CONTROL_TOKEN, HEALTH, endpoints

from ..data.assets import CDN_PATH
from ..settings import Settings
from .addresses import (
    Authority,
    Origin,
    PublicUrl,
    canonical_host,
    canonical_pattern,
    canonical_prefix,
    ip_address,
    is_loopback,
    matches_any_pattern,
    origin_of,
    parse_authority,
    parse_origin,
    parse_public_url,
)

RawHeaders = Sequence[tuple[bytes, bytes]]

_SHOWN = 100
# Hosts that come again with every request of a client.
_REMEMBERED = 64
_SAME_SITE = frozenset({"same-origin", "none"})
_CHANGING = frozenset({"POST", "DELETE"})
_JSON = "application/json"


class AccessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged of a request.

    `peer` is the address that the connection came from, `listened` the one that it came to,
    `scheme` what the sender used as far as a proxy that is believed tells.
    """

    method: str
    path: str
    scheme: str
    headers: RawHeaders
    peer: str = ""
    listened: tuple[str, int] = ("", 0)


class AccessDecision(msgspec.Struct, frozen=True):
    """What became of it.

    `refusal` says in one sentence why the request is refused, "" if it is not. `base_url` is what
    URLs in the reply begin with, `path` the path without the prefix of a proxy, `authorities` are
    the names that the sender may know this server by, and `listened` is what it came to.
    """

    path: str
    base_url: str = ""
    refusal: str = ""
    authorities: tuple[Authority, ...] = ()
    listened: tuple[str, int] = ("", 0)


class AccessPolicy:
    """The rules of a server's settings."""

    def __init__(self, settings: Settings) -> None:
        self._patterns = frozenset(map(canonical_pattern, settings.allowed_hosts))
        self._names = frozenset(pattern for pattern in self._patterns if "*" not in pattern)
        self._public_url = parse_public_url(settings.public_url) if settings.public_url else None
        # An empty one is every address of this machine, as `0.0.0.0` is.
        self._listened = canonical_host(settings.host or "0.0.0.0")
        self._token = settings.control_token.encode()
        self._is_own_name_cached = functools.lru_cache(_REMEMBERED)(self.is_own_name)
        self._trusted = [ipaddress.ip_network(p, strict=False) for p in settings.trusted_proxies]

    @property
    def public_url(self) -> PublicUrl | None:
        """The address that the settings give this server."""
        return self._public_url

    def evaluate(self, asked: AccessRequest) -> AccessDecision:
        """Let a request in, or say why not."""
        headers, listened = _Headers(asked.headers), asked.listened[0]
        hosts = headers.all(b"host")
        host = _parsed(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return AccessDecision(asked.path, refusal=_unreadable(hosts))
        if not self._is_own_name_cached(host, listened):
            return AccessDecision(asked.path, refusal=_unknown(hosts[0]))
        shown, outside, prefix = hosts[0], host, ""
        if self._trusted and self._trusts(asked.peer):
            forwarded = _forwarded_host(headers) or shown
            told = parse_authority(forwarded)
            if told is None or not self._is_own_name_cached(told, listened):
                return AccessDecision(asked.path, refusal=_unknown(forwarded))
            said = canonical_prefix(headers.last(b"x-forwarded-prefix"))
            if said is None:
                return AccessDecision(asked.path, refusal=_BAD_PREFIX)
            shown, outside, prefix = forwarded, told, said
        base = self._public_url.text if self._public_url else f"{asked.scheme}://{shown}{prefix}"
        path = _without(asked.path, self._public_url.prefix if self._public_url else prefix)
        refusal = ""
        if path.startswith(CONTROL_PREFIX) and path != HEALTH.template:
            own = {origin_of(asked.scheme, outside), origin_of(asked.scheme, host)}
            own |= {self._public_url.origin} if self._public_url else set()
            refusal = self._control_refusal(asked.method, headers, own)
        return AccessDecision(path, base, refusal, (host, outside), asked.listened)

    def is_own_name(self, authority: Authority, listened: str, *, exactly: bool = False) -> bool:
        """Whether this is a name of the server: loopback, listened on, or of the settings.

        `exactly` leaves out patterns, which are about the names of others too.
        """
        host = authority.host
        return (
            is_loopback(host)
            or host == self._listened
            or (ip_address(host) is not None and host == _without_zone(listened))
            or (self._public_url is not None and host == self._public_url.authority.host)
            or matches_any_pattern(authority, self._names if exactly else self._patterns)
        )

    def _trusts(self, peer: str) -> bool:
        address = ip_address(peer)
        return address is not None and any(address in network for network in self._trusted)

    def _control_refusal(self, method: str, headers: "_Headers", own: set[Origin]) -> str:
        origin, site = headers.last(b"origin"), headers.last(b"sec-fetch-site")
        if origin and parse_origin(origin) not in own:
            return _foreign(f"of {origin[:_SHOWN]!r} " if origin != "null" else "")
        if site and site not in _SAME_SITE:
            return _foreign("")
        if method in _CHANGING and not _is_json(method, headers):
            return _NO_JSON
        given = headers.last(CONTROL_TOKEN.lower().encode()).encode("latin-1")
        if self._token and not hmac.compare_digest(given, self._token):
            return _WRONG_TOKEN if given else _NO_TOKEN
        return ""


@functools.lru_cache(_REMEMBERED)
def _parsed(host: str) -> Authority | None:
    return parse_authority(host)


def _without_zone(address: str) -> str:
    """An address of this machine as clients write it: without the interface (`%eth0`)."""
    return canonical_host(address.partition("%")[0])


class _Headers:
    """The headers of a request by name."""

    def __init__(self, pairs: RawHeaders) -> None:
        self._pairs = pairs

    def all(self, name: bytes) -> list[str]:
        return [str(value, "latin-1").strip() for key, value in self._pairs if key == name]

    def last(self, name: bytes) -> str:
        """The value that was added last, "" where there is none."""
        return "".join(self.all(name)[-1:])


def _is_json(method: str, headers: _Headers) -> bool:
    """Whether the body is JSON by its header; a DELETE, which no page may send, needs none."""
    kinds = headers.all(b"content-type")
    if not kinds:
        return method == "DELETE"
    return all(kind.partition(";")[0].strip().lower() == _JSON for kind in kinds)


def _forwarded_host(headers: _Headers) -> str:
    """What the proxy that is nearest to us was asked for, with its port if that is told apart."""
    host = headers.last(b"x-forwarded-host").rpartition(",")[2].strip()
    port = headers.last(b"x-forwarded-port").rpartition(",")[2].strip()
    authority = parse_authority(host)
    told_apart = authority is not None and authority.port is None and port.isdecimal()
    if told_apart and port not in ("80", "443"):
        return f"{host}:{port}"
    return host


def _without(path: str, prefix: str) -> str:
    """A path without a prefix that the proxy left in it; ours begin otherwise."""
    rest = path.removeprefix(prefix)
    return rest if prefix and _top(rest) in _tops() else path


def _top(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


@functools.cache
def _tops() -> frozenset[str]:
    """How the paths of this server begin."""
    return frozenset(_top(e.template) for e in endpoints().values()) | {_top(CDN_PATH)}


_BAD_PREFIX = (
    "Refused: X-Forwarded-Prefix must be a plain path such as /nemo; set it so in the proxy"
)
_NO_JSON = (
    "Refused: a call that changes something must have the header Content-Type: application/json; "
    "add it (curl: -H 'Content-Type: application/json')"
)
_NO_TOKEN = (
    f"Refused: the control interface of this server needs the header {CONTROL_TOKEN}; `nemolocal "
    "serve` prints its value at the start, NEMO_CONTROL_TOKEN and --control-token set it"
)
_WRONG_TOKEN = (
    f"Refused: {CONTROL_TOKEN} is not the token of this server; `nemolocal serve` prints it at the "
    "start, NEMO_CONTROL_TOKEN and --control-token set it"
)


def _unknown(text: str) -> str:
    authority = parse_authority(text)
    name = f" {authority.host[:_SHOWN]}" if authority is not None else ""
    return (
        f"Refused: {text[:_SHOWN]!r} is no name of this server; if it is meant to be one, start "
        f"the server with --allowed-host{name}"
    )


def _unreadable(hosts: list[str]) -> str:
    if not hosts:
        return "Refused: the request has no Host header; send the name of this server in it"
    shown = ", ".join(hosts)[:_SHOWN]
    return f"Refused: {shown!r} is no Host; send one name of this server, with its port"


def _foreign(page: str) -> str:
    return (
        f"Refused: a page {page}of another origin may not use the control interface; call it from "
        "a program, or from a page of this server"
    )
