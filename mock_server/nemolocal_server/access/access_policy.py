"""Decides whether a request is accepted, and by which URL its sender reaches this server (pure).

Any web page can make a browser send requests to a server of this machine: by a form, by a `fetch`
whose response it cannot read, or under a name of its own (DNS rebinding). Such requests differ from
those of a program in the Host, the Origin and the Content-Type, which the page cannot choose.
"""

import functools
import hmac
import ipaddress
from collections.abc import Sequence

import msgspec

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.endpoints import (
    CONTROL_PREFIX,
    CONTROL_TOKEN,
    FARM_PREFIX,
    HEALTH,
    UI_COOKIE,
    UI_SIGN_IN,
    UI_STATIC,
    endpoints,
)

from ..data.sessions import CDN_PATH
from ..settings import Settings
from .addresses import (
    Authority,
    Origin,
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

_MAX_SHOWN = 100
# The same few hosts come with every request.
_CACHED_HOSTS = 64
_SAME_SITE = frozenset({"same-origin", "none"})
_CHANGING = frozenset({"POST", "DELETE"})
_JSON = "application/json"


class AccessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a request that the decision depends on.

    `peer` is the remote address of the connection, `listened` the local one, `scheme` the one that
    the sender used, as far as a trusted proxy says.
    """

    method: str
    path: str
    scheme: str
    headers: RawHeaders
    peer: str = ""
    listened: tuple[str, int] = ("", 0)


class AccessDecision(msgspec.Struct, frozen=True):
    """The result.

    `refusal` is the reason in one sentence, "" if the request is accepted. URLs in the response
    begin with `base_url`, `path` is the path without the prefix of a proxy, `authorities` are the
    names by which the sender may know this server, `listened` the local address.
    """

    path: str
    base_url: str = ""
    refusal: str = ""
    authorities: tuple[Authority, ...] = ()
    listened: tuple[str, int] = ("", 0)

    @property
    def lacks_token(self) -> bool:
        """Whether the control token is all that is missing."""
        return self.refusal in (_NO_TOKEN, _WRONG_TOKEN)


class AccessPolicy:
    """The access rules of a server's settings; `public_url` is the URL that they give it."""

    def __init__(self, settings: Settings) -> None:
        self._patterns = frozenset(map(canonical_pattern, settings.allowed_hosts))
        self._names = frozenset(pattern for pattern in self._patterns if "*" not in pattern)
        self.public_url = parse_public_url(settings.public_url) if settings.public_url else None
        # An empty host is every address of this machine, like `0.0.0.0`.
        self._listened = canonical_host(settings.host or "0.0.0.0")
        self._token = settings.control_token.encode()
        self._is_own_name_cached = functools.lru_cache(_CACHED_HOSTS)(self.is_own_name)
        self._proxies = [ipaddress.ip_network(p, strict=False) for p in settings.trusted_proxies]

    def evaluate(self, request: AccessRequest) -> AccessDecision:
        """Accept a request, or say why not."""
        headers, listened = _Headers(request.headers), request.listened[0]
        hosts = headers.all(b"host")
        host = _parse_host(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return AccessDecision(request.path, refusal=_invalid_host(hosts))
        if not self._is_own_name_cached(host, listened):
            return AccessDecision(request.path, refusal=_unknown_host(hosts[0]))
        shown, public, prefix = hosts[0], host, ""
        if self._proxies and self._is_proxy(request.peer):
            shown = _forwarded_host(headers) or shown
            forwarded = parse_authority(shown)
            if forwarded is None or not self._is_own_name_cached(forwarded, listened):
                return AccessDecision(request.path, refusal=_unknown_host(shown))
            given = canonical_prefix(headers.last(b"x-forwarded-prefix"))
            if given is None:
                return AccessDecision(request.path, refusal=_BAD_PREFIX)
            public, prefix = forwarded, given
        base = f"{request.scheme}://{shown}{prefix}"
        if self.public_url is not None:
            base, prefix = self.public_url.text, self.public_url.prefix
        path = _remove_prefix(request.path, prefix)
        refusal = ""
        if _is_control_path(path):
            origins = {origin_of(request.scheme, public), origin_of(request.scheme, host)}
            origins |= {self.public_url.origin} if self.public_url else set()
            refusal = self._control_refusal(request.method, path, headers, origins)
        return AccessDecision(path, base, refusal, (host, public), request.listened)

    def is_own_name(self, authority: Authority, listened: str, *, exactly: bool = False) -> bool:
        """Return whether this is a name of the server: loopback, its address or in the settings.

        `exactly` ignores patterns, which may match names of other servers too.
        """
        host = authority.host
        return (
            is_loopback(host)
            or host == self._listened
            or (ip_address(host) is not None and host == _without_zone(listened))
            or (self.public_url is not None and host == self.public_url.authority.host)
            or matches_any_pattern(authority, self._names if exactly else self._patterns)
        )

    def _is_proxy(self, peer: str) -> bool:
        address = ip_address(peer)
        return address is not None and any(address in network for network in self._proxies)

    def is_control_token(self, text: str) -> bool:
        """Return whether this is the control token; False if the server needs none."""
        return bool(self._token) and hmac.compare_digest(text.encode(), self._token)

    @property
    def ui_cookie(self) -> str:
        """The value of the cookie that stands for the control token in a browser.

        It is made of the token and does not reveal it: cookies also reach other ports of the host.
        """
        return hmac.digest(self._token, UI_COOKIE.encode(), "sha256").hex()

    def _control_refusal(
        self, method: str, path: str, headers: "_Headers", own: set[Origin]
    ) -> str:
        origin, site = headers.last(b"origin"), headers.last(b"sec-fetch-site")
        if origin and parse_origin(origin) not in own:
            return _foreign_page(
                f" ({truncate_text(origin, _MAX_SHOWN)!r})" if origin != "null" else ""
            )
        if site and site not in _SAME_SITE:
            return _foreign_page("")
        if method in _CHANGING and not _is_json(method, headers):
            return _NO_JSON
        if not self._token or path == UI_SIGN_IN or path.startswith(f"{UI_STATIC}/"):
            return ""
        given = headers.last(CONTROL_TOKEN.lower().encode())
        if given:
            is_known = hmac.compare_digest(given.encode("latin-1"), self._token)
            return "" if is_known else _WRONG_TOKEN
        cookie = headers.cookie(UI_COOKIE).encode("latin-1")
        return "" if hmac.compare_digest(cookie, self.ui_cookie.encode()) else _NO_TOKEN


def _is_control_path(path: str) -> bool:
    """Return whether a path is guarded as the control API; workers sign the paths of the farm."""
    if path == HEALTH.template or path.startswith(f"{FARM_PREFIX}/"):
        return False
    return path.startswith(CONTROL_PREFIX)


@functools.lru_cache(_CACHED_HOSTS)
def _parse_host(host: str) -> Authority | None:
    return parse_authority(host)


def _without_zone(address: str) -> str:
    """Return a local address as clients write it: without the interface (`%eth0`)."""
    return canonical_host(address.partition("%")[0])


class _Headers:
    """The headers of a request by name."""

    def __init__(self, pairs: RawHeaders) -> None:
        self._pairs = pairs

    def all(self, name: bytes) -> list[str]:
        return [str(value, "latin-1").strip() for key, value in self._pairs if key == name]

    def last(self, name: bytes) -> str:
        """Return the last value, "" if there is none."""
        return "".join(self.all(name)[-1:])

    def cookie(self, name: str) -> str:
        """Return the value of a cookie, "" if there is none."""
        pairs = (
            pair.strip().partition("=") for text in self.all(b"cookie") for pair in text.split(";")
        )
        return next((value for key, _, value in pairs if key == name), "")


def _is_json(method: str, headers: _Headers) -> bool:
    """Return whether the Content-Type is JSON; DELETE, which no page may send, needs none."""
    kinds = headers.all(b"content-type")
    if not kinds:
        return method == "DELETE"
    return all(kind.partition(";")[0].strip().lower() == _JSON for kind in kinds)


def _forwarded_host(headers: _Headers) -> str:
    """Return the host of X-Forwarded-Host, with X-Forwarded-Port if that is sent separately.

    The last value of a list is that of the nearest proxy.
    """
    host = headers.last(b"x-forwarded-host").rpartition(",")[2].strip()
    port = headers.last(b"x-forwarded-port").rpartition(",")[2].strip()
    authority = parse_authority(host)
    is_separate = authority is not None and authority.port is None and port.isdecimal()
    return f"{host}:{port}" if is_separate and port not in ("80", "443") else host


def _remove_prefix(path: str, prefix: str) -> str:
    """Remove a prefix that the proxy left in a path, unless the path is the server's own."""
    rest = path.removeprefix(prefix)
    return rest if prefix and _first_segment(rest) in _first_segments() else path


def _first_segment(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


@functools.cache
def _first_segments() -> frozenset[str]:
    """The first segments of this server's paths."""
    templates = [endpoint.template for endpoint in endpoints().values()]
    return frozenset(map(_first_segment, [*templates, CDN_PATH]))


_BAD_PREFIX = (
    "Refused: X-Forwarded-Prefix must be a plain path such as /nemo; correct it in the proxy"
)
_NO_JSON = (
    "Refused: a call that changes something needs the header Content-Type: application/json; "
    "add it (curl: -H 'Content-Type: application/json')"
)
_NO_TOKEN = (
    f"Refused: the control API of this server needs the header {CONTROL_TOKEN}; `nemolocal serve` "
    "prints its value when it starts, NEMO_CONTROL_TOKEN and --control-token set it"
)
_WRONG_TOKEN = (
    f"Refused: {CONTROL_TOKEN} is not the token of this server; `nemolocal serve` prints it when "
    "it starts, NEMO_CONTROL_TOKEN and --control-token set it"
)


def _unknown_host(text: str) -> str:
    authority = parse_authority(text)
    name = f" {authority.host[:_MAX_SHOWN]}" if authority is not None else ""
    shown = truncate_text(text, _MAX_SHOWN)
    return (
        f"Refused: {shown!r} is not a name of this server; if it should be one, start "
        f"the server with --allowed-host{name}"
    )


def _invalid_host(hosts: list[str]) -> str:
    if not hosts:
        return "Refused: the request has no Host header; send the name of this server in it"
    shown = truncate_text(", ".join(hosts), _MAX_SHOWN)
    return f"Refused: {shown!r} is not a valid Host; send one name of this server, with its port"


def _foreign_page(origin: str) -> str:
    return (
        f"Refused: a page of another origin{origin} may not use the control API; call it from a "
        "program, or from a page of this server"
    )
