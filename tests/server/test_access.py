"""Who is let in, on sockets: refusals in words and in the journal, control tokens, given URLs."""

import asyncio
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_conformance.traffic.client_grouping import group_by_client
from nemolocal_conformance.traffic.journal_reader import parse_journal
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_TOKEN
from nemolocal_server.app import build_app
from nemolocal_server.serving import LocalServer, with_control_token
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.executor import FakeRenderExecutor
from tests.support.forwarding import mapped_port, reverse_proxy
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory, server_settings

CONTROL = "/__nemolocal__"
ROOT = Path(__file__).parents[2]
CURL_PAGES = (
    "docs/how-to/access.md",
    "docs/how-to/seed-and-reset.md",
    "docs/how-to/inject-faults.md",
)
EVIL = {"Host": "rebind.example:8787", "Origin": "http://rebind.example:8787"}


def journal(caller: HttpCaller) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = caller.get(f"{CONTROL}/journal")["entries"]
    return entries


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/credits/balance/simple", EVIL),
        (f"{CONTROL}/tokens", EVIL),
        (f"{CONTROL}/health", EVIL),
        ("/cdn/fixtures/sample.mp4", EVIL),
        ("/nothing", EVIL),
        (f"{CONTROL}/journal", {"Sec-Fetch-Site": "cross-site"}),
        (f"{CONTROL}/openapi.json", {"Origin": "null"}),
    ],
)
def test_a_refusal_is_403_in_words_and_stands_in_the_journal(
    caller: HttpCaller, path: str, headers: dict[str, str]
) -> None:
    before = len(journal(caller))
    response = caller.http.get(path, headers=headers)
    body = response.json()
    assert (response.status_code, body["code"], body["data"]) == (403, 403, None)
    assert body["message"].startswith("Refused: ")
    assert "." not in body["message"].replace(".example", "")  # one sentence
    (entry,) = journal(caller)[before:]
    assert (entry["status"], entry["code"], entry["url"]) == (403, 403, path)
    assert entry["request_headers"]["host"] == headers.get("Host", entry["request_headers"]["host"])


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"http://rebind.example{CONTROL}/journal", b"403"),
        (f"HTTP://rebind.example{CONTROL}/journal", b"403"),
        (f"http://localhost@rebind.example{CONTROL}/journal", b"403"),
        (f"http://{CONTROL}/journal", b"400"),
        (f"ftp://localhost{CONTROL}/journal", b"400"),
        (f"http://localhost{CONTROL}/journal", b"200"),
    ],
)
def test_host_of_an_absolute_url_counts_and_not_the_header(
    base_url: str, target: str, status: bytes
) -> None:
    """RFC 9112, 3.2.2: who asks for another host is not served under the name in its header."""
    with socket.create_connection(("127.0.0.1", httpx.URL(base_url).port or 0), 60) as link:
        link.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        received = link.makefile("rb").readline()
    assert received.split()[1] == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_page_may_send_unasked_changes_nothing(caller: HttpCaller, kind: str | None) -> None:
    for path in ("reset", "snapshot", "tokens", "tokens/1", "faults", "scenarios", "restore"):
        request = caller.http.build_request("POST", f"{CONTROL}/{path}", content=b"{}")
        if kind:
            request.headers["Content-Type"] = kind
        assert caller.http.send(request).status_code == 403
    assert caller.balance()["total"] == 100
    assert caller.get(f"{CONTROL}/faults")["armed"] == []
    assert caller.get(f"{CONTROL}/snapshot")["snapshots"] == []
    assert len(caller.get(f"{CONTROL}/tokens")["tokens"]) == 1


@pytest.fixture
def open_server() -> Iterator[LocalServer]:
    """A server that others than this machine could reach."""
    settings = Settings(host="0.0.0.0", port=0)
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        yield server


def test_a_server_that_others_reach_asks_for_its_control_token(open_server: LocalServer) -> None:
    url = open_server.base_url.replace("0.0.0.0", "127.0.0.1")
    token = open_server.control_token
    assert re.fullmatch(r"ctl_[\w-]{32}", token)
    for headers in ({}, {CONTROL_TOKEN: "wrong"}, {"Authorization": f"Bearer {token}"}):
        refused = httpx.get(f"{url}{CONTROL}/journal", headers=headers)
        assert refused.status_code == 403
        assert CONTROL_TOKEN in refused.json()["message"]
    assert httpx.get(f"{url}{CONTROL}/health").status_code == 200
    reply = httpx.get(f"{url}{CONTROL}/journal", headers={CONTROL_TOKEN: token})
    assert [entry["status"] for entry in reply.json()["entries"]] == [403, 403, 403]
    assert token not in reply.text
    assert "wrong" not in reply.text
    opened = httpx.post(f"{url}/api/auth/anonymous-token", headers={"X-Client-Id": "a"})
    assert opened.json()["code"] == 0


