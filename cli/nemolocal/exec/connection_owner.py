"""The user who owns a local connection, from the kernel's socket diagnostics (Linux)."""

import errno
import functools
import os
import socket
import struct

_ROOT = 0
_HEADER, _BY_FAMILY, _REQUEST, _ERROR = "=IHHII", 20, 0x1, 2
_DIAGNOSIS = 4  # NETLINK_SOCK_DIAG
_ANY_STATE, _NO_COOKIE = 0xFFFF_FFFF, b"\xff" * 8
# A reply: header, four one-byte fields, the two ports, addresses, timers, owner.
_PORTS_AT, _OWNER_AT = 16 + 4, 16 + 4 + 48 + 12
_MAX_ANSWER_BYTES = 8192

SocketAddress = tuple[str, int]
"""Host and port of one end of a connection."""


def find_owner(server: SocketAddress, client: SocketAddress) -> int | None:
    """Return the user id that owns the client's end of a connection; None if it is unknown."""
    try:
        answer = _query_kernel(_netlink_request(server, client))
        return _owner(answer, server, client)
    except (OSError, struct.error):
        return None


def is_own_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Whether a client is known to run as the user of this process, or as root."""
    found = find_owner(server, client)
    return found is not None and found in (os.geteuid(), _ROOT)


def is_allowed_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Whether a client runs as this user; always True where the system cannot say."""
    return is_own_connection(server, client) or not can_find_owners()


def may_be_own_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Like `is_allowed_connection`, but True for a client that has already disconnected."""
    return find_owner(server, client) is None or is_allowed_connection(server, client)


@functools.cache
def can_find_owners() -> bool:
    """Whether this system can report the owner of a connection."""
    nobody = ("127.0.0.1", 0)
    try:
        answer = _query_kernel(_netlink_request(nobody, nobody))
    except OSError:
        return False
    return _error(answer) == errno.ENOENT


def _netlink_request(server: SocketAddress, client: SocketAddress) -> bytes:
    """Return the query of `ss -t`, for a single connection."""
    ports = struct.pack("!HH", client[1], server[1])
    addresses = b"".join(_packed(end).ljust(16, b"\0") for end in (client, server))
    wanted = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE)
    body = wanted + ports + addresses + bytes(4) + _NO_COOKIE
    length = struct.calcsize(_HEADER) + len(body)
    return struct.pack(_HEADER, length, _BY_FAMILY, _REQUEST, 1, 0) + body


def _packed(end: SocketAddress) -> bytes:
    return socket.inet_aton(end[0].removeprefix("::ffff:"))


def _query_kernel(question: bytes) -> bytes:
    """Send a query to the kernel; raises OSError if the system has no socket diagnostics."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "there is no netlink")
    with socket.socket(family, socket.SOCK_RAW, _DIAGNOSIS) as kernel:
        kernel.send(question)
        return kernel.recv(_MAX_ANSWER_BYTES)


def _error(answer: bytes) -> int:
    """Return the error number of a reply, positive; 0 if there is none."""
    _, kind, *_ = struct.unpack_from(_HEADER, answer)
    return -int(struct.unpack_from("=i", answer, 16)[0]) if kind == _ERROR else 0


def _owner(answer: bytes, server: SocketAddress, client: SocketAddress) -> int | None:
    if _error(answer):
        return None
    # If the connection is gone, the kernel reports the listening socket.
    if struct.unpack_from("!HH", answer, _PORTS_AT) != (client[1], server[1]):
        return None
    user, node = struct.unpack_from("=II", answer, _OWNER_AT)
    # A socket without an owner is reported as root's, with inode 0.
    return int(user) if node else None
