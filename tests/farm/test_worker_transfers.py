"""What a worker fetches is what was announced, and what goes wrong on the way is tried again."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

from nemolocal_farm import worker_transfers
from nemolocal_farm.part_tasks import DIGEST_HEADER, TaskFile
from nemolocal_farm.worker_transfers import (
    RenderEnded,
    ServerDiskFull,
    TransferFailed,
    WorkerTransfers,
)

CONTENT = bytes(range(100))
FILE = TaskFile("source-0", len(CONTENT), sha256(CONTENT).hexdigest(), "/file?signature=x")
T = TypeVar("T")


@pytest.fixture(autouse=True)
def three_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_transfers, "_PAUSES", (0.0, 0.0))


def reply(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"content-length: {size}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def part_reply(body: bytes, told: str = "10-19/100", length: int | None = None) -> bytes:
    return reply("206 Partial Content", body, f"content-range: bytes {told}", length=length)


class Peer:
    """A server that gives its answers in order, the last one again and again."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = [*answers]
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        for line in request.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                request += await reader.readexactly(int(line.split()[1]))
        self.requests.append(request)
        writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        await writer.drain()
        writer.close()


def transferring(
    work: Callable[[WorkerTransfers], Coroutine[Any, Any, T]], *answers: bytes
) -> tuple[T | Exception, Peer]:
    """What comes of the work, and the server."""
    peer = Peer(answers)

    async def run() -> T | Exception:
        async with await asyncio.start_server(peer.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            transfers = WorkerTransfers(f"http://127.0.0.1:{port}/")
            try:
                return await work(transfers)
            except (TransferFailed, ServerDiskFull, RenderEnded) as error:
                return error
            finally:
                await transfers.close()

    return asyncio.run(run()), peer


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(reply("503 Service Unavailable"), id="a server that starts"),
        pytest.param(reply("200 OK", CONTENT[:50], length=100), id="a cut connection"),
        pytest.param(reply("200 OK", CONTENT[::-1]), id="another file"),
        pytest.param(b"", id="no answer"),
    ],
)
def test_a_file_that_does_not_come_whole_is_fetched_again(
    tmp_path: Path, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clip"
    with caplog.at_level(logging.INFO, "nemolocal_farm"):
        size, peer = transferring(lambda t: t.fetch(FILE, path), first, reply("200 OK", CONTENT))
    assert (size, path.read_bytes()) == (100, CONTENT)
    assert [request.split()[1] for request in peer.requests] == [b"/file?signature=x"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
    assert "a file could not be fetched" in caplog.text
    assert "trying again" in caplog.text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply("200 OK", b"other"), "another file came than was announced"),
        (
            reply("404 Not Found", b"no render needs this file now\n"),
            "the server answers 404: no render needs this file now",
        ),
        (reply("500 Internal Server Error", b"\xff" * 999), "the server answers 500: " + "�" * 200),
    ],
)
def test_a_file_that_never_comes_is_given_up_with_the_reason(
    tmp_path: Path, answer: bytes, reason: str
) -> None:
    failed, peer = transferring(lambda t: t.fetch(FILE, tmp_path / "clip"), answer)
    assert isinstance(failed, TransferFailed)
    assert str(failed) == f"a file could not be fetched: {reason}"
    assert len(peer.requests) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_range_comes_to_its_place(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"." * 100)
    bad = part_reply(CONTENT[10:15], length=10)  # the connection is cut
    done, peer = transferring(
        lambda t: t.fetch_range(FILE, 10, 20, copy), bad, part_reply(CONTENT[10:20])
    )
    assert done is None
    assert copy.read_bytes() == b"." * 10 + CONTENT[10:20] + b"." * 80
    assert all(b"range: bytes=10-19\r\n" in request.lower() for request in peer.requests)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply("200 OK", CONTENT), "the server sends other bytes than were asked for"),
        (part_reply(CONTENT[:10], "0-9/100"), "the server sends other bytes than were asked for"),
        (
            part_reply(CONTENT[10:20], "10-19/101"),
            "the server sends other bytes than were asked for",
        ),
        (part_reply(CONTENT[10:15]), "a range came with another length than was announced"),
        (part_reply(CONTENT[10:90]), "a range came with another length than was announced"),
        (reply("403 Forbidden", b"no"), "the server answers 403: no"),
    ],
)
def test_a_range_that_is_another_one_is_given_up_and_writes_nothing_beyond(
    tmp_path: Path, answer: bytes, reason: str
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"." * 100)
    failed, peer = transferring(lambda t: t.fetch_range(FILE, 10, 20, copy), answer)
    assert isinstance(failed, TransferFailed)
    assert str(failed) == f"a range could not be fetched: {reason}"
    assert len(peer.requests) == 3
    there = copy.read_bytes()
    assert (there[:10], there[20:]) == (b"." * 10, b"." * 80)


@pytest.mark.parametrize(
    ("status", "error"), [("507 Insufficient Storage", ServerDiskFull), ("410 Gone", RenderEnded)]
)
def test_a_part_that_the_server_does_not_take_is_sent_once(
    tmp_path: Path, status: str, error: type[Exception]
) -> None:
    (tmp_path / "part.mp4").write_bytes(CONTENT)
    refused, peer = transferring(lambda t: t.send(tmp_path / "part.mp4", "/u"), reply(status))
    assert type(refused) is error
    assert len(peer.requests) == 1


def test_a_part_is_sent_again_with_its_digest_until_the_server_has_it(tmp_path: Path) -> None:
    (tmp_path / "part.mp4").write_bytes(CONTENT)
    sent, peer = transferring(
        lambda t: t.send(tmp_path / "part.mp4", "/u"),
        reply("502 Bad Gateway", b"starting"),
        reply("204 No Content"),
    )
    digest = sha256(CONTENT).hexdigest()
    assert sent == (100, digest)
    for request in peer.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"PUT /u ")
        assert f"{DIGEST_HEADER}: {digest}".encode() in head.lower()
        assert body == CONTENT
    assert len(peer.requests) == 2


def test_a_part_that_cannot_be_returned_says_why(tmp_path: Path) -> None:
    (tmp_path / "part.mp4").write_bytes(CONTENT)
    failed, peer = transferring(lambda t: t.send(tmp_path / "part.mp4", "/u"), b"")
    assert isinstance(failed, TransferFailed)
    assert str(failed).startswith("the part could not be returned: Server disconnected")
    assert len(peer.requests) == 3