@pytest.mark.parametrize(
    ("settings", "created"),
    [
        ({}, False),
        ({"host": "localhost"}, False),
        ({"host": "::1"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": ""}, True),
        ({"host": "192.168.1.5"}, True),
        ({"host": "0.0.0.0", "control": False}, False),
        ({"host": "0.0.0.0", "control_token": "mine"}, False),
    ],
)
def test_a_token_is_made_where_others_could_reach_the_control_api(
    settings: dict[str, Any], *, created: bool
) -> None:
    given = Settings(**settings)
    chosen = with_control_token(given)
    assert (chosen.control_token != given.control_token) is created
    assert with_control_token(given).control_token != chosen.control_token or not created


class Mapped:
    """A server behind something, and a caller of it there."""

    def __init__(self, caller: HttpCaller, inner: str) -> None:
        self.caller = caller
        self.inner = inner
        self.outer = str(caller.http.base_url).rstrip("/")

    def path(self, url: str) -> str:
        assert url.startswith(f"{self.outer}/"), url
        return url

    def upload_url(self, url: str) -> dict[str, Any]:
        path = f"{self.outer}/api/upload-video/nemo_agent/me/{self.caller.session}"
        body = {"urls": [url], "source_type": "url"}
        reply: dict[str, Any] = self.caller.http.post(path, json=body).json()
        return reply


def every_url_works(mapped: Mapped, clip: Path) -> None:
    """All URLs that are given out work where they were asked for, and as uploads."""
    caller, outer = mapped.caller, mapped.outer
    headers = {"X-Client-Id": "outside"}
    data = caller.http.post(f"{outer}/api/auth/anonymous-token", headers=headers).json()["data"]
    caller.http.headers["Authorization"] = f"Bearer {data['token']}"
    opened = caller.http.post(
        f"{outer}/api/tasks/me/with-session/nemo_agent", json={"task_name": "project"}
    ).json()["data"]
    caller.session = opened["session_id"]
    files = {"files": ("clip.mp4", clip.read_bytes())}
    upload = f"{outer}/api/upload-video/nemo_agent/me/{caller.session}"
    (file,) = caller.http.post(upload, files=files).json()["data"]["files"]
    assert patient_http.get(mapped.path(file["cdn_url"])).content == clip.read_bytes()
    render = {"id": "r", "sessionId": caller.session, "draft": draft_of(file["cdn_url"])}
    caller.http.post(f"{outer}/api/render/proxy/lambda", json=render)
    status: dict[str, Any] = {"status": "pending"}
    while status["status"] in ("pending", "processing"):
        status = caller.http.get(f"{outer}/api/render/proxy/lambda/r").json()
    output = mapped.path(status["output"]["url"])
    assert patient_http.get(output).status_code == 200
    ids = {"task_id": opened["task_id"], "session_id": caller.session}
    claim = caller.http.post(f"{outer}/api/auth/claim-token", json=ids).json()["data"]
    page = caller.http.get(f"{outer}/workspace/claim", params={"ct": claim["claim_token"]}).text
    assert f'src="{output}#' in page
    document = caller.http.get(f"{outer}{CONTROL}/openapi.json").json()
    assert document["servers"] == [{"url": outer}]
    name = file["cdn_url"].rpartition("/")[2]
    inner_port = mapped.inner.rpartition(":")[2]
    for url in (
        file["cdn_url"],
        f"{mapped.inner}/cdn/media/{name}",
        f"http://localhost:{inner_port}/cdn/media/{name}",
        f"http://localhost:1/cdn/media/{name}",
    ):
        (again,) = mapped.upload_url(url)["data"]["files"]
        assert again["hash"] == file["hash"]
        mapped.path(again["cdn_url"])


def draft_of(cdn_url: str) -> dict[str, Any]:
    asset = cdn_url.rpartition("/")[2].partition(".")[0]
    segment = {"id": "s", "s": 0, "d": 500, "src": asset, "ss": 0}
    return {"d": 500, "t": [{"tt": 0, "id": "t", "sg": [segment]}]}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def started(stack: ExitStack) -> Any:
    """Starts a server; its base URL."""

    def start(**settings: Any) -> str:
        chosen = server_settings(**settings)
        server = LocalServer(chosen, ManualClock(autojump=True), FakeRenderExecutor())
        return stack.enter_context(server).base_url

    return start


@pytest.mark.slow
def test_urls_work_through_a_mapped_port(
    started: Any, stack: ExitStack, new_caller: NewCaller, sample: Path
) -> None:
    inner = started()
    outer = stack.enter_context(mapped_port(inner))
    every_url_works(Mapped(new_caller(outer), inner), sample)


@pytest.mark.parametrize(
    ("settings", "strip"),
    [
        ({"trusted_proxies": ("127.0.0.1",)}, True),
        ({"trusted_proxies": ("127.0.0.0/8",)}, False),
    ],
)
def test_urls_work_through_a_proxy_with_a_prefix(
    started: Any,
    stack: ExitStack,
    new_caller: NewCaller,
    sample: Path,
    settings: dict[str, Any],
    *,
    strip: bool,
) -> None:
    inner = started(**settings)
    said = {"Host": inner.removeprefix("http://"), "X-Forwarded-Prefix": "/nemo"}
    outer = stack.enter_context(reverse_proxy(inner, said, "/nemo", strip=strip))
    place = outer.removeprefix("http://").removesuffix("/nemo")
    said |= {"X-Forwarded-Host": place, "X-Forwarded-Proto": "http"}
    every_url_works(Mapped(new_caller(outer), inner), sample)


def test_urls_begin_with_the_public_url(started: Any, new_caller: NewCaller, sample: Path) -> None:
    inner = started(public_url="https://nemo.example/nemo")
    caller = new_caller(inner).connect()
    (file,) = caller.upload(sample)["data"]["files"]
    assert file["cdn_url"].startswith("https://nemo.example/nemo/cdn/media/")
    body = {"urls": [file["cdn_url"]], "source_type": "url"}
    reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", json=body)
    assert reply["data"]["files"][0]["hash"] == file["hash"]
    path = file["cdn_url"].removeprefix("https://nemo.example")
    assert patient_http.get(f"{inner}{path}").content == sample.read_bytes()


def test_a_proxy_that_is_not_named_is_not_believed(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start()).connect()
    caller.http.headers.update(
        {
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Prefix": "/x",
            "X-Forwarded-For": "10.0.0.1",
        }
    )
    (file,) = caller.upload(sample)["data"]["files"]
    assert file["cdn_url"].startswith(f"{caller.http.base_url}".rstrip("/") + "/cdn/media/")


@pytest.mark.rule("AUTH-4")
@pytest.mark.parametrize("trusted", [True, False])
def test_an_address_is_that_of_the_client_behind_a_trusted_proxy(
    servers: ServerFactory, *, trusted: bool
) -> None:
    proxies = ("127.0.0.1", "10.0.0.0/8") if trusted else ()
    url = servers.start(address_limit=1, trusted_proxies=proxies) + "/api/auth/anonymous-token"
    codes = []
    for number, chain in enumerate(["1.1.1.1", "9.9.9.9, 2.2.2.2, 10.0.0.5", "3.3.3.3, 1.1.1.1"]):
        headers = {"X-Client-Id": f"client-{number}", "X-Forwarded-For": chain}
        codes.append(patient_http.post(url, headers=headers).json()["code"])
    assert codes == ([0, 0, 429] if trusted else [0, 429, 429])


def test_the_host_decides_nothing_that_is_fetched(caller: HttpCaller) -> None:
    """SSRF: a Host that is let in makes an address ours, and what is ours is never asked."""
    path = f"/api/upload-video/nemo_agent/me/{caller.session}"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"127.0.0.1.:{port}"):
            for url in (
                f"http://{host}/cdn/../latest/meta-data/x.mp4",
                f"http://{host}/cdn/media/x.mp4",
                f"https://127.0.0.1:{port}/cdn/renders/x.mp4",
                f"http://2130706433:{port}/cdn/media/x.mp4",
            ):
                body = {"urls": [url], "source_type": "url"}
                reply = caller.http.post(path, json=body, headers={"Host": host}).json()
                assert reply["code"] == 4001
                assert reply["message"].startswith("Cannot fetch ")
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_a_network_failure_is_not_called_an_unsupported_file(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(fetch_from=("*",))).connect()
    with mapped_port("http://127.0.0.1:1") as gone:
        pass
    body = {"urls": [f"{gone}/clip.mp4"], "source_type": "url"}
    reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", json=body)
    assert reply["code"] == 4001
    assert reply["message"].startswith(f"Cannot fetch '{gone}/clip.mp4': ")
    assert "Accepted" not in reply["message"]


def test_the_curl_lines_of_the_documents_work(base_url: str) -> None:
    lines = [
        line
        for name in CURL_PAGES
        for line in re.findall(
            r"^curl .*/__nemolocal__/.*$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert len(lines) >= 5
    for line in lines:
        command = shlex.split(line.replace("http://127.0.0.1:8787", base_url))
        reported = subprocess.run(
            [*command, "-s", "-f", "--noproxy", "*"], capture_output=True, text=True, check=False
        )
        assert reported.returncode == 0, (line, reported.stdout, reported.stderr)


def test_judges_of_clients_leave_out_what_was_refused(caller: HttpCaller) -> None:
    caller.http.get("/api/credits/balance/simple", headers=EVIL)
    caller.http.post(f"{CONTROL}/reset", content=b"{}", headers={"X-Client-Id": "page"})
    lines = caller.http.get(f"{CONTROL}/journal", params={"format": "jsonl"}).content
    judged = [act for record in group_by_client(parse_journal(lines)) for act in record.all_calls]
    assert len(lines.splitlines()) == len(judged) + 2
    assert judged


@pytest.mark.parametrize("path", ["/run_sse", f"{CONTROL}/journal"])
def test_a_web_socket_is_closed_before_it_opens(path: str) -> None:
    """Where a library for them is installed, uvicorn hands them on."""
    app, sent = build_app(Settings()), list[dict[str, Any]]()
    scope = {"type": "websocket", "path": path, "root_path": "", "query_string": b"",
             "headers": [(b"host", b"localhost")], "subprotocols": []}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        await app(scope, receive, send)
        await app.state.services.close()

    asyncio.run(ask())
    assert [message["type"] for message in sent] == ["websocket.close"]
