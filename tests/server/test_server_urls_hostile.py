"""URL uploads from servers that mean harm, and by addresses that are none: refused, in time."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nemolocal_server.errors import ContractError
from nemolocal_server.uploads.url_fetcher import FetchPolicy, fetch_url
from tests.support.hostile_server import ANSWERS, HostileServer
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@pytest.fixture
def caller(servers: ServerFactory, new_caller: NewCaller) -> HttpCaller:
    """A caller of a server that fetches from anywhere, for a moment."""
    return new_caller(servers.start(fetch_from=("*",), fetch_seconds=0.3)).connect()


def upload(caller: HttpCaller, url: str) -> dict[str, Any]:
    body = {"urls": [url], "source_type": "url"}
    return caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", json=body)


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
def test_no_server_can_hold_a_fetch_longer_than_it_may_take(
    caller: HttpCaller, hostile: HostileServer, subtests: pytest.Subtests
) -> None:
    for path in ("/head", "/continue", "/chunks", "/nothing"):
        with subtests.test(path):
            reply = upload(caller, f"http://{hostile.place}{path}.mp4")
            assert (reply["code"], "takes too long" in reply["message"]) == (4001, True)


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
def test_whatever_a_server_answers_the_fetch_is_refused_in_words(
    caller: HttpCaller, hostile: HostileServer, subtests: pytest.Subtests
) -> None:
    for path in ANSWERS:
        with subtests.test(path):
            assert upload(caller, f"http://{hostile.place}{path}.mp4")["code"] == 4001


@pytest.mark.rule("UPL-6")
def test_a_redirect_to_no_address_is_refused_in_words(
    caller: HttpCaller, hostile: HostileServer, subtests: pytest.Subtests
) -> None:
    for path in ("/bracket", "/escape", "/nowhere", "/name"):
        with subtests.test(path):
            assert upload(caller, f"http://{hostile.place}{path}.mp4")["code"] == 4001


ADDRESSES = [
    "http://a..b/x.mp4",
    f"http://{'a' * 64}.invalid/x.mp4",
    "http://\x00/x.mp4",
    "http://a b/x.mp4",
    "http://[v1.x]/x.mp4",
    "http://xn--/x.mp4",
    "http://.../x.mp4",
    "http://%/x.mp4",
    "http://127.0.0.1:0/x.mp4",
    "http://127.0.0.1\\@a..b/x.mp4",
]


@pytest.mark.rule("UPL-6")
def test_an_address_that_is_none_is_refused_in_words(
    caller: HttpCaller, subtests: pytest.Subtests
) -> None:
    for url in ADDRESSES:
        with subtests.test(url):
            assert upload(caller, url)["code"] == 4001


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/日本.mp4", "/%E6%97%A5%E6%9C%AC.mp4"),
        ("/a b%20c.mp4?x=é&y=%zz", "/a%20b%20c.mp4?x=%C3%A9&y=%zz"),
    ],
)
def test_a_path_in_any_script_is_asked_for(
    caller: HttpCaller, hostile: HostileServer, path: str, asked: str
) -> None:
    assert "HTTP 404" in upload(caller, f"http://{hostile.place}{path}")["message"]
    assert hostile.asked == [f"GET {asked} HTTP/1.1".encode()]


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
@pytest.mark.parametrize("pattern", ["LocalHost", "LOCAL*", "localhost:1"])
def test_a_host_is_allowed_in_any_case(
    servers: ServerFactory, new_caller: NewCaller, pattern: str
) -> None:
    caller = new_caller(servers.start(fetch_from=(pattern,))).connect()
    for url in ("http://localhost:1/x.mp4", "http://LOCALHOST:1/x.mp4"):
        assert "does not fetch" not in upload(caller, url)["message"]


def test_fetching_needs_no_thread(tmp_path: Path, hostile: HostileServer) -> None:
    class Refusing(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("work in a thread can be neither bounded nor stopped")

    async def fetch_it() -> None:
        asyncio.get_running_loop().set_default_executor(Refusing())
        policy = FetchPolicy(("*",), lambda _: False, 60.0, 100)
        with pytest.raises(ContractError, match="HTTP 404"):
            await fetch_url(f"http://{hostile.place}/none.mp4", tmp_path, policy)

    asyncio.run(fetch_it())
