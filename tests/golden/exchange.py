"""HTTP as bytes: one request a connection, and the response as it came."""

import json
import re
import socket
from typing import Any

_BOUNDARY = "golden-boundary"
CUT = "<the connection ends before the reply does>"


class Reply:
    """A response as it came over the socket, or as much of it as came; its chunks put together."""

    def __init__(self, raw: bytes) -> None:
        head, blank, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.start, self.headers = plain_start(first), [plain_header(line) for line in lines]
        self.whole = bool(blank) and f"content-length: {len(self.body)}" in lines
        if "transfer-encoding: chunked" in lines:
            self.body, self.whole = _joined(self.body)

    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        head = "\n".join([self.start, *self.headers])
        body = self.body.decode("utf-8")
        end = "" if body.endswith("\n") else "\n"
        reported = "" if self.whole else f"{CUT}\n"
        return f"{head}\n\n{body}{end}{reported}"


def plain_start(line: str) -> str:
    """A status line without the words behind the number: those of 413 are new in Python 3.13."""
    return " ".join(line.split(" ")[:2])


def plain_header(line: str) -> str:
    """A header as it came; but methods in `allow` have no order (Starlette keeps them in a set)."""
    name, _, value = line.partition(": ")
    return f"{name}: {', '.join(sorted(value.split(', ')))}" if name == "allow" else line


def _joined(body: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body, and whether its last chunk came."""
    content = b""
    while (found := re.match(rb"([0-9a-fA-F]+)\r\n", body)) is not None:
        size, start = int(found[1], 16), found.end()
        if size == 0:
            return content, True
        content += body[start : start + size]
        body = body[start + size + 2 :]
    return content, False


def ask(address: str, request: bytes) -> Reply:
    """What a server at `host:port` answers: a whole response, or what there is where it is cut.

    It is the caller who closes the connection: a server that closes one on which it has not read
    everything resets it, and the response may be lost.
    """
    host, _, port = address.partition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        while not Reply(received).whole and (piece := connection.recv(65_536)):
            received += piece
    return Reply(received)


def multipart(*files: tuple[str, bytes], field: str = "files") -> dict[str, Any]:
    """The headers and the body of a form with these files."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
        "\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
    return {
        "headers": {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"},
        "body": body,
    }
