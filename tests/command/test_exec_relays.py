"""The relays of a sealed program over sockets: what is no request, and ends that are gone."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from nemolocal.exec.allowed_hosts import AllowedHost
from nemolocal.exec.dns_server import build_dns_response
from nemolocal.exec.network_layout import hosts_text
from nemolocal.exec.relay_thread import RelayThread
from nemolocal.exec.tcp_relay import copy_stream
from nemolocal.exec.traffic_monitor import TrafficMonitor

CLOUD = "api.cloud.test"
QUERY = b"\x00\x01\x01\x00\x00\x01" + bytes(6) + b"\x03api\x05cloud\x04test\x00\x00\x01\x00\x01"


@pytest.fixture
def relay() -> Iterator[RelayThread]:
    with RelayThread().running() as running:
        yield running


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def monitor(printed: list[str]) -> TrafficMonitor:
    return TrafficMonitor(CLOUD, printed.append)


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def exchange(place: socket.socket, sent: bytes) -> bytes:
    with socket.create_connection(place.getsockname()) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_connection_to_a_host_where_nothing_listens_is_reset(relay: RelayThread) -> None:
    with listener() as closed:
        port = closed.getsockname()[1]
    place = listener()
    relay.forward(place, AllowedHost("127.0.0.1", port))
    with (
        socket.create_connection(place.getsockname()) as client,
        pytest.raises(ConnectionResetError),
    ):
        client.recv(1)


def test_open_connections_end_with_the_relay() -> None:
    with listener() as far, RelayThread().running() as relay:
        place = listener()
        relay.forward(place, AllowedHost(*far.getsockname()))
        client = socket.create_connection(place.getsockname())
        client.sendall(b"a")
        accepted, _ = far.accept()
        assert accepted.recv(1) == b"a"
    with client, accepted, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x00\xff\r\n\r\n", b"", b"GET / HTTP/1.1\r\nHo"])
def test_what_is_no_http_is_closed_without_a_word(
    relay: RelayThread, monitor: TrafficMonitor, printed: list[str], sent: bytes
) -> None:
    place = listener()
    relay.redirect_http(place, monitor)
    assert exchange(place, sent) == b""
    assert printed == []


def test_plain_http_is_led_to_https_and_other_hosts_are_refused(
    relay: RelayThread, monitor: TrafficMonitor, printed: list[str]
) -> None:
    place = listener()
    relay.redirect_http(place, monitor)
    own = exchange(place, f"GET /a?b HTTP/1.1\r\nHost: {CLOUD}\r\n\r\n".encode())
    assert own.split()[1].startswith(b"30")
    assert f"https://{CLOUD}/a?b".encode() in own
    other = exchange(place, b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
    assert other.startswith(b"HTTP/1.1 403 ")
    assert len(printed) == 1
    assert "other.test" in printed[0]


def test_name_server_stays_silent_about_nonsense_and_answers_the_next_query(
    relay: RelayThread, monitor: TrafficMonitor
) -> None:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 0))
    relay.serve_dns(own, {CLOUD: ["127.0.0.1"]}, monitor)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(60)
        client.connect(own.getsockname())
        client.send(b"nonsense")
        client.send(QUERY)
        # The answer to the second query is the first that comes.
        answer = client.recv(1000)
    assert answer[:2] == QUERY[:2]
    assert answer.endswith(socket.inet_aton("127.0.0.1"))


def test_name_server_does_nothing_but_look_up() -> None:
    status = QUERY[:2] + bytes([QUERY[2] | 0x10]) + QUERY[3:]
    answer = build_dns_response(status, {CLOUD: ["127.0.0.1"]})
    assert (answer[3] & 0x0F, answer[6:8]) == (4, bytes(2))


def test_lines_of_the_hosts_file_without_an_address_are_left_out() -> None:
    text = hosts_text({}, "localhost 127.0.0.1\n::1%lo0 mine\n10.0.0.1 other\n", "machine")
    assert text == "::1%lo0 mine\n127.0.0.1 machine\n"


def test_end_of_a_stream_passes_on_though_the_far_end_has_broken() -> None:
    class Broken:
        ended = False

        def write(self, _: bytes) -> None:
            raise BrokenPipeError

        def write_eof(self) -> None:
            self.ended = True

    async def copy() -> bool:
        reader, writer = asyncio.StreamReader(), Broken()
        reader.feed_data(b"a")
        await copy_stream(reader, writer)  # type: ignore[arg-type]
        return writer.ended

    assert asyncio.run(copy())
