"""Whose a connection on this machine is, where the system tells (Linux)."""

import errno
import functools
import os
import socket
import struct

_ROOT = 0
_HEADER, _BY_FAMILY, _REQUEST, _ERROR = "=IHHII", 20, 0x1, 2
_DIAGNOSIS = 4  # NETLINK_SOCK_DIAG
_ANY_STATE, _NO_COOKIE = 0xFFFF_FFFF, b"\xff" * 8
# In an answer: a header, four small fields, the two ports; after addresses and timers the owner.
_PORTS_AT, _OWNER_AT = 16 + 4, 16 + 4 + 48 + 12
_MAX_ANSWER_BYTES = 8192

SocketAddress = tuple[str, int]
"""A host and a port, one end of a connection."""


def find_owner(server: SocketAddress, client: SocketAddress) -> int | None:
    """The user id behind the client's end of a connection; None where it is not told."""
    try:
        answer = _query_kernel(_netlink_request(server, client))
        return _owner(answer, server, client)
    except (OSError, struct.error):
        return None


def is_own_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Whether a client is known to be of the user whose process this is, or root."""
    found = find_owner(server, client)
    return found is not None and found in (os.geteuid(), _ROOT)


def is_allowed_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Whether a client is the user's own; all are where the system does not tell."""
    return is_own_connection(server, client) or not can_find_owners()


def may_be_own_connection(server: SocketAddress, client: SocketAddress) -> bool:
    """Like `is_allowed_connection`, but who hung up at once, and is known no more, is believed."""
    return find_owner(server, client) is None or is_allowed_connection(server, client)


@functools.cache
def can_find_owners() -> bool:
    """Whether this system tells whose a connection is."""
    nobody = ("127.0.0.1", 0)
    try:
        answer = _query_kernel(_netlink_request(nobody, nobody))
    except OSError:
        return False
    return _error(answer) == errno.ENOENT


def _netlink_request(server: SocketAddress, client: SocketAddress) -> bytes:
    """`ss -t`, for one connection alone."""
    ports = struct.pack("!HH", client[1], server[1])
    addresses = b"".join(_packed(end).ljust(16, b"\0") for end in (client, server))
    wanted = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE)
    body = wanted + ports + addresses + bytes(4) + _NO_COOKIE
    length = struct.calcsize(_HEADER) + len(body)
    return struct.pack(_HEADER, length, _BY_FAMILY, _REQUEST, 1, 0) + body


def _packed(end: SocketAddress) -> bytes:
    return socket.inet_aton(end[0].removeprefix("::ffff:"))


def _query_kernel(question: bytes) -> bytes:
    """What the kernel says; raises OSError where it is not asked such things."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "there is no netlink")
    with socket.socket(family, socket.SOCK_RAW, _DIAGNOSIS) as kernel:
        kernel.send(question)
        return kernel.recv(_MAX_ANSWER_BYTES)


def _error(answer: bytes) -> int:
    """The error in an answer, as a positive number; 0 where there is none."""
    _, kind, *_ = struct.unpack_from(_HEADER, answer)
    return -int(struct.unpack_from("=i", answer, 16)[0]) if kind == _ERROR else 0


def _owner(answer: bytes, server: SocketAddress, client: SocketAddress) -> int | None:
    if _error(answer):
        return None
    # Where there is no such connection any more, whoever listens is found.
    if struct.unpack_from("!HH", answer, _PORTS_AT) != (client[1], server[1]):
        return None
    user, node = struct.unpack_from("=II", answer, _OWNER_AT)
    # What nobody holds any more has no owner, and is said to be root's.
    return int(user) if node else None
