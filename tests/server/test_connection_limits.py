"""What one connection may take: a head without bound is refused, no progress ends it."""

import json
import logging
import re
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from nemolocal_server.transport import connection_limits
from nemolocal_server.transport.connection_limits import BoundedConnection, ConnectionLimits
from nemolocal_server.transport.uvicorn_protocols import CuttableH11Protocol, select_http_protocol
from tests.support.connection import Connection
from tests.support.http_caller import HttpCaller
from tests.support.servers import ServerFactory

LIMITS = ConnectionLimits()
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MINUTE = 60.0
Open = Callable[[], Connection]


@pytest.fixture(params=[CuttableH11Protocol, select_http_protocol()], ids=["h11", "usual"])
def connect(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens connections of one server."""
    opened: list[Connection] = []

    def open_one() -> Connection:
        opened.append(Connection(request.param, *opened[:1]))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect: Open) -> Connection:
    return connect()


ENDLESS = {
    "a long URL": (b"GET /", b"a" * 1000, {414, 431}),
    "a long query": (b"GET /?", b"a" * 1000, {414, 431}),
    "a long value": (GET + b"X: ", b"a" * 1000, {431}),
    "a long name": (GET, b"a" * 1000, {431}),
    "many headers": (GET, b"a: b\r\n" * 100, {431}),
    "many large headers": (GET, b"a: " + b"b" * 997 + b"\r\n", {431}),
    "many trailers": (CHUNKED + b"1\r\na\r\n0\r\n", b"a: b\r\n" * 100, {400, 431}),
    "a long trailer": (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"a" * 1000, {400, 431}),
    "a long chunk extension": (CHUNKED + b"1;", b"a" * 1000, {400, 431}),
    "a long method": (b"", b"A" * 1000, {400, 431}),
    "empty lines": (b"", b"\r\n" * 500, {400, 431}),
}


@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 100], ids=["small", "large"])
def test_a_head_without_bound_is_refused_at_the_limit(
    connect: Open, subtests: pytest.Subtests, piece: int
) -> None:
    for name, (begin, rest, statuses) in ENDLESS.items():
        with subtests.test(name):
            connection = connect()
            if begin:
                connection.feed(begin)
            taken = connection.feed_on(rest * piece, 10 * LIMITS.head_bytes)
            assert connection.ended == "closed"
            assert connection.status in statuses
            assert taken <= 3 * LIMITS.head_bytes + len(rest) * piece


@pytest.mark.slow
def test_what_is_large_and_within_the_limits_is_served(connection: Connection) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 80) for n in range(150))
    connection.feed(
        b"GET /?" + b"q" * 8000 + b" HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"
    )
    connection.answer()
    assert (connection.status, connection.ended) == (200, "")
    # The next request has all of it again.
    connection.feed(GET + fields + b"\r\n")
    connection.answer(202)
    assert (connection.status, connection.ended) == (202, "")


@pytest.mark.slow
def test_a_body_in_the_smallest_chunks_is_no_head(connection: Connection) -> None:
    connection.feed(CHUNKED)
    assert connection.feed_on(b"1\r\na\r\n" * 100, 2 * LIMITS.head_bytes) > LIMITS.head_bytes
    assert connection.ended == ""


@pytest.mark.skipif(issubclass(select_http_protocol(), CuttableH11Protocol), reason="no httptools")
@pytest.mark.parametrize("answered", [False, True], ids=["read", "unread"])
def test_a_body_in_the_smallest_chunks_has_an_end(answered: bool) -> None:
    """Each chunk costs as much as a kilobyte of a body in larger ones."""
    connection = Connection(select_http_protocol())
    connection.feed(CHUNKED)
    if answered:
        connection.answer(404)
    taken = connection.feed_on(b"1\r\na\r\n" * 1000, 1_000_000)
    assert taken <= 6 * (LIMITS.chunks + 1000)
    assert (connection.status, connection.ended) == (413, "closed")
    connection.close()


@pytest.mark.slow
def test_any_number_of_chunks_of_some_size_is_taken(connection: Connection) -> None:
    connection.feed(CHUNKED)
    piece = b"10\r\n" + b"a" * 16 + b"\r\n"
    assert connection.feed_on(piece * 1000, 30_000 * len(piece)) == 30_000 * len(piece)
    assert connection.ended == ""


@pytest.mark.slow
def test_a_refusal_says_why_in_the_envelope(connection: Connection) -> None:
    connection.feed_on(b"GET / HTTP/1.1\r\nX: " + b"a" * 50_000, 10 * LIMITS.head_bytes)
    head, _, body = connection.transport.written.partition(b"\r\n\r\n")
    said = json.loads(body)
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in head
    assert (said["code"], said["data"]) == (431, None)
    assert "too large" in said["message"]


def test_nothing_is_said_into_an_answer_that_has_begun(connection: Connection) -> None:
    connection.feed(CHUNKED)
    connection.answer(more=True)
    connection.feed_on(b"1;" + b"a" * 1000, 10 * LIMITS.head_bytes)
    assert connection.transport.written.count(b"HTTP/1.1") == 1


def test_requests_sent_ahead_are_bounded(connection: Connection) -> None:
    connection.feed_on((GET + b"\r\n") * 1000, 100 * len(GET) * 1000)
    waiting = len(getattr(connection.protocol, "pipeline", ()))
    assert waiting <= LIMITS.pipelined


STALLED = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": GET + b"X-A: b\r\n",
    "a head without its body": POST + b"Content-Length: 9\r\n\r\n",
    "half a body": POST + b"Content-Length: 9\r\n\r\n{",
    "half a chunk": CHUNKED + b"5\r\nab",
}


@pytest.mark.slow
def test_a_request_that_stops_half_way_is_given_up(
    connect: Open, subtests: pytest.Subtests
) -> None:
    for name, sent in STALLED.items():
        with subtests.test(name):
            connection = connect()
            if sent:
                connection.feed(sent)
            connection.loop.turn(LIMITS.head_seconds - 1)
            assert connection.ended == ""
            connection.loop.turn(2 * MINUTE)
            assert connection.ended == "closed"
            assert connection.status == (408 if sent else 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "begin", [b"", GET, POST + b"Content-Length: 99999\r\n\r\n"], ids=["line", "head", "body"]
)
def test_a_byte_now_and_then_is_no_progress(connection: Connection, begin: bytes) -> None:
    if begin:
        connection.feed(begin)
    for _ in range(300):
        connection.feed(b"a")
        connection.loop.turn(1.0)
    assert connection.ended == "closed"


@pytest.mark.slow
def test_a_slow_upload_that_comes_forward_is_waited_for(connection: Connection) -> None:
    connection.feed(POST + b"Content-Length: 99999999\r\n\r\n")
    for _ in range(1000):
        connection.feed(b"a" * 40_000)
        connection.protocol.cycle.body.clear()
        connection.protocol.flow.read_paused = False
        connection.loop.turn(LIMITS.silent_seconds - 1)
    assert connection.ended == ""
    connection.loop.turn(2 * LIMITS.silent_seconds)
    assert connection.ended == "closed"


def test_a_body_that_the_server_does_not_read_is_not_late(connection: Connection) -> None:
    connection.feed(POST + b"Content-Length: 99999\r\n\r\n" + b"a")
    connection.protocol.flow.read_paused = True
    connection.loop.turn(60 * MINUTE)
    connection.protocol.flow.read_paused = False
    connection.loop.turn(LIMITS.head_seconds - 1)
    assert connection.ended == ""
    connection.loop.turn(2 * MINUTE)
    assert connection.ended == "closed"


@pytest.mark.slow
def test_a_stream_may_be_silent_for_hours(connection: Connection) -> None:
    connection.feed(GET + b"\r\n")
    connection.answer(more=True)
    for _ in range(10):
        connection.loop.turn(60 * MINUTE)
        connection.answer(more=True)
    assert connection.ended == ""


def test_what_is_sent_ahead_of_a_stream_is_not_late_before_its_end(connection: Connection) -> None:
    connection.feed(GET + b"\r\n")
    connection.answer(more=True)
    connection.feed(b"GET / HT")
    connection.loop.turn(60 * MINUTE)
    connection.answer()
    connection.loop.turn(LIMITS.head_seconds - 1)
    assert connection.ended == ""
    connection.loop.turn(MINUTE)
    assert connection.ended == "closed"


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT"], ids=["nothing", "line end", "head"])
def test_a_connection_that_was_of_use_is_closed_when_it_is_idle(
    connection: Connection, sent: bytes
) -> None:
    connection.feed(GET + b"\r\n")
    connection.answer()
    if sent:
        connection.feed(sent)
    connection.loop.turn(2 * MINUTE)
    assert connection.ended == "closed"


@pytest.mark.slow
def test_a_body_that_nobody_wants_any_more_has_an_end(connection: Connection) -> None:
    connection.feed(POST + b"Content-Length: 99999999\r\n\r\n" + b"a")
    connection.answer(401)
    for _ in range(300):
        connection.feed(b"a")
        connection.loop.turn(1.0)
    assert connection.ended == "closed"
    assert connection.status == 401


@pytest.mark.parametrize("answered", [False, True], ids=["in the middle", "at the end"])
def test_who_reads_nothing_is_given_up(connection: Connection, answered: bool) -> None:
    connection.feed(GET + b"\r\n")
    connection.answer(more=True)
    connection.protocol.pause_writing()
    connection.loop.turn(LIMITS.read_seconds - 1)
    assert connection.ended == ""
    connection.protocol.resume_writing()
    if answered:
        # It is all in the buffer, which nobody empties.
        connection.answer()
    else:
        connection.protocol.pause_writing()
    connection.loop.turn(2 * LIMITS.read_seconds)
    assert connection.ended == "aborted"


def test_a_process_that_was_stopped_looks_before_it_closes(connection: Connection) -> None:
    connection.feed(b"GET / HT")
    connection.transport.end.sendall(b"TP/1.1\r\nHost: localhost\r\n\r\n")
    connection.loop.turn(LIMITS.head_seconds)
    assert connection.ended == ""
    connection.feed(b"TP/1.1\r\nHost: localhost\r\n\r\n")
    connection.loop.turn(MINUTE)
    assert connection.ended == ""


def test_a_newcomer_takes_the_place_of_who_has_waited_longest(
    connect: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_limits, "max_connections", lambda: 4)
    monkeypatch.setattr(BoundedConnection, "_warned_at", float("-inf"))
    streaming = connect()
    streaming.feed(GET + b"\r\n")
    streaming.answer(more=True)
    halves = []
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            streaming.loop.turn(1.0)
            halves.append(connect())
            halves[-1].feed(b"GET / HT")
            gone = [half for half in halves if half.ended]
            streaming.state.connections -= {half.protocol for half in gone}
    assert [bool(half.ended) for half in halves] == [True, True, True, False, False, False]
    assert streaming.ended == ""
    assert [record.message[:29] for record in caplog.records] == ["more than 4 connections are o"]


def test_a_newcomer_is_refused_where_all_are_at_work(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "max_connections", lambda: 2)
    for _ in range(2):
        streaming = connect()
        streaming.feed(GET + b"\r\n")
        streaming.answer(more=True)
    late = connect()
    assert (late.status, late.ended) == (503, "closed")


def test_a_newcomer_takes_the_place_of_who_reads_nothing_for_long(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "max_connections", lambda: 2)
    stuck, streaming = connect(), connect()
    for connection in (stuck, streaming):
        connection.feed(GET + b"\r\n")
        connection.answer(more=True)
    stuck.protocol.pause_writing()
    stuck.loop.turn(LIMITS.head_seconds - 1)
    assert connect().status == 503
    stuck.loop.turn(2)
    assert connect().ended == ""
    assert (stuck.ended, streaming.ended) == ("aborted", "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(("soft", "most"), [(64, 32), (256, 128), (1024, 768), (10**6, 8000)])
def test_some_descriptors_are_left_for_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, most: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, 10**6))
    assert connection_limits.max_connections() == most


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("limits", "wanted"), [((1024, 4096), [4096]), ((1024, 10**9), [65_536]), ((4096, 4096), [])]
)
def test_serve_may_open_as_many_files_as_it_is_allowed_to(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], wanted: list[int]
) -> None:
    raised: list[int] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: limits)
    monkeypatch.setattr("resource.setrlimit", lambda _, both: raised.append(both[0]))
    connection_limits.raise_file_limit()
    assert raised == wanted


@pytest.mark.slow
def test_a_server_on_a_socket_refuses_a_head_without_bound(servers: ServerFactory) -> None:
    host, _, port = servers.start().removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 2 * LIMITS.head_bytes)
        assert client.recv(1000).startswith(b"HTTP/1.1 431 ")


BODIES = {
    "/run_sse": b'{"session_id"',
    "/api/upload-video/nemo_agent/me/{session}": (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\nxx'
    ),
}


@pytest.mark.slow
def test_who_hangs_up_in_the_middle_of_a_body_is_no_defect(
    caller: HttpCaller, caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    url, token = caller.http.base_url, caller.http.headers["Authorization"]
    for path, body in BODIES.items():
        with subtests.test(path), socket.create_connection((url.host, url.port or 80)) as client:
            head = (
                f"POST {path.format(session=caller.session)} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                "Content-Length: 999\r\n\r\n"
            )
            client.sendall(head.encode() + body)
    while len(entries := caller.get("/__nemolocal__/journal")["entries"]) < 2 + len(BODIES):
        pass
    assert [entry["ending"] for entry in entries[2:]] == ["cut by client"] * len(BODIES)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("line", "fields", "status"),
    [
        (b"GET / HTTP/1.1", 300, 431),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1", 1, 414),
    ],
)
def test_a_large_head_that_comes_at_once_is_refused_by_what_is_too_large(
    connect: Open, line: bytes, fields: int, status: int
) -> None:
    connection = connect()
    connection.feed(line + b"\r\nHost: localhost\r\n" + b"a: b\r\n" * fields + b"\r\n")
    # h11 has no limit of its own for the URL or the number of headers.
    usual = not isinstance(connection.protocol, CuttableH11Protocol)
    assert connection.status == (status if usual else 0)


def test_requests_sent_ahead_are_answered_one_after_the_other(servers: ServerFactory) -> None:
    _, _, place = servers.start().rpartition("/")
    host, _, port = place.partition(":")
    paths = [b"/api/credits/balance/simple", b"/api/nothing", b"/api/auth/anonymous-token"]
    request = b"GET %b HTTP/1.1\r\nHost: " + place.encode() + b"\r\n%b\r\n"
    ends = [b"", b"", b"Connection: close\r\n"]
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"".join(request % each for each in zip(paths, ends, strict=True)))
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"405"]


def test_without_a_limit_of_open_files_only_memory_bounds_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    unlimited = connection_limits.max_connections()
    monkeypatch.setattr("resource.getrlimit", lambda _: (10**6, 10**6))
    assert unlimited == connection_limits.max_connections()


def test_windows_has_no_limit_of_open_files_to_ask_for_or_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The module `resource` does not exist there."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (10**6, 10**6))
    most = connection_limits.max_connections()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(connection_limits, "resource")
    connection_limits.raise_file_limit()
    assert connection_limits.max_connections() == most
