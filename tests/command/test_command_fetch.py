"""`edit URL` and `chat URL`: fetched where the user allows it, and else the way is said."""

import argparse
import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nemolocal.commands.serve import _settings
from nemolocal.main import command_parser
from nemolocal_server.settings import Settings
from tests.support.cli import CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def place(clip: Path, tmp_path: Path) -> Iterator[str]:
    """`host:port` of a web server with a clip, an empty file and a text."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(clip.read_bytes())
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "page.mp4").write_text("<html>log in</html>")
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{web.server_port}"
        web.shutdown()


class Started(Exception):
    """The command would start its server with these settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a server of its own raises `Started`."""

    def start(settings: Settings) -> NoReturn:
        raise Started(settings)

    monkeypatch.setattr("nemolocal_server.serving.LocalServer", start)


@pytest.mark.slow
@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("command", [("edit", "-m", TRIM), ("chat",)])
@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("https://example.com/a.mp4", (), "is not fetched by default: add --fetch-from "
         "example.com, or download the file first"),
        ("HTTPS://Example.COM:8/a.mp4", (), "add --fetch-from example.com"),
        ("https://example.com/a.mp4", ("--fetch-from", "example.org"), "--fetch-from example.com"),
        ("https://example.com/a.mp4", ("--fetch-from", "example.com:8"), "add --fetch-from"),
        ("https://example.com/a.mp4", ("--fetch-from", "https://example.com/"),
         "--fetch-from must be hosts, for instance example.com, example.com:8080 or *"),
        ("https://example.com/a.mp4", ("--fetch-from", ""), "--fetch-from must be hosts"),
        ("https://example.com/a.mp4", ("--fetch-from", "*", "--base-url", "http://127.0.0.1:9"),
         "--fetch-from cannot be combined with --base-url: start that server with "),
        ("http:///a.mp4", (), "invalid URL http:///a.mp4 (no host): check it"),
        ("http://[x/a.mp4", (), "invalid URL http://[x/a.mp4 (Invalid IPv6 URL): check it"),
    ],
)  # fmt: skip
def test_url_that_would_not_be_fetched_is_refused_before_anything_starts(
    run: CommandRunner, command: tuple[str, ...], url: str, options: tuple[str, ...], said: str
) -> None:
    outcome = run(*command, url, *options)
    assert outcome.status == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("command", [("edit", "-m", TRIM), ("chat",)])
@pytest.mark.parametrize(
    "allowed", [("example.com",), ("EXAMPLE.com:443", "example.com"), ("*",), ("example.com:443",)]
)
def test_hosts_that_the_user_allows_are_those_of_the_command_s_own_server(
    run: CommandRunner, command: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    options = [word for host in allowed for word in ("--fetch-from", host)]
    with pytest.raises(Started) as started:
        run(*command, "https://example.com:443/a.mp4", *options)
    assert started.value.settings.fetch_from == allowed


def test_demo_takes_a_file(run: CommandRunner) -> None:
    outcome = run("demo", "https://example.com/a.mp4")
    assert (
        outcome.err
        == "nemolocal: the demo takes a local file; for a URL, use `nemolocal edit URL`\n"
    )


def served(*options: str) -> Any:
    arguments: argparse.Namespace = command_parser().parse_args(["serve", *options])
    return _settings(arguments, None)


def test_serve_takes_hosts_to_fetch_from() -> None:
    assert served("--fetch-from", "a.example", "--fetch-from", "*.b:8").fetch_from == (
        "a.example",
        "*.b:8",
    )
    with pytest.raises(ValueError, match="fetch_from must be hosts"):
        served("--fetch-from", "https://a.example/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said", "way_out"),
    [
        ("none.mp4", "it answers HTTP 404", "check the URL, or download the file and upload that"),
        ("empty.mp4", "is empty", "use the URL of such a file, or download it and upload that"),
        ("page.mp4", "its content is", "use the URL of such a file, or download it and upload"),
        ("watch", "the type of 'watch'", "use the URL of such a file, or download it and upload"),
    ],
)
def test_url_that_leads_to_no_film_is_never_told_to_be_converted(
    run: CommandRunner, serve: ServerStarter, place: str, name: str, said: str, way_out: str
) -> None:
    url = serve(fetch_from=(place,))
    outcome = run("edit", f"http://{place}/{name}", "-m", TRIM, "--base-url", url)
    last = outcome.err.splitlines()[-1]
    assert outcome.status == 1
    assert said in last
    assert way_out in last
    assert "convert" not in last


def test_server_that_does_not_fetch_says_how_it_would(
    run: CommandRunner, serve: ServerStarter, place: str
) -> None:
    outcome = run("edit", f"http://{place}/clip.mp4", "-m", TRIM, "--base-url", serve())
    assert f"does not fetch from {place}; allow it with --fetch-from {place}" in outcome.err
    assert "Accepted" not in outcome.err


@pytest.mark.slow
@pytest.mark.usefixtures("without_rendering")
def test_url_is_edited_on_the_command_s_own_server(run: CommandRunner, place: str) -> None:
    outcome = run("edit", f"http://{place}/clip.mp4", "-m", TRIM, "--fetch-from", "127.0.0.1")
    assert outcome.status == 0, outcome.err
    assert Path("clip-edited.mp4").read_bytes() == b"a render"
