"""More connections than descriptors: whoever asks something is answered all the same."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import patient_http

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
