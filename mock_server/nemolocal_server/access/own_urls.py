"""Recognizes URLs of this server itself, in any form in which it gives them out (pure).

Its own files are read from disk. A Host header can make a foreign address look like the server's
own, but then only a file of the server can be read there: nothing here decides to fetch a URL.
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
    """A file of this server that a URL names: in `media`, `renders` or `fixtures`."""

    folder: str
    name: str


class OwnUrls:
    """The server's addresses, as far as a request shows them."""

    def __init__(self, policy: AccessPolicy, access: AccessDecision) -> None:
        self._policy = policy
        self._access = access
        self._listened = access.listened

    def is_own(self, url: str) -> bool:
        """Return whether a URL is about this server, so that it is never fetched."""
        authority = _authority(url)
        return authority is not None and self._is_certain(authority)

    def find_file(self, url: str) -> OwnFile | None:
        """Return the file that a URL names, if its host is a name of this server.

        The port may be unknown here, since port mappings give the server other ones. So the host is
        enough for a file name that cannot be guessed. The file need not exist.
        """
        authority = _authority(url)
        if authority is None:
            return None
        is_certain = self._is_certain(authority)
        # A fixture has the same name on every server.
        found = _FILE.fullmatch(_path(url))
        if found is None or not (is_certain or found[1] != "fixtures"):
            return None
        if not is_certain and not self._policy.is_own_name(authority, self._listened[0]):
            return None
        return OwnFile(found[1], found[2])

    def _is_certain(self, authority: Authority) -> bool:
        known = list(self._access.authorities)
        if self._policy.public_url is not None:
            known.append(self._policy.public_url.authority)
        if any(authority.host == one.host and authority.port in _ports(one) for one in known):
            return True
        return authority.port == self._listened[1] and self._policy.is_own_name(
            authority, self._listened[0], exactly=True
        )


def _ports(authority: Authority) -> tuple[int, ...]:
    """A host without a port has the default ports of http and https."""
    return tuple(DEFAULT_PORTS.values()) if authority.port is None else (authority.port,)


def _authority(url: str) -> Authority | None:
    """Return the host and port of an http or https URL; None for other URLs."""
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
    """Return the path as a server reads it: decoded, without `.`, `..` and double slashes."""
    parts = _split(url)
    path = "" if parts is None else unquote(parts.path).replace("\\", "/")
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
