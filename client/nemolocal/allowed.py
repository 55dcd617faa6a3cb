"""The hosts that a program may call besides the cloud: `HOST`, `HOST:PORT`."""

import re
from collections.abc import Iterable

import msgspec

from .problem import Usage

_USUAL = (80, 443)
_LAST_PORT = 65_535
_WRITTEN = re.compile(r"(?:\[([0-9a-fA-F:.]{2,60})\]|([\w.-]{1,253}))(?::(\d{1,5}))?", re.ASCII)


class Allowed(msgspec.Struct, frozen=True):
    """A host that is let through, and a port of it."""

    host: str
    port: int


def read_allowed(given: Iterable[str]) -> tuple[Allowed, ...]:
    """What `--allow-host` names: a port, or without one those of HTTP and HTTPS."""
    return tuple(dict.fromkeys(one for text in given for one in _read(text)))


def _read(text: str) -> Iterable[Allowed]:
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or (match[3] and not 0 < int(match[3]) <= _LAST_PORT):
        raise Usage(f"--allow-host must be HOST or HOST:PORT, not {text!r}")
    host = (match[1] or match[2]).lower()
    ports = (int(match[3]),) if match[3] else _USUAL
    return [Allowed(host, port) for port in ports]
