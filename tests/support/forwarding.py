"""What stands between a client and a server: a mapped port, and a reverse proxy with a prefix."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

Head = Callable[[bytes], bytes]


@contextlib.contextmanager
def mapped_port(target: str, change: Head = lambda head: head) -> Iterator[str]:
    """A port of this machine that leads to the server at `target`; its base URL.

    `change` makes another head of the first request of each connection.
    """
    host, _, port = target.removeprefix("http://").rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(
            target=_accept, args=(listener, (host.strip("[]"), int(port)), change), daemon=True
        )
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        # What waits in `accept` is woken by a last connection.
        listener.settimeout(0)
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), 1).close()
        thread.join()


@contextlib.contextmanager
def reverse_proxy(
    target: str, headers: Mapping[str, str], prefix: str = "", *, strip: bool = True
) -> Iterator[str]:
    """A proxy as nginx is one: `headers` stand in for those of the client, one request at a time.

    Paths begin with `prefix`, which is cut off with `strip`.
    """
    replaced = {name.lower() for name in headers} | {"connection"}

    def change(head: bytes) -> bytes:
        request, *lines = head.decode("latin-1").split("\r\n")
        method, path, version = request.split(" ")
        assert path.startswith(f"{prefix}/"), path
        kept = [line for line in lines if line.partition(":")[0].lower() not in replaced]
        added = [f"{name}: {value}" for name, value in headers.items()]
        request = f"{method} {path[len(prefix) :] if strip else path} {version}"
        return "\r\n".join([request, *kept, *added, "Connection: close"]).encode("latin-1")

    with mapped_port(target, change) as base_url:
        yield base_url + prefix


def _accept(listener: socket.socket, target: tuple[str, int], change: Head) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(client, target, change), daemon=True).start()


def _connect(client: socket.socket, target: tuple[str, int], change: Head) -> None:
    with client, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            received = client.recv(65_536)
            if not received:
                return
            head += received
        head, _, body = head.partition(b"\r\n\r\n")
        with socket.create_connection(target) as server:
            server.sendall(change(head) + b"\r\n\r\n" + body)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
