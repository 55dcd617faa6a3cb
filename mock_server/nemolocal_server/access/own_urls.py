"""Which URLs are about this server itself, in any spelling that it gives out (pure).

Files of its own are read from disk. Nothing here decides that something is fetched: a Host header
may make a foreign address ours, and then all that can be had there is a file that lies here.
"""

import posixpath
import re
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from ..data.sessions import CDN_PATH
from .access_policy import AccessDecision, AccessPolicy
from .addresses import DEFAULT_PORTS, Authority, canonical_numeric_host

_FILE = re.compile(rf"(?:/.*)?{CDN_PATH}/(media|renders|fixtures)/([A-Za-z0-9_-]+\.[A-Za-z0-9]+)")


class OwnFile(msgspec.Struct, frozen=True):
    """A file of ours as a URL names it: in `media` or `renders`, or one of the `fixtures`."""

    folder: str
    name: str


class OwnUrls:
    """What is known of this server's addresses when a request comes in."""

    def __init__(self, policy: AccessPolicy, access: AccessDecision) -> None:
        self._policy = policy
        self._access = access
        self._listened = access.listened

    def is_own(self, url: str) -> bool:
        """Whether a URL is about this server: it is never fetched."""
        authority = _authority(url)
        return authority is not None and self._is_sure(authority)

    def find_file(self, url: str) -> OwnFile | None:
        """The file that a URL names, if its address is ours.

        A port mapping gives this server ports of which nobody here knows. So a host that is ours is
        enough for a name that cannot be guessed; whether the file is here is for others to look.
        """
        authority = _authority(url)
        if authority is None:
            return None
        sure = self._is_sure(authority)
        # A fixture has the same name everywhere.
        found = _FILE.fullmatch(_path(url))
        if found is None or not (sure or found[1] != "fixtures"):
            return None
        if not sure and not self._policy.is_own_name(authority, self._listened[0]):
            return None
        return OwnFile(found[1], found[2])

    def _is_sure(self, authority: Authority) -> bool:
        known = list(self._access.authorities)
        if self._policy.public_url is not None:
            known.append(self._policy.public_url.authority)
        if any(authority.host == one.host and authority.port in _ports(one) for one in known):
            return True
        return authority.port == self._listened[1] and self._policy.is_own_name(
            authority, self._listened[0], exactly=True
        )


def _ports(authority: Authority) -> tuple[int, ...]:
    """Who is named without a port may be asked by http or https."""
    return tuple(DEFAULT_PORTS.values()) if authority.port is None else (authority.port,)


def _authority(url: str) -> Authority | None:
    """The host of an http or https URL, and its port; None where there is none."""
    parts = _split(url)
    if parts is None or parts.scheme not in DEFAULT_PORTS:
        return None
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    return (
        Authority(canonical_numeric_host(host), port or DEFAULT_PORTS[parts.scheme])
        if host
        else None
    )


def _path(url: str) -> str:
    """The path as a server would read it: decoded, without `.`, `..` and doubled slashes."""
    parts = _split(url)
    path = "" if parts is None else unquote(parts.path).replace("\\", "/")
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
