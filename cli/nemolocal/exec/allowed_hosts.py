"""The hosts that a program may call besides the cloud: `HOST`, `HOST:PORT`."""

import re
from collections.abc import Iterable

import msgspec

from ..errors import UsageError

_DEFAULT_PORTS = (80, 443)
_MAX_PORT = 65_535
_WRITTEN = re.compile(r"(?:\[([0-9a-fA-F:.]{2,60})\]|([\w.-]{1,253}))(?::(\d{1,5}))?", re.ASCII)


class AllowedHost(msgspec.Struct, frozen=True):
    """A host and port that the program may reach."""

    host: str
    port: int


def parse_allowed_hosts(given: Iterable[str]) -> tuple[AllowedHost, ...]:
    """Parse a value of `--allow-host`; without a port it stands for ports 80 and 443."""
    return tuple(dict.fromkeys(one for text in given for one in _read(text)))


def _read(text: str) -> Iterable[AllowedHost]:
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or (match[3] and not 0 < int(match[3]) <= _MAX_PORT):
        raise UsageError(f"--allow-host must be HOST or HOST:PORT, not {text!r}")
    host = (match[1] or match[2]).lower()
    ports = (int(match[3]),) if match[3] else _DEFAULT_PORTS
    return [AllowedHost(host, port) for port in ports]
