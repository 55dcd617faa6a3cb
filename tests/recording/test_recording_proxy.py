"""A client sees through the recorder what it sees without, and endings are recorded as they are."""

import socket
import threading
from pathlib import Path

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_recording.allowlist_redactor import AllowlistRedactor
from nemolocal_recording.recording import ExchangeRecord
from nemolocal_recording.spending_limit import SpendingLimit
from tests.support.recorder import (
    exchange_bytes,
    raw_server,
    read_request,
    reset,
    running_recorder,
)

OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /api/credits/balance/simple HTTP/1.1\r\nHost: x\r\n\r\n"
CHAT_BODY = b'{"session_id":"1234567890123456789","new_message":{"parts":[{"text":"hi"}]}}'
CHAT = (
    b"POST /run_sse HTTP/1.1\r\nhOST: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(CHAT_BODY), CHAT_BODY)
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


WHOLE = {
    "length": OK + b'Content-Length: 10\r\nX-y:  z \r\n\r\n{"code":0}',
    "chunks": STREAM + b"007;a=b\r\ndata:\n\n\r\n" + b"0\r\nx: y\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
}
CUT = {
    "length": OK + b"Content-Length: 100\r\n\r\n{",
    "chunk": STREAM + b"ff\r\ndata: {",
    "between-chunks": STREAM + chunk(b"data:\n\n"),
    "head": b"HTTP/1.1 200",
}


def check_passed_on(sent: bytes, ending: str, folder: Path) -> str:
    """Check that a client gets these bytes and this ending; return the ending that is recorded."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(sent)
        # The response is out before the connection ends.
        passed.wait(60)
        if ending == "rst":
            reset(connection)

    passed = threading.Event()
    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, folder) as recorder,
    ):
        with socket.create_connection(recorder.address, 60) as client:
            client.sendall(GET)
            received = b""
            while len(received) < len(sent):
                received += client.recv(65_536)
            passed.set()
            assert end_of(client) == ending
        assert received == sent
        assert server.connections == 1
    (exchange,) = recorder.exchanges()
    return str(exchange.ending)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("ending", ["fin", "rst"])
def test_client_gets_every_byte_and_the_ending(name: str, ending: str, tmp_path: Path) -> None:
    assert check_passed_on(WHOLE[name], ending, tmp_path / "r") == "clean"


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("ending", ["fin", "rst"])
def test_cut_is_recorded_as_a_cut(name: str, ending: str, tmp_path: Path) -> None:
    assert check_passed_on(CUT[name], ending, tmp_path / "r") == ending


def test_response_without_a_length_ends_with_its_connection(tmp_path: Path) -> None:
    content = OK + b"\r\n" + b'{"code":0}'
    with (
        raw_server(content) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        assert exchange_bytes(recorder.address, GET) == (content, "fin")
    (exchange,) = recorder.exchanges()
    assert (exchange.ending, exchange.json) == ("fin", {"code": 0})


def test_server_gets_its_real_name_and_every_other_byte(tmp_path: Path) -> None:
    with (
        raw_server(WHOLE["length"]) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        exchange_bytes(recorder.address, CHAT)
        assert server.requests == [CHAT.replace(b"hOST: x", b"hOST: " + server.name.encode())]


def test_chunks_are_passed_on_as_they_come_and_have_the_times_of_the_clock(tmp_path: Path) -> None:
    frames = [b'data: {"type":"heartbeat"}\n\n', b"data:\n\ndata", b":\n\n"]
    arrived = threading.Semaphore(0)
    clock = ManualClock()

    def answer(connection: socket.socket) -> None:
        connection.sendall(STREAM)
        for frame in frames:
            assert arrived.acquire(timeout=60)
            clock.wait(15)
            connection.sendall(chunk(frame))
        connection.sendall(b"0\r\n\r\n")

    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, tmp_path / "r", clock=clock) as recorder,
        httpx.Client(trust_env=False, timeout=60) as http,
        http.stream("POST", f"{recorder.base_url}/run_sse", content=CHAT_BODY) as response,
    ):
        received = []
        arrived.release()
        for data in response.iter_raw():
            received.append(data)
            arrived.release()
    assert received == frames
    (exchange,) = recorder.exchanges()
    assert [(one.at, one.size, len(one.frames)) for one in exchange.chunks] == [
        (15.0, len(frames[0]), 1),
        (30.0, len(frames[1]), 1),
        (45.0, len(frames[2]), 1),
    ]
    assert [frame.at for frame in exchange.frames if frame.is_empty] == [30.0, 45.0]


@pytest.mark.parametrize("ending", ["fin", "rst"])
def test_client_that_hangs_up_is_told_to_the_server(ending: str, tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(sent)
        connection.settimeout(60)
        seen.append(end_of(connection))
        ended.set()

    sent, seen, ended = STREAM + chunk(b"data:\n\n"), list[str](), threading.Event()
    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        with socket.create_connection(recorder.address, 60) as client:
            client.sendall(CHAT)
            received = b""
            while len(received) < len(sent):
                received += client.recv(65_536)
            if ending == "rst":
                reset(client)
        assert ended.wait(60)
    assert seen == [ending]
    (exchange,) = recorder.exchanges()
    assert exchange.ending == "client"


def test_one_connection_carries_many_exchanges(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        for number in range(3):
            body = b'{"code":%d}' % number
            connection.sendall(OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            read_request(connection)

    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        with httpx.Client(base_url=recorder.base_url, trust_env=False, timeout=60) as http:
            codes = [http.get("/api/credits/balance/simple").json()["code"] for _ in range(3)]
        assert server.connections == 1
    assert codes == [0, 1, 2]
    assert [one.json for one in recorder.exchanges()] == [{"code": code} for code in codes]


def test_pipelined_requests_have_their_own_responses(tmp_path: Path) -> None:
    answers = b"".join(OK + b"Content-Length: 10\r\n\r\n" + b'{"code":%d}' % n for n in (7, 8))
    with (
        raw_server(answers) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        exchange_bytes(recorder.address, CHAT + GET)
    assert codes_of(recorder.exchanges()) == {"chat": 7, "balance": 8}


def test_other_protocol_is_passed_on_unread(tmp_path: Path) -> None:
    upgrade = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    )

    def answer(connection: socket.socket) -> None:
        connection.sendall(upgrade)
        assert connection.recv(5) == b"\x00\xffabc"
        connection.sendall(b"\xff\x00secret")

    asked = b"GET /ws/chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
        socket.create_connection(recorder.address, 60) as client,
    ):
        client.sendall(asked)
        received = b""
        while len(received) < len(upgrade):
            received += client.recv(65_536)
        client.sendall(b"\x00\xffabc")
        while block := client.recv(65_536):
            received += block
    assert received == upgrade + b"\xff\x00secret"
    (exchange,) = recorder.exchanges()
    assert (exchange.ending, exchange.status, exchange.request.generation) == ("upgraded", 101, 2)
    assert b"secret" not in recorder.path.read_bytes()


def test_call_over_the_limit_is_refused_and_never_forwarded(tmp_path: Path) -> None:
    limit = SpendingLimit(max_turns=1, max_renders=0)
    with (
        raw_server(WHOLE["length"]) as server,
        running_recorder(server.base_url, tmp_path / "r", limit=limit) as recorder,
    ):
        assert exchange_bytes(recorder.address, CHAT)[0] == WHOLE["length"]
        refused = httpx.post(
            f"{recorder.base_url}/run_sse", content=CHAT_BODY, trust_env=False, timeout=60
        )
        assert len(server.requests) == 1
    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    assert "--max-turns" in refused.json()["message"]
    assert [one.refused is not None for one in recorder.exchanges()] == [False, True]
    cost, told = recorder.told
    assert "up to 100 credits" in cost
    assert "--max-turns is reached" in told


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", b"505"),
    ],
)
def test_request_that_is_not_http_1_1_is_refused(
    request_bytes: bytes, status: bytes, tmp_path: Path
) -> None:
    with (
        raw_server(WHOLE["length"]) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        answer, ending = exchange_bytes(recorder.address, request_bytes)
        assert server.connections == 0
    assert (answer.split()[1], ending) == (status, "fin")


def test_server_that_is_not_there_is_recorded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with running_recorder(f"http://127.0.0.1:{port}", tmp_path / "r") as recorder:
        assert exchange_bytes(recorder.address, GET) == (b"", "rst")
    (exchange,) = recorder.exchanges()
    assert exchange.ending == "unreachable"
    assert recorder.told[0].startswith(f"cannot reach 127.0.0.1:{port}: ")


def test_client_gets_its_bytes_even_if_they_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret in its message")

    for name in ("path", "json", "headers"):
        monkeypatch.setattr(AllowlistRedactor, name, fail)
    with (
        raw_server(WHOLE["length"]) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        assert exchange_bytes(recorder.address, CHAT) == (WHOLE["length"], "fin")
        assert len(server.requests) == 1
    assert "an exchange could not be recorded completely: RuntimeError" in recorder.told
    assert not any("secret" in line for line in recorder.told)


def end_of(client: socket.socket) -> str:
    try:
        while client.recv(65_536):
            pass
    except ConnectionResetError:
        return "rst"
    return "fin"


def codes_of(exchanges: list[ExchangeRecord]) -> dict[str, int]:
    return {one.endpoint: one.json["code"] for one in exchanges}
