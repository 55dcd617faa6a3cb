"""A recorder in this process, and a server that sends exactly the bytes that it is told to."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from nemolocal.exec.relay_thread import RelayThread
from nemolocal_contract.clock import Clock, WallClock
from nemolocal_recording.allowlist_redactor import AllowlistRedactor
from nemolocal_recording.exchange_recorder import RecordingSession
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.record_lines import Header
from nemolocal_recording.recording import ExchangeRecord, Recording, assemble
from nemolocal_recording.recording_file import RecordingFile, read_lines
from nemolocal_recording.recording_proxy import ProxySettings, RecordingProxy, Upstream
from nemolocal_recording.spending_limit import SpendingLimit

_RESET = struct.pack("ii", 1, 0)
Answer = Callable[[socket.socket], None]


class RunningRecorder:
    """A recorder: its base URL, its address, what it has told, and what it has recorded."""

    def __init__(self, port: int, path: Path, session: RecordingSession) -> None:
        self.address = ("127.0.0.1", port)
        self.base_url = f"http://127.0.0.1:{port}"
        self.path = path
        self.session = session
        self.told: list[str] = []

    def recording(self) -> Recording:
        return assemble(read_lines(self.path))

    def exchanges(self) -> list[ExchangeRecord]:
        return self.recording().exchanges


@contextlib.contextmanager
def running_recorder(
    upstream: str,
    path: Path,
    *,
    clock: Clock | None = None,
    redactor: AllowlistRedactor | None = None,
    limit: SpendingLimit | None = None,
) -> Iterator[RunningRecorder]:
    """Record the calls to a server in place of the cloud; the file is whole at the end."""
    parts = urlsplit(upstream)
    assert parts.hostname is not None
    server = Upstream(parts.hostname, parts.port or 80, parts.netloc)
    chosen = clock or WallClock()
    file = RecordingFile(path)
    file.write(Header(chosen.time(), "other"))
    session = RecordingSession(file.write, chosen, redactor or AllowlistRedactor(Pseudonyms()))
    with RelayThread().running() as relay:
        listener = socket.create_server(("127.0.0.1", 0))
        recorder = RunningRecorder(listener.getsockname()[1], path, session)
        settings = ProxySettings(
            server, {}, limit or SpendingLimit(1_000, 1_000), recorder.told.append
        )
        proxy = RecordingProxy(settings, session)
        relay.serve(listener, proxy.serve)
        try:
            yield recorder
        finally:
            relay.run_coroutine(proxy.close())
            file.close()


class RawServer:
    """Answers each connection by a function of its socket; keeps what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.name = self.base_url.removeprefix("http://")
        self.connections = 0
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = read_request(connection)
            if request:
                self.requests.append(request)
                self._answer(connection)


@contextlib.contextmanager
def raw_server(answer: Answer | bytes) -> Iterator[RawServer]:
    """A server that answers with these bytes, or by this function, and closes."""
    server = RawServer(_sender(answer) if isinstance(answer, bytes) else answer)
    try:
        yield server
    finally:
        server.close()


def _sender(content: bytes) -> Answer:
    return lambda connection: connection.sendall(content)


def reset(connection: socket.socket) -> None:
    """End a connection by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read a request with a Content-Length or no body."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65_536)
        if not block:
            return received
        received += block
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower()[:15] == b"content-length:"),
        0,
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def exchange_bytes(address: tuple[str, int], request: bytes) -> tuple[bytes, str]:
    """Send a request; return all that came, and how the connection ended."""
    received = b""
    with socket.create_connection(address, 60) as connection:
        connection.sendall(request)
        try:
            while block := connection.recv(65_536):
                received += block
        except ConnectionResetError:
            return received, "rst"
    return received, "fin"
