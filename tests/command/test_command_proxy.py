"""The proxy by itself: what it takes for a request, and what it does with anything else."""

import asyncio
import base64
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, strategies as st

from nemolocal.errors import CommandError
from nemolocal.exec.allowed_hosts import AllowedHost, parse_allowed_hosts
from nemolocal.exec.connect_proxy import ConnectProxy, ProxyRequest, parse_target
from nemolocal.exec.tcp_relay import reset_connection
from nemolocal.exec.traffic_monitor import TrafficMonitor


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "target", "asked"),
    [
        (b"CONNECT", b"a.b:443", ProxyRequest("CONNECT", "a.b", 443, "/")),
        (b"CONNECT", b"A.b", ProxyRequest("CONNECT", "a.b", 443, "/")),
        (b"CONNECT", b"[::1]:99", ProxyRequest("CONNECT", "::1", 99, "/")),
        (b"GET", b"http://a.b/c?d", ProxyRequest("GET", "a.b", 80, "/c?d")),
        (b"GET", b"http://a.b?d", ProxyRequest("GET", "a.b", 80, "/?d")),
        (b"PUT", b"http://a.b:8", ProxyRequest("PUT", "a.b", 8, "/")),
        (b"GET", b"/x", None),
        (b"GET", b"a.b/x", None),
        (b"GET", b"https://a.b/x", None),
        (b"CONNECT", b"http://a.b:443", None),
        (b"CONNECT", b"a.b:443/x", None),
        (b"CONNECT", b"a.b:99999", None),
        (b"CONNECT", b"me@a.b:443", None),
        (b"GET", b"http://cloud.example@evil/", None),
        (b"GET", b"http://cloud.example:80@evil/", None),
        (b"GET", b"http://cloud.example\\@evil/", None),
        (b"GET", b"http://cloud.example#@evil/", None),
        (b"GET", b"http://[::1", None),
        (b"GET", b"", None),
    ],
)
def test_request_is_a_tunnel_or_a_whole_address(
    method: bytes, target: bytes, asked: ProxyRequest | None
) -> None:
    assert parse_target(method, target) == asked


@pytest.mark.slow
@given(st.binary(max_size=60))
@example(b"a.b/\xff")
def test_anything_else_is_no_request(target: bytes) -> None:
    for begin in (b"", b"http://"):
        for method in (b"CONNECT", b"GET"):
            found = parse_target(method, begin + target)
            assert found is None or re.fullmatch(r"[\w.:-]+", found.host, re.ASCII)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("A.example", [("a.example", 80), ("a.example", 443)]),
        ("a.example:81", [("a.example", 81)]),
        ("[::1]:8080", [("::1", 8080)]),
        ("127.0.0.1:5432", [("127.0.0.1", 5432)]),
    ],
)
def test_host_is_allowed_with_its_port_or_the_usual_two(
    given: str, allowed: list[tuple[str, int]]
) -> None:
    assert [(one.host, one.port) for one in parse_allowed_hosts([given])] == allowed


@pytest.mark.slow
@pytest.mark.parametrize(
    "given", ["", "a b", "http://a", "a:", "a:0", "a:70000", "a:b", "[::1", "*"]
)
def test_what_is_no_host_is_refused(given: str) -> None:
    with pytest.raises(CommandError, match="--allow-host must be HOST or HOST:PORT"):
        parse_allowed_hosts([given])


End = tuple[str, int]


async def talk(
    *requests: bytes,
    allowed: tuple[AllowedHost, ...] = (),
    own: Callable[[End, End], bool] = lambda *_: True,
    secret: bool = False,
) -> tuple[list[bytes], list[str]]:
    """What a proxy answers to each request on a connection of its own, and what was told."""
    reported: list[str] = []
    proxy = ConnectProxy(TrafficMonitor("cloud.example", reported.append), 9, allowed, own)
    await proxy.start()
    known = base64.b64encode(proxy.url.partition("//")[2].partition("@")[0].encode())
    field = b"Proxy-Authorization: Basic " + known + b"\r\n"
    answers = []
    for request in requests:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n", secret))
        writer.write_eof()
        answers.append(await reader.read())
        writer.close()
    await proxy.close()
    return answers, reported


def connect(place: str) -> bytes:
    return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()


def test_nonsense_is_answered_with_400_or_not_at_all() -> None:
    huge_head = b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n"
    (bad, no_host, huge, half), reported = asyncio.run(
        talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", huge_head, b"")
    )
    assert bad.startswith(b"HTTP/1.1 400 ")
    assert no_host.startswith(b"HTTP/1.1 400 ")
    assert huge.startswith(b"HTTP/1.1 400 ")
    assert (half, reported) == (b"", [])


