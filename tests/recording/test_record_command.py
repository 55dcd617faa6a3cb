"""`nemolocal record` and `nemolocal recording show`, with a local server in place of the cloud."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from nemolocal.main import main
from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_recording.recording import Recording, assemble
from nemolocal_recording.recording_file import RecordingUnreadable, read_lines
from tests.support.recorder import raw_server, running_recorder

BALANCE = "/api/credits/balance/simple"
REFUSAL = b'{"code":1001,"message":"no token","data":null}'
REFUSED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(REFUSAL),
    REFUSAL,
)
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"7\r\ndata:\n\n\r\n"
)


def read(path: Path) -> Recording:
    return assemble(read_lines(path))


@pytest.mark.slow
def test_program_that_knows_only_the_cloud_is_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.jsonl"
    script = (
        "import http.client as h\n"
        f"c = h.HTTPSConnection('{CLOUD_BASE_URL.removeprefix('https://')}')\n"
        f"c.request('GET', '{BALANCE}')\n"
        "print(c.getresponse().read().decode()); raise SystemExit(7)"
    )
    with raw_server(REFUSED) as server:
        words = ["record", "--upstream", server.base_url, "-o", str(path)]
        status = main([*words, "--", sys.executable, "-c", script])
        (sent,) = server.requests
    out, err = capfd.readouterr()
    assert (status, out.strip()) == (7, REFUSAL.decode())
    assert f"Host: {server.name}".encode() in sent
    assert err == f"nemolocal record: 1 exchange recorded in {path}\n"
    (exchange,) = read(path).exchanges
    assert (exchange.endpoint, exchange.json["code"], exchange.ending) == ("balance", 1001, "clean")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_other_hosts_are_reached_and_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A name of this machine stands for a host of the internet."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    path = tmp_path / "new.jsonl"
    with raw_server(REFUSED) as cloud, raw_server(REFUSED) as other:
        # curl does not use the proxy for localhost unless it is told to.
        asked = f"http://127.0.0.1:{other.name.rpartition(':')[2]}/x"
        words = ["record", "--upstream", cloud.base_url, "-o", str(path), "--"]
        status = main([*words, "bash", "-c", f'NO_PROXY= no_proxy= curl -sS "{asked}"'])
        assert (len(cloud.requests), len(other.requests)) == (0, 1)
    out, err = capfd.readouterr()
    assert (status, out) == (0, REFUSAL.decode())
    assert "1 connection to other hosts not recorded (127.0.0.1)" in err
    assert "no call to mega-api-prod.nemovideo.ai was seen" in err
    assert read(path).exchanges == []


@pytest.mark.slow
def test_killed_recorder_leaves_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    released = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(STREAM)
        released.wait(60)

    with raw_server(answer) as server:
        command = [
            sys.executable, "-m", "nemolocal", "record", "--listen", "0",
            "--upstream", server.base_url, "-o", str(path),
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as recorder:
            assert recorder.stdout is not None
            base_url = recorder.stdout.readline().split()[0]
            with httpx.stream(
                "POST", f"{base_url}/run_sse", content=b"{}", trust_env=False, timeout=60
            ) as response:
                blocks = response.iter_raw()
                assert next(blocks) == b"data:\n\n"
                # The chunk is passed on before it is recorded.
                while not read(path).exchanges[0].chunks:
                    os.sched_yield()
                recorder.send_signal(signal.SIGKILL)
                recorder.wait()
                with pytest.raises(httpx.TransportError):
                    next(blocks)
        released.set()
    (exchange,) = read(path).exchanges
    assert exchange.ending is None
    assert [frame.data for frame in exchange.frames] == [{"data": ""}]


@pytest.mark.usefixtures("interruptible")
def test_interrupt_ends_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    with raw_server(REFUSED) as server:
        command = [
            sys.executable, "-m", "nemolocal", "record", "--listen", "0",
            "--upstream", server.base_url, "-o", str(path),
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as recorder:
            assert recorder.stdout is not None
            first = recorder.stdout.readline()
            base_url = first.split()[0]
            answer = httpx.get(base_url + BALANCE, trust_env=False, timeout=60)
            recorder.send_signal(signal.SIGINT)
            _, err = recorder.communicate(timeout=60)
    assert first == f"{base_url} leads to {server.name}; Ctrl-C ends the recording\n"
    assert answer.json()["code"] == 1001
    assert (recorder.returncode, err) == (0, f"nemolocal record: 1 exchange recorded in {path}\n")
    (exchange,) = read(path).exchanges
    assert (exchange.endpoint, exchange.ending) == ("balance", "clean")


def test_port_in_use_and_unwritable_file_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["record", "--listen", str(port), "-o", str(path)]) == 1
    assert f"cannot listen on port {port}: Address already in use" in capsys.readouterr().err
    missing = tmp_path / "missing" / "new.jsonl"
    assert main(["record", "--listen", "0", "-o", str(missing)]) == 1
    assert f"cannot write {missing}: No such file" in capsys.readouterr().err


def test_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    with running_recorder("http://127.0.0.1:1", path):
        pass
    with path.open("ab") as file:
        file.write(b'{"line":"request","exchange":1,"at"')
    assert read(path).exchanges == []
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RecordingUnreadable, match="line 2"):
        read(path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "nothing to run"),
        (("--listen", "0", "--", "true"), "not both"),
        (("--listen", "99999"), "--listen must be a port"),
        (("--max-turns", "-1", "--", "true"), "--max-turns must be 0 or more"),
        (("--also", "a b", "--", "true"), "--also must be a host name"),
        (("--upstream", "ftp://x", "--", "true"), "--upstream must be http://HOST:PORT"),
        (("--upstream", "https://x/path", "--", "true"), "--upstream must be http://HOST:PORT"),
    ],
)
def test_wrong_usage_leaves_no_file(
    words: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["record", *words]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("kept")
    assert main(["record", "-o", str(path), "--upstream", "http://127.0.0.1:1", "--", "true"]) == 1
    assert "choose another file with --output" in capsys.readouterr().err
    assert path.read_text() == "kept"


def test_show_prints_everything_that_is_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.jsonl"
    with raw_server(REFUSED) as server, running_recorder(server.base_url, path) as recorder:
        httpx.get(
            f"{recorder.base_url}{BALANCE}?a=b", headers={"X-Skill-Version": "1.2"},
            trust_env=False, timeout=60,
        )  # fmt: skip
    assert main(["recording", "show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "recording of another server, without texts" in shown
    assert "x-skill-version: 1.2" in shown
    for part in path.read_text().split('"'):
        if len(part) > 2 and part[0].isalpha() and "{" not in part:
            assert part in shown or part in KEYS


# Names of the file that the text says in words.
KEYS = frozenset(
    "line recording request response request_body response_body chunk end started server other "
    "has_text version exchange method endpoint template path query generation headers "
    "other_headers other_names token_in_url size status ending clean body chunks false".split()
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"{}\n", "line 1"),
        (b'{"line":"end"}\n', "line 1"),
        (None, "cannot read"),
    ],
)
def test_what_is_no_recording_is_refused(
    content: bytes | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert main(["recording", "show", str(path)]) == 2
    assert told in capsys.readouterr().err
