"""URL uploads from servers that mean harm, and by addresses that are none: refused, in time."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nemolocal_server.errors import ContractError
from nemolocal_server.fetching import FetchPolicy, fetch
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
# Path → what is sent at once, and what again and again: every 50 ms, for 20 s at most.
ANSWERS = {
    "/head": (OK + b"X: ", b"a"),
    "/heads": (OK, b"a: b\r\n"),
    "/continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/body": (OK + b"Content-Length: 999999\r\n\r\n", b"a"),
    "/chunks": (OK + CHUNKED, b"1\r\na\r\n"),
    "/trailers": (OK + CHUNKED + b"0\r\n", b"a: b\r\n"),
    "/nothing": (b"", b""),
    "/large-head": (OK + b"X: " + b"a" * 1_000_000, b""),
    "/noise": (b"\x00\xff" * 500, b""),
    "/ends": (b"", None),
    "/bracket": (FOUND + b"Location: http://[::1\r\n\r\n", None),
    "/escape": (FOUND + b"Location: http://\x1b]0;x\x07/\r\n\r\n", None),
    "/nowhere": (FOUND + b"\r\n", None),
    "/name": (FOUND + b"Location: http://a..b/x.mp4\r\n\r\n", None),
}
_PAUSE, _TIMES = 0.05, 400


class HostileServer:
    """Answers each request as `ANSWERS` says, by the path without its extension."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        self._start(self._accept)

    def close(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Any, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._start(self._answer, self._listener.accept()[0])

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            self.asked.append(client.recv(65_536).partition(b"\r\n")[0])
            path = self.asked[-1].split(b" ")[1].decode().partition(".")[0]
            first, again = ANSWERS.get(
                path, (b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", None)
            )
            client.sendall(first)
            for _ in range(_TIMES if again is not None else 0):
                if self._ended.wait(_PAUSE):
                    return
                client.sendall(again or b"")


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
        policy = FetchPolicy(("*",), "", 60.0, 100)
        with pytest.raises(ContractError, match="HTTP 404"):
            await fetch(f"http://{hostile.place}/none.mp4", tmp_path, policy)

    asyncio.run(fetch_it())
