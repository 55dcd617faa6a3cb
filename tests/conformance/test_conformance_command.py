"""`nemolocal conform`: what it prints, writes and exits with, also for servers that are none."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nemolocal.main import main
from nemolocal_conformance import target as peer_module

pytestmark = pytest.mark.usefixtures("memoized_servers")


@contextmanager
def http_server(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_server(response: bytes | None) -> Iterator[str]:
    """A listener that says something that is no HTTP, or (None) nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                if response is not None:
                    connection.sendall(response)
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("options", [["--smoke"], ["--random", "2"]], ids=["checks", "random"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b'{"detail": "Not Found"}'), (200, b"<html>"), (200, b"[]"), (502, b"")],
)
def test_another_server_is_named_in_one_sentence(
    status: int, body: bytes, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with http_server(status, body) as url:
        assert main(["conform", "--base-url", url, *options]) == 2
    reported = capsys.readouterr()
    assert reported.out == ""
    assert reported.err == (
        f"nemolocal: {url} is not a NemoVideo server: GET /api/credits/balance/simple was "
        f"answered with {status} application/json; check the base URL\n"
    )


def test_server_with_one_response_for_everything_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with http_server(200, b"{}") as url:
        assert main(["conform", "--base-url", url]) == 1
    out = capsys.readouterr().out
    assert "failed: general.envelope.success (GEN-1)" in out
    assert "curl -sS" in out


def test_closed_port_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peer_module, "_FIRST_TIMEOUT", 0.2)
    with raw_server(None) as url:
        assert main(["conform", "--base-url", url]) == 2
    assert "hangs" in capsys.readouterr().err


def test_server_without_http_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with raw_server(b"220 mail ready\r\n") as url:
        assert main(["conform", "--base-url", url]) == 2
    assert "does not answer HTTP" in capsys.readouterr().err


@pytest.mark.slow
def test_local_server_passes_the_smoke_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "report"
    assert main(["conform", "--smoke", "--report", str(folder)]) == 0
    assert "32 of 32 checks passed" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {
        "badge.svg", "junit.xml", "report.html", "report.json", "summary.md",
    }  # fmt: skip


def test_a_report_can_be_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "--only", "general.path", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [verdict["check"] for verdict in printed["verdicts"]] == ["general.path.unknown"]


def test_checks_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "--list", "--only", "chat.silent"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed][:2] == [
        "chat.silent.state-changed", "chat.silent.clean",
    ]  # fmt: skip
    assert main(["conform", "--explain", "render.status.shape"]) == 0
    explained = capsys.readouterr().out
    assert "REN-4: MUST, contradicted" in explained
    assert "Requires: render" in explained


@pytest.mark.parametrize("arguments", [["--only", "nothing."], ["--explain", "nothing"]])
def test_unknown_check_id_is_rejected(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conform", *arguments]) == 2
    assert "--list" in capsys.readouterr().err


def test_no_credits_are_spent_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEMO_TOKEN", "nmv_usr_given_by_the_user")
    with http_server(401, b"{}") as url:
        assert main(["conform", "--base-url", url, "--only", "state.draft"]) == 2
        assert "raise --max-credits" in capsys.readouterr().err
        arguments = ["conform", "--base-url", url, "--only", "state.draft.names"]
        assert main([*arguments, "--max-credits", "50"]) == 1


def test_unwritable_report_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["conform", "--only", "general.path", "--report", str(tmp_path / "file")]
    assert main(arguments) == 1
    assert "cannot write" in capsys.readouterr().err


def test_known_differences_are_taken_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[difference]]\ncheck = "general.path.unknown"\nreason = "so"\n')
    arguments = ["conform", "--only", "general.path", "--known", str(known)]
    assert main(arguments) == 1
    assert "1 failed" in capsys.readouterr().out
    assert main([*arguments[:-1], str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEMO_TOKEN", raising=False)
