"""`nemolocal serve` ends when it is interrupted, whatever clients keep it busy."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hostile_server import HostileServer
from tests.support.http_caller import HttpCaller

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there"),
]

# Shorter than any of the attacks would last by itself, longer than any machine is busy.
PATIENCE = 60.0


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@contextlib.contextmanager
def serving(
    config: str, folder: Path, *options: str
) -> Iterator[tuple[HttpCaller, "subprocess.Popen[str]"]]:
    """A server of these settings in a process of its own, and a caller of it."""
    path = folder / "settings.toml"
    path.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "nemolocal", "serve", "--port", "0", "--data", ""]
    with subprocess.Popen(
        [*command, "--config", str(path), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        caller = HttpCaller(process.stdout.readline().split()[3])
        with caller.http:
            yield caller.connect(), process
        process.kill()


def interrupt(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(PATIENCE)


def in_background(call: object, *arguments: object, **named: object) -> None:
    def run() -> None:
        with contextlib.suppress(Exception):
            call(*arguments, **named)  # type: ignore[operator]

    threading.Thread(target=run, daemon=True).start()


def test_a_fetch_that_drips_holds_nobody_up(hostile: HostileServer, tmp_path: Path) -> None:
    config = f'fetch_from = ["{hostile.place}"]\nfetch_seconds = 80000.0\n'
    with serving(config, tmp_path) as (caller, process):
        for path in ("/head", "/continue", "/chunks", "/nothing") * 3:
            body = {"urls": [f"http://{hostile.place}{path}.mp4"], "source_type": "url"}
            url = f"/api/upload-video/nemo_agent/me/{caller.session}"
            in_background(HttpCaller.post, caller, url, json=body)
        while len(hostile.asked) < 12:
            pass
        assert caller.http.get("/__nemolocal__/health").status_code == 200
        assert interrupt(process) == 0


def test_half_open_connections_and_streams_hold_nobody_up(tmp_path: Path) -> None:
    with serving("", tmp_path) as (caller, process), contextlib.ExitStack() as stack:
        url = caller.http.base_url
        for sent in (b"", b"GET / HT", b"POST /run_sse HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
            half = stack.enter_context(socket.create_connection((url.host, url.port or 80)))
            half.sendall(sent)
        stream = stack.enter_context(
            caller.http.stream(
                "POST",
                "/run_sse",
                json=caller.turn("hello"),
                headers={"X-Nemolocal-Fault": "stall"},
            )
        )
        assert stream.status_code == 200
        assert interrupt(process) == 0


@pytest.mark.ffmpeg
def test_titles_in_many_fonts_hold_nobody_up(tmp_path: Path) -> None:
    with serving("", tmp_path) as (caller, process):
        segments = [
            {"s": 0, "d": 1000, "txt": "Hi", "st": {"font": f"Font {number % 100}"}}
            for number in range(1000)
        ]
        draft = {"t": [{"tt": 7, "sg": segments}], "m": {"width": 320, "height": 180, "fps": 30}}
        assert caller.submit("render-1", draft)["status"] == "pending"
        assert interrupt(process) == 0


def test_closed_stdin_stops_it_if_that_is_wanted(tmp_path: Path) -> None:
    with serving("", tmp_path, "--stop-with-stdin") as (caller, process):
        assert process.stdin is not None
        process.stdin.write("what arrives is discarded\n")
        process.stdin.flush()
        assert caller.http.get("/__nemolocal__/health").status_code == 200
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_closed_stdin_alone_does_not_stop_it(tmp_path: Path) -> None:
    with serving("", tmp_path) as (caller, process):
        assert process.stdin is not None
        process.stdin.close()
        assert caller.http.get("/__nemolocal__/health").status_code == 200
        assert interrupt(process) == 0
