"""Uploads as large as the limit: cut off there, and never in the memory of the server.

The full sizes (3 GB against the limit of 2 GB) are for the night; other tests have the same at a
twentieth and at a fiftieth, under limits set to that.
"""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.media import MB
from tests.support import patient_http

ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0").headers()
MEMORY_KB = 150_000
# What may be under way between the sender and the server: socket buffers of both and a chunk.
IN_FLIGHT = 16 * MB
CHUNK = bytes(MB)
# The limit of the server (None: the skill's own, 2 GB), the announced and the accepted size.
SIZES: list[Any] = [
    (40 * MB, 60 * MB, 25 * MB),
    (100 * MB, 150 * MB, 50 * MB),
    pytest.param(None, 3000 * MB, 500 * MB, marks=pytest.mark.nightly),
]

# The server as `nemolocal serve` runs it, with a limit that the command line has no option for.
_SERVE = """
import sys
from pathlib import Path
from nemolocal_server.serving import serve
from nemolocal_server.settings import Settings
limit = int(sys.argv[2]) or None
serve(Settings(port=0, data_dir=Path(sys.argv[1]), upload_limit=limit), lambda u: print(u, flush=1))
"""


class Serving(msgspec.Struct):
    """A server in a process of its own, and a caller with a session."""

    http: httpx.Client
    process_id: int
    upload_path: str
    data: Path

    def peak_memory_kb(self) -> int:
        status = Path(f"/proc/{self.process_id}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])

    def connect(self, content_length: int) -> socket.socket:
        """A connection on which an upload of this length has been announced."""
        url = self.http.base_url
        connection = socket.create_connection((url.host, url.port or 80), timeout=120)
        head = (
            f"POST {self.upload_path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {self.http.headers['Authorization']}\r\n"
            f"X-Skill-Source: {ATTRIBUTION['X-Skill-Source']}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {content_length}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode())
        return connection


@contextlib.contextmanager
def serving(data: Path, limit: int | None) -> Iterator[Serving]:
    command = [sys.executable, "-c", _SERVE, str(data), str(limit or 0)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        try:
            with patient_http.Client(base_url=base_url, headers=ATTRIBUTION, timeout=120) as http:
                yield open_session(http, process.pid, data)
        finally:
            process.kill()


def open_session(http: httpx.Client, process_id: int, data: Path) -> Serving:
    reply = http.post("/api/auth/anonymous-token", headers={"X-Client-Id": "c"}).json()
    http.headers["Authorization"] = f"Bearer {reply['data']['token']}"
    session = http.post("/api/tasks/me/with-session/nemo_agent", json={}).json()["data"]
    path = f"/api/upload-video/nemo_agent/me/{session['session_id']}"
    return Serving(http, process_id, path, data)


PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="big.mp4"\r\n\r\n'
END = b"\r\n--b--\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "announced", "_accepted"), SIZES)
def test_a_body_over_the_limit_is_4002_when_no_more_than_the_limit_was_read(
    tmp_path: Path, limit: int | None, announced: int, _accepted: int
) -> None:
    with serving(tmp_path / "data", limit) as server:
        with server.connect(announced) as connection:
            sent = send_until_refused(connection, announced)
            answer = b"".join(iter(lambda: connection.recv(100_000), b""))
        assert b'"code":4002' in answer
        assert sent <= (limit or 2000 * MB) + IN_FLIGHT
        assert list((server.data / "work").iterdir()) == []
        assert server.peak_memory_kb() < MEMORY_KB


def send_until_refused(connection: socket.socket, announced: int) -> int:
    """Send zeros as fast as they are taken, until the other side hangs up: how much it took."""
    connection.sendall(PART)
    sent = len(PART)
    with contextlib.suppress(ConnectionError):
        while sent < announced:
            sent += connection.send(CHUNK)
    return sent


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "_announced", "accepted"), SIZES)
def test_a_large_file_is_accepted_in_the_same_memory(
    tmp_path: Path, sample: Path, limit: int | None, _announced: int, accepted: int
) -> None:
    # An MP4 may end in a box called `free`, of any length.
    film = sample.read_bytes()
    padding = accepted - len(film)
    free = padding.to_bytes(4, "big") + b"free"
    with serving(tmp_path / "data", limit) as server:
        with server.connect(len(PART) + accepted + len(END)) as connection:
            connection.sendall(PART + film + free)
            for start in range(len(free), padding, MB):
                connection.sendall(CHUNK[: padding - start])
            connection.sendall(END)
            answer = b"".join(iter(lambda: connection.recv(100_000), b""))
        assert b'"code":0' in answer, answer
        assert b'"duration":2.0' in answer
        (kept,) = (server.data / "media").iterdir()
        assert kept.stat().st_size == accepted
        assert server.peak_memory_kb() < MEMORY_KB
