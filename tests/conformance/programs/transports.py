"""HTTP in four ways; each sends a request and returns a reply whose body is a stream of bytes."""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

TIMEOUT = 600.0


class Cut(Exception):
    """The connection broke before the reply was complete."""


class Reply:
    """A reply; `chunks` is read once, `body` is there after `read`."""

    def __init__(
        self,
        status: int,
        headers: dict[str, str],
        chunks: Iterator[bytes],
        close: Callable[[], object],
    ) -> None:
        self.status = status
        self.headers = headers
        self.chunks = chunks
        self.close = close
        self.body = b""

    def read(self) -> "Reply":
        self.body = b"".join(self.chunks)
        return self


def encode(body: Any, file: Path | None) -> tuple[bytes | None, dict[str, str]]:
    """The bytes of a request and the headers that describe them."""
    if file is not None:
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
            f'filename="{file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        data = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        return data, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if body is not None:
        return json.dumps(body).encode(), {"Content-Type": "application/json"}
    return None, {}


class Urllib:
    """A connection for each request."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __call__(
        self, method: str, path: str, headers: dict[str, str], body: Any, file: Path | None = None
    ) -> Reply:
        data, fields = encode(body, file)
        if method == "POST" and data is None:
            data = b""
        url = urljoin(self._base, path)
        request = urllib.request.Request(url, data, {**headers, **fields}, method=method)
        try:
            reply = self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            return _refusal(error)
        except (OSError, http.client.HTTPException) as error:
            raise Cut(str(error)) from error
        return _reply(reply)


class KeepAlive:
    """One connection for as many requests as it lasts."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._connection: http.client.HTTPConnection | None = None

    def __call__(
        self, method: str, path: str, headers: dict[str, str], body: Any, file: Path | None = None
    ) -> Reply:
        data, fields = encode(body, file)
        parts = urlsplit(urljoin(self._base, path))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        if self._connection is None:
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
        try:
            self._connection.request(method, target, data, {**headers, **fields})
            reply = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise Cut(str(error)) from error
        return Reply(reply.status, _lower(reply.headers.items()), self._chunks(reply), self._close)

    def _chunks(self, reply: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            yield from _read(reply)
            reply.close()  # it is complete: the connection may be used again
        except Cut:
            self._close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _reply(reply: Any) -> Reply:
    return Reply(reply.status, _lower(reply.headers.items()), _read(reply), reply.close)


def _refusal(error: urllib.error.HTTPError) -> Reply:
    """Read the reply of an error at once: the error closes it when it is forgotten."""
    try:
        body = error.read()
    except (OSError, http.client.HTTPException) as cut:
        raise Cut(str(cut)) from cut
    return Reply(error.code, _lower(error.headers.items()), iter([body]), error.close)


def _lower(items: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in items}


def _read(reply: Any) -> Iterator[bytes]:
    try:
        while chunk := reply.read1(65536):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise Cut(str(error)) from error
    if reply.length:
        raise Cut(f"{reply.length} bytes are missing")


class Curl:
    """A process for each request."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(
        self, method: str, path: str, headers: dict[str, str], body: Any, file: Path | None = None
    ) -> Reply:
        words = ["curl", "-sSN", "--noproxy", "*", "-X", method]
        for name, value in headers.items():
            words += ["-H", f"{name}: {value}"]
        if file is not None:
            words += ["-F", f"files=@{file}"]
        elif body is not None:
            words += ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)]
        heads = Path(tempfile.mkstemp()[1])
        words += ["-D", str(heads), urljoin(self._base, path)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert child.stdout is not None
        output = child.stdout
        first = output.read1(65536)  # type: ignore[attr-defined]

        def chunks() -> Iterator[bytes]:
            chunk = first
            while chunk:
                yield chunk
                chunk = output.read1(65536)  # type: ignore[attr-defined]
            if child.wait():
                raise Cut(f"curl ended with {child.returncode}")

        if not first and child.wait():
            raise Cut(f"curl ended with {child.returncode}")
        status, fields = _head(heads.read_bytes())
        heads.unlink()
        return Reply(status, fields, chunks(), child.kill)


class Sockets:
    """Bytes on a socket, with the names of headers in capitals.

    `STYLE` is JSON that says more: `version` (of HTTP), `names` (upper, lower or title), `order`
    (reversed), `chunk` (bytes in each chunk of a body), `piece` (bytes that are sent at a time),
    `headers` (further ones).
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._style = json.loads(os.environ.get("STYLE") or "{}")

    def __call__(
        self, method: str, path: str, headers: dict[str, str], body: Any, file: Path | None = None
    ) -> Reply:
        data, fields = encode(body, file)
        parts = urlsplit(urljoin(self._base, path))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = self._headers(parts.netloc, {**headers, **fields}, data or b"")
        start = f"{method} {target} HTTP/{self._style.get('version', '1.1')}"
        head = "\r\n".join([start, *(f"{name}: {value}" for name, value in sent), "", ""])
        request = head.encode() + self._framed(data or b"")
        try:
            there = (parts.hostname or "", parts.port or 80)
            connection = socket.create_connection(there, timeout=TIMEOUT)
            for piece in _split(request, self._style.get("piece", len(request))):
                connection.sendall(piece)
            received = b""
            while b"\r\n\r\n" not in received:
                received += _receive(connection)
        except OSError as error:
            raise Cut(str(error)) from error
        first, _, rest = received.partition(b"\r\n\r\n")
        status, answer = _head(first)
        return Reply(status, answer, _body(connection, answer, rest), connection.close)

    def _headers(self, host: str, headers: dict[str, str], data: bytes) -> list[tuple[str, str]]:
        """The headers, as the style wants them."""
        style = self._style
        length = {"Content-Length": str(len(data))}
        if data and "chunk" in style:
            length = {"Transfer-Encoding": "chunked"}
        further = style.get("headers", {})
        found = {"Host": host, **headers, **length, **further, "Connection": "close"}
        named = [(getattr(n, style.get("names", "upper"))(), v) for n, v in found.items()]
        return named[::-1] if style.get("order") == "reversed" else named

    def _framed(self, data: bytes) -> bytes:
        """The body, in chunks if the style wants them."""
        if not data or "chunk" not in self._style:
            return data
        parts = _split(data, self._style["chunk"])
        return b"".join([*(b"%x\r\n%b\r\n" % (len(p), p) for p in parts), b"0\r\n\r\n"])


def _split(data: bytes, size: int) -> Iterator[bytes]:
    return (data[begin : begin + size] for begin in range(0, len(data), size))


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers of the last head, which 100 may come before."""
    last = data.strip().split(b"\r\n\r\n")[-1].decode("latin-1")
    first, *lines = last.split("\r\n")
    fields = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in fields}


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise Cut("the connection was closed")
    return data


def _body(connection: socket.socket, headers: dict[str, str], rest: bytes) -> Iterator[bytes]:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            yield from _dechunk(connection, rest)
            return
        if "content-length" not in headers:
            while rest:
                yield rest
                rest = connection.recv(65536)
            return
        missing = int(headers.get("content-length", 0)) - len(rest)
        yield rest
        while missing > 0:
            data = _receive(connection)
            missing -= len(data)
            yield data
    except OSError as error:
        raise Cut(str(error)) from error


def _dechunk(connection: socket.socket, rest: bytes) -> Iterator[bytes]:
    while True:
        while b"\r\n" not in rest:
            rest += _receive(connection)
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        while len(rest) < size + 2:
            rest += _receive(connection)
        if not size:
            return
        yield rest[:size]
        rest = rest[size + 2 :]


TRANSPORTS: dict[str, Any] = {
    "urllib": Urllib,
    "http.client": KeepAlive,
    "curl": Curl,
    "socket": Sockets,
}