def test_server_that_is_gone_is_502() -> None:
    (answer,), reported = asyncio.run(talk(connect("cloud.example:443")))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert reported == []


@pytest.mark.slow
@pytest.mark.parametrize("place", ["cloud.example:22", "evil.example:443", "127.0.0.1:443"])
def test_another_port_or_host_is_refused(place: str) -> None:
    (answer,), reported = asyncio.run(talk(connect(place)))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert reported[0].startswith(f"refused {place}: ")


def test_host_is_allowed_on_its_port_alone() -> None:
    allowed = (AllowedHost("127.0.0.1", 9),)
    (there, elsewhere), reported = asyncio.run(
        talk(connect("127.0.0.1:9"), connect("127.0.0.1:10"), allowed=allowed)
    )
    assert there.startswith(b"HTTP/1.1 502 ")
    assert elsewhere.startswith(b"HTTP/1.1 403 ")
    assert reported == [
        "refused 127.0.0.1:10: only cloud.example is served here; "
        "allow it with --allow-host 127.0.0.1:10"
    ]


def test_other_users_need_the_secret() -> None:
    requests = (connect("cloud.example:443"), b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
    wrong = requests[1].replace(b"\r\n\r\n", b"\r\nProxy-Authorization: Basic bmVtbw==\r\n\r\n")
    refused, reported = asyncio.run(talk(*requests, wrong, own=lambda *_: False))
    assert [answer[:13] for answer in refused] == [b"HTTP/1.1 407 "] * 3
    assert b'Proxy-Authenticate: Basic realm="nemolocal"' in refused[0]
    assert reported == []
    known, _ = asyncio.run(talk(*requests, own=lambda *_: False, secret=True))
    assert [answer[:13] for answer in known] == [b"HTTP/1.1 502 ", b"HTTP/1.1 403 "]


async def pass_on(request: bytes) -> tuple[bytes, bytes]:
    """What a host that is allowed gets of a request, and what comes back; it says `done`."""
    heard = bytearray()
    ended = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        if b"length: 4" in heard.lower():
            heard.extend(await reader.readexactly(4))
        if b"chunked" in heard.lower():
            heard.extend(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        await writer.drain()
        writer.write_eof()
        heard.extend(await reader.read())
        writer.close()
        ended.set()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    place = AllowedHost("127.0.0.1", port)
    written = request.replace(b"{place}", f"127.0.0.1:{port}".encode())
    (answer,), _ = await talk(written, allowed=(place,))
    await ended.wait()
    server.close()
    return bytes(heard).replace(str(port).encode(), b"PORT"), answer


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"", b""),
        (b"Content-Length: 4\r\n", b"body"),
        (b"Transfer-Encoding: chunked\r\n", b"4\r\nbody\r\n0\r\n\r\n"),
    ],
)
def test_one_request_is_passed_on_and_nothing_for_the_proxy_in_it(
    fields: bytes, body: bytes
) -> None:
    one = b"POST http://{place}/x?y HTTP/1.1\r\nHost: else.example\r\nA: b\r\n" + fields
    one += b"Proxy-Authorization: Basic\r\n secret\r\nProxy-Connection: keep-alive\r\n\r\n" + body
    other = b"GET http://cloud.example/ HTTP/1.1\r\nHost: cloud.example\r\n\r\n"
    heard, answer = asyncio.run(pass_on(one + other))
    assert answer.endswith(b"done")
    head, _, rest = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x?y HTTP/1.1\r\n")
    assert b"Host: 127.0.0.1:PORT" in head
    assert b"A: b" in head
    assert b"secret" not in heard
    assert b"else.example" not in heard
    assert b"keep-alive" not in heard
    assert b"cloud.example" not in heard
    assert b"body" in rest or not body


async def cut_through_a_tunnel() -> Exception | bytes:
    """What a client finds at the end of a tunnel whose far end is reset."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        reset_connection(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = ConnectProxy(TrafficMonitor("cloud.example", lambda _: None), port, own=lambda *_: True)
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(connect("cloud.example:443") + b"hi")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    try:
        return await reader.read()
    except ConnectionResetError as error:
        return error
    finally:
        writer.close()
        await proxy.close()
        server.close()


def test_reset_stays_a_reset() -> None:
    assert isinstance(asyncio.run(cut_through_a_tunnel()), ConnectionResetError)


def test_plain_http_for_the_cloud_is_led_to_https() -> None:
    request = b"GET http://cloud.example/a?b HTTP/1.1\r\nHost: cloud.example\r\n\r\n"
    (answer,), reported = asyncio.run(talk(request))
    assert answer.split()[1].startswith(b"30")
    assert b"https://cloud.example/a?b" in answer
    assert reported == []
