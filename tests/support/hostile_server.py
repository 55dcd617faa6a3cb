"""A server that answers in ways that hold a client up, or lead it astray."""

import contextlib
import socket
import threading
from typing import Any

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
# Path → what is sent at once, and what again and again: every 50 ms, for 20 s at most.
ANSWERS = {
    "/head": (OK + b"X: ", b"a"),
    "/heads": (OK, b"a: b\r\n"),
    "/continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/body": (OK + b"Content-Length: 999999\r\n\r\n", b"a"),
    "/chunks": (OK + CHUNKED, b"1\r\na\r\n"),
    "/trailers": (OK + CHUNKED + b"0\r\n", b"a: b\r\n"),
    "/nothing": (b"", b""),
    "/large-head": (OK + b"X: " + b"a" * 1_000_000, b""),
    "/noise": (b"\x00\xff" * 500, b""),
    "/ends": (b"", None),
    "/bracket": (FOUND + b"Location: http://[::1\r\n\r\n", None),
    "/escape": (FOUND + b"Location: http://\x1b]0;x\x07/\r\n\r\n", None),
    "/nowhere": (FOUND + b"\r\n", None),
    "/name": (FOUND + b"Location: http://a..b/x.mp4\r\n\r\n", None),
}
_PAUSE, _TIMES = 0.05, 400


class HostileServer:
    """Answers each request as `ANSWERS` says, by the path without its extension."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        self._start(self._accept)

    def close(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Any, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._start(self._answer, self._listener.accept()[0])

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            line = client.recv(65_536).partition(b"\r\n")[0]
            if not line:  # given up before it was asked
                return
            self.asked.append(line)
            path = line.split(b" ")[1].decode().partition(".")[0]
            first, again = ANSWERS.get(
                path, (b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", None)
            )
            client.sendall(first)
            for _ in range(_TIMES if again is not None else 0):
                if self._ended.wait(_PAUSE):
                    return
                client.sendall(again or b"")
