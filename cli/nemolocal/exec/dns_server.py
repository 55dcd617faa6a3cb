"""A DNS server for a sealed program: it resolves the hosts that may be called, and no others."""

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from typing import Any

import msgspec

_HEADER = 12
_MAX_LABEL_LENGTH = 63
_A, _AAAA, _INTERNET = 1, 28, 1
_TYPES = {4: _A, 6: _AAAA}
# Flags of a response: authoritative, recursion available, and desired if the query asks for it.
_ANSWERED, _RECURSION, _UNKNOWN_NAME, _NOT_IMPLEMENTED = 0x8480, 0x0100, 3, 4
_OPERATION = 0x7800
_POINTER = b"\xc0\x0c"


class DnsQuestion(msgspec.Struct, frozen=True):
    """The question of a query: name in lower case, record type, and the offset of its end."""

    name: str
    type: int
    end: int


def parse_question(query: bytes) -> DnsQuestion | None:
    """Parse the question of a query; None if there is not exactly one."""
    if len(query) < _HEADER or query[2] & 0x80 or query[4:6] != b"\x00\x01":
        return None
    labels, at = [], _HEADER
    while at < len(query) and 0 < query[at] <= _MAX_LABEL_LENGTH:
        labels.append(query[at + 1 : at + 1 + query[at]])
        at += 1 + query[at]
    if query[at : at + 1] != b"\x00" or len(query) < at + 5:
        return None
    name = b".".join(labels).decode("ascii", "replace").lower()
    return DnsQuestion(name, int.from_bytes(query[at + 1 : at + 3], "big"), at + 5)


def build_dns_response(query: bytes, addresses: Mapping[str, Collection[str]]) -> bytes:
    """Return the response to a query; empty bytes if it is not a query."""
    question = parse_question(query)
    if question is None:
        return b""
    flags = _ANSWERED | int.from_bytes(query[2:4], "big") & (_RECURSION | _OPERATION)
    known = addresses.get(question.name)
    if query[2] & (_OPERATION >> 8):
        flags, known = flags | _NOT_IMPLEMENTED, ()
    elif known is None:
        flags, known = flags | _UNKNOWN_NAME, ()
    found = [ip_address(text) for text in known]
    records = [ip.packed for ip in found if _TYPES[ip.version] == question.type]
    counts = (1, len(records), 0, 0)
    head = query[:2] + flags.to_bytes(2, "big") + b"".join(n.to_bytes(2, "big") for n in counts)
    kind = question.type.to_bytes(2, "big") + _INTERNET.to_bytes(2, "big") + bytes(4)
    answers = [_POINTER + kind + len(ip).to_bytes(2, "big") + ip for ip in records]
    return head + query[_HEADER : question.end] + b"".join(answers)


class DnsServer(asyncio.DatagramProtocol):
    """Answers queries on a socket; `refuse` is called with each unknown host."""

    def __init__(
        self, addresses: Mapping[str, Collection[str]], refuse: Callable[[str], None]
    ) -> None:
        self._addresses = addresses
        self._refuse = refuse
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport for responses."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one query."""
        question = parse_question(data)
        if question and question.type in _TYPES.values() and question.name not in self._addresses:
            self._refuse(question.name)
        if reply := build_dns_response(data, self._addresses):
            self._transport.sendto(reply, addr)


async def serve_dns(
    listener: socket.socket,
    addresses: Mapping[str, Collection[str]],
    refuse: Callable[[str], None],
) -> asyncio.DatagramTransport:
    """Answer queries on a socket until the returned transport is closed."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    transport, _ = await loop.create_datagram_endpoint(
        lambda: DnsServer(addresses, refuse), sock=listener
    )
    return transport
