"""Whose a connection on this machine is, where the system tells (Linux)."""

import os
import socket
import struct
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _REMOTE, _USER, _INODE = 1, 2, 7, 9
_ROOT = 0

End = tuple[str, int]
"""A host and a port, one end of a connection."""


def owner(server: End, client: End) -> int | None:
    """The user id behind the client's end of a connection; None where it is not told."""
    ends = [_written(client), _written(server)]
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if [_plain(fields[_LOCAL]), _plain(fields[_REMOTE])] == ends:
                # What nobody holds any more has no owner, and is said to be root's.
                return int(fields[_USER]) if fields[_INODE] != "0" else None
    return None


def is_own(server: End, client: End) -> bool:
    """Whether a client is known to be of the user whose process this is, or root."""
    found = owner(server, client)
    return found is not None and found in (os.geteuid(), _ROOT)


def may_ask(server: End, client: End) -> bool:
    """Whether a client is the user's own; all are where the system does not tell."""
    return not _TABLES[0].exists() or is_own(server, client)


def may_be_own(server: End, client: End) -> bool:
    """Like `may_ask`, but who hung up at once, and so is known no more, is believed."""
    return owner(server, client) is None or may_ask(server, client)


def _written(end: End) -> str:
    """An address as the kernel's table has it, IPv4 only: `0100007F:1F90`."""
    try:
        packed = socket.inet_aton(end[0].removeprefix("::ffff:"))
    except OSError:
        return ""
    return f"{struct.unpack('=I', packed)[0]:08X}:{end[1]:04X}"


def _plain(written: str) -> str:
    """An address of the table without what makes it an IPv6 one."""
    host, _, port = written.partition(":")
    return f"{host[-8:]}:{port}"
