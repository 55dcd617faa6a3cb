"""HTTP load from raw sockets, light enough that the server is measured and not the sender."""

import asyncio
import time

import msgspec

from .server_process import ServerProcess

_CONNECTIONS = 32


class _KeepAliveConnection(asyncio.Protocol):
    """A keep-alive connection that sends the next request as soon as the response is complete.

    Responses to one request have equal length, so only the first is parsed and the others are
    counted.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._expected = 0
        self._received = b""
        self._length = 0
        self._transport: asyncio.Transport | None = None
        self.answers = 0
        self.status = b""
        self.lost = asyncio.get_running_loop().create_future()
        self.first_answer = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._length += len(data)
        if not self._expected:
            self._received += data
            self._expected = _whole_length(self._received)
            self.status = self._received[9:12]
        if self._expected and self._length >= self._expected:
            self._length = 0
            self.answers += 1
            self.first_answer.set()
            assert self._transport is not None
            self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost.set_result(None)
        self.first_answer.set()

    def disconnect(self) -> None:
        assert self._transport is not None
        self._transport.abort()


def _whole_length(received: bytes) -> int:
    """Return the length of a response once its head is complete; else 0."""
    head, end, _ = received.partition(b"\r\n\r\n")
    if not end:
        return 0
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(head) + len(end) + int(length)


class RequestRate(msgspec.Struct, frozen=True):
    """Requests per second, the CPU time of each (µs), and the response statuses.

    The CPU time is the server's: it is more reliable when other work disturbs the measurement.
    """

    per_second: float
    cpu_microseconds: float | None
    statuses: frozenset[str]


async def measure_rate(server: ServerProcess, path: str, token: str, seconds: float) -> RequestRate:
    """Measure how many requests per second the server answers on kept-alive connections."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
        f"Authorization: Bearer {token}\r\nX-Skill-Source: bench\r\n"
        "X-Skill-Version: 1.0.0\r\nX-Skill-Platform: unknown\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    callers = [
        (
            await loop.create_connection(
                lambda: _KeepAliveConnection(request), server.host, server.port
            )
        )[1]
        for _ in range(_CONNECTIONS)
    ]
    # On a busy machine the first responses may take longer than the whole measurement.
    await asyncio.gather(*(caller.first_answer.wait() for caller in callers))
    before, started = sum(caller.answers for caller in callers), time.perf_counter()
    cpu_before = server.cpu_seconds()
    answers = 0
    # If none came, measure longer.
    while not answers and not any(caller.lost.done() for caller in callers):
        await asyncio.sleep(seconds)
        answers = sum(caller.answers for caller in callers) - before
    elapsed, cpu = time.perf_counter() - started, server.cpu_seconds()
    each = None if cpu is None or cpu_before is None else (cpu - cpu_before) / max(answers, 1) * 1e6
    for caller in callers:
        caller.disconnect()
    await asyncio.gather(*(caller.lost for caller in callers))
    statuses = frozenset(caller.status.decode() for caller in callers if caller.status)
    return RequestRate(answers / elapsed, each, statuses)
