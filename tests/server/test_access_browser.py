"""A browser led to the server by pages of other origins: nothing changes, and nothing is read."""

import contextlib
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nemolocal_contract.endpoints import endpoints
from tests.support.chromium import start_browser
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CONTROL = "/__nemolocal__"
ATTACKS = Path(__file__).with_name("attacks_of_a_page.js").read_text(encoding="utf-8")
REBOUND = """
const read = [];
for (const [method, path] of given[1]) {
  for (const headers of [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"},
      {"X-Forwarded-Host": "localhost", "Content-Type": "application/json"}]) {
    const body = method === "POST" ? "{}" : undefined;
    const reply = await fetch(path, {method, headers, body});
    read.push([method, path, reply.status, await reply.text()]);
  }
}
return read;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with start_browser("evil.example", "rebind.example") as browser:
        yield browser


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    page = browser.new_page()
    page.set_default_navigation_timeout(300_000)
    yield page
    page.close()


def run(page: "Page", script: str, *given: Any) -> Any:
    """Return what the body of an `async` function returns on a page."""
    return page.evaluate(f"async (given) => {{ {script} }}", list(given))


@pytest.fixture
def foreign_port() -> Iterator[int]:
    """The port of somebody else's web server, which has an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            if self.path == "/sandbox":  # then its origin is `null`
                self.send_header("Content-Security-Policy", "sandbox allow-scripts allow-forms")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>page</title><body></body>")

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield web.server_port
    web.shutdown()
    web.server_close()
    thread.join()


class Target:
    """A server in use, and everything that it knows."""

    def __init__(self, caller: HttpCaller, folder: Path) -> None:
        self.caller = caller
        self._folder = folder

    def routes(self) -> list[tuple[str, str]]:
        """The method and the path of every route, with what a page might guess or know."""
        names = defaultdict(lambda: "1", user="me", session=self.caller.session, render="render_1")
        found: list[tuple[str, str]] = [
            (e.method, e.template.format_map(names)) for e in endpoints().values()
        ]
        assert len(found) > 25
        return found

    def entries(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.caller.get(f"{CONTROL}/journal")["entries"]
        return listed

    def all(self) -> dict[str, Any]:
        """The database but for its journal, what is armed, the clock, and the files."""
        found = {
            path: self.caller.get(f"{CONTROL}/{path}")
            for path in ("faults", "snapshot", "tokens", "clock")
        }
        taken = self.caller.post(f"{CONTROL}/snapshot", json={})["id"]
        (copy,) = (self._folder / "snapshots" / taken).glob("*.sqlite3")
        with contextlib.closing(sqlite3.connect(copy)) as database:
            lines = [line for line in database.iterdump() if "journal" not in line]
        self.caller.http.delete(f"{CONTROL}/snapshot/{taken}").raise_for_status()
        for folder in ("media", "renders", "snapshots"):
            files = (self._folder / folder).rglob("*")
            found[folder] = {"files": sorted(str(path) for path in files)}
        return {**found, "database": lines}


@pytest.fixture
def target(servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path) -> Target:
    caller = new_caller(servers.start(FakeRenderExecutor(), data_dir=tmp_path)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.submit("render_1")
    caller.finished("render_1")
    caller.post(f"{CONTROL}/snapshot", json={})
    order = {"name": "silent", "match": {"session": "nobody's"}}
    caller.post(f"{CONTROL}/faults", json=order)
    return Target(caller, tmp_path)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("http://evil.example:{}", "127.0.0.1"),
        ("http://evil.example:{}", "localhost"),
        ("http://localhost:{}", "localhost"),
        ("http://127.0.0.1:{}", "localhost"),
        ("http://evil.example:{}/sandbox", "127.0.0.1"),
    ],
)
def test_a_page_of_another_origin_changes_and_reads_nothing(
    page: "Page", foreign_port: int, target: Target, place: str, name: str
) -> None:
    port = target.caller.http.base_url.port
    before, journal = target.all(), target.entries()
    page.goto(place.format(foreign_port))
    read = run(page, ATTACKS, f"http://{name}:{port}", target.routes())
    assert read == []
    assert target.all() == before
    entries = target.entries()
    assert entries[: len(journal)] == journal
    tried = [
        entry
        for entry in entries[len(journal) :]
        if "python-httpx" not in entry["request_headers"]["user-agent"]
    ]
    assert all(entry["code"] for entry in tried)
    assert {entry["code"] for entry in tried} >= {400, 403, 405, 1001}
    refused = {(e["method"], e["url"]) for e in tried if e["code"] == 403}
    control = {route for route in target.routes() if route[1].startswith(CONTROL)}
    # A DELETE is asked for first, by OPTIONS, and never sent.
    expected = {route for route in control if route[0] != "DELETE" and "health" not in route[1]}
    assert expected <= refused


def test_a_rebinding_page_changes_and_reads_nothing(page: "Page", target: Target) -> None:
    """It is of the same origin to the browser, so that only its Host tells."""
    port = target.caller.http.base_url.port
    before = target.all()
    page.goto(f"http://rebind.example:{port}/")
    replies = run(page, REBOUND, "", target.routes())
    assert len(replies) == 4 * len(target.routes())
    for method, path, status, text in replies:
        assert (status, text.startswith('{"code":403,')) == (403, True), (method, path, text)
    assert target.all() == before


def test_a_page_of_the_server_itself_may_use_the_control_api(page: "Page", target: Target) -> None:
    page.goto(str(target.caller.http.base_url.join("/__nemolocal__/health")))
    script = """
    const headers = {"Content-Type": "application/json"};
    const made = await fetch("/__nemolocal__/snapshot", {method: "POST", headers, body: "{}"});
    const listed = await (await fetch("/__nemolocal__/snapshot")).json();
    return [made.status, listed.snapshots.length];
    """
    assert run(page, script) == [200, 2]


def test_a_page_may_show_the_files_that_it_was_given(
    page: "Page", foreign_port: int, target: Target
) -> None:
    url = target.caller.status("render_1")["output"]["url"]
    page.goto(f"http://evil.example:{foreign_port}")
    asked = run(page, "return (await fetch(given[0], {mode: 'no-cors'})).type;", url)
    assert asked == "opaque"
    shown: list[int] = []
    while not shown:  # the reply has begun, and its entry comes when it has ended
        shown = [
            entry["status"]
            for entry in target.entries()
            if entry["request_headers"].get("sec-fetch-site") == "cross-site"
        ]
    assert shown == [200]
