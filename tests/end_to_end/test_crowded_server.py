"""More connections than descriptors: whoever asks something is answered all the same."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import wave
from pathlib import Path

import httpx
import pytest

from tests.support import patient_http
from tests.support.http_caller import HttpCaller

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc says what a process has used"),
]

DESCRIPTORS, CONNECTIONS = 128, 300
LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
from nemolocal.main import main
sys.exit(main(["serve", "--port", "0", "--data", ""]))
"""
SECONDS, MEGABYTES = 1.0, 300.0


def seconds_of(pid: int) -> float:
    """The processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes_of(pid: int) -> float:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000],
    ids=["silent", "half a line", "large heads"],
)
def test_half_open_connections_keep_nobody_out(sent: bytes) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", LIMITED],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server,
        contextlib.ExitStack() as stack,
    ):
        assert server.stdout is not None
        assert server.stderr is not None
        base_url = server.stdout.readline().split()[3]
        host, _, port = base_url.removeprefix("http://").partition(":")
        before = seconds_of(server.pid)
        for _ in range(CONNECTIONS):
            half = stack.enter_context(socket.create_connection((host, int(port))))
            with contextlib.suppress(ConnectionError):
                half.sendall(sent)
        for _ in range(3):
            assert patient_http.get(f"{base_url}/__nemolocal__/health").status_code == 200
        assert seconds_of(server.pid) - before < SECONDS
        assert megabytes_of(server.pid) < MEGABYTES
        server.send_signal(signal.SIGINT)
        said = server.stderr.read()
    assert said.count("connections are open") == 1
    assert "Traceback" not in said


def test_downloads_that_nobody_reads_keep_nobody_out() -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", LIMITED],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server,
        contextlib.ExitStack() as stack,
    ):
        assert server.stdout is not None
        assert server.stderr is not None
        base_url = server.stdout.readline().split()[3]
        host, _, port = base_url.removeprefix("http://").partition(":")
        caller = HttpCaller(base_url)
        with caller.http:
            caller.connect()
            path = f"/api/upload-video/nemo_agent/me/{caller.session}"
            files = [("files", ("long.wav", long_sound()))]
            uploaded = caller.post(path, files=files)["data"]["files"][0]["cdn_url"]
        request = f"GET {httpx.URL(uploaded).path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        heads = []
        for _ in range(DESCRIPTORS // 2 - 4):
            unread = stack.enter_context(socket.socket())
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            unread.connect((host, int(port)))
            unread.sendall(request)
            heads.append(unread.recv(12))
            assert patient_http.get(f"{base_url}/__nemolocal__/health").status_code == 200
        stack.close()
        server.send_signal(signal.SIGINT)
        said = server.stderr.read()
    assert heads[:32] == [b"HTTP/1.1 200"] * 32
    assert set(heads[32:]) == {b"HTTP/1.1 429"}
    assert "too many files are open" not in said
    assert "Traceback" not in said


def long_sound() -> bytes:
    """More than the system keeps for a connection that is not read."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(20_000_000))
    return sound.getvalue()
