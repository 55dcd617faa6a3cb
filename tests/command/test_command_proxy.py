"""The proxy by itself: what it takes for a request, and what it does with anything else."""

import asyncio

import pytest
from hypothesis import example, given, strategies as st

from nemolocal.proxy import Asked, Proxy, read_request


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        (b"CONNECT a.b:443 HTTP/1.1\r\n", Asked("CONNECT", "a.b", 443, "/")),
        (b"CONNECT A.b HTTP/1.0\r\n", Asked("CONNECT", "a.b", 443, "/")),
        (b"CONNECT [::1]:99 HTTP/1.1\r\n", Asked("CONNECT", "::1", 99, "/")),
        (b"GET http://a.b/c?d HTTP/1.1\r\n", Asked("GET", "a.b", 80, "/c?d")),
        (b"PUT http://a.b:8 HTTP/1.1\r\n", Asked("PUT", "a.b", 8, "/")),
        (b"GET /x HTTP/1.1\r\n", None),
        (b"GET a.b/x HTTP/1.1\r\n", None),
        (b"GET https://a.b/x HTTP/1.1\r\n", None),
        (b"CONNECT http://a.b:443 HTTP/1.1\r\n", None),
        (b"CONNECT a.b:443/x HTTP/1.1\r\n", None),
        (b"CONNECT a.b:99999 HTTP/1.1\r\n", None),
        (b"CONNECT a.b:443 HTTP/2\r\n", None),
        (b"\x16\x03\x01", None),
        (b"", None),
    ],
)
def test_request_is_a_tunnel_or_a_whole_address(head: bytes, asked: Asked | None) -> None:
    assert read_request(head) == asked


@given(st.binary(max_size=60))
@example(b"GET http://a.b/\xff HTTP/1.1")
def test_anything_else_is_no_request(head: bytes) -> None:
    read_request(head)
    read_request(b"CONNECT " + head + b" HTTP/1.1\r\n")
    read_request(b"GET http://" + head + b" HTTP/1.1\r\n")


async def ask(*requests: bytes, allowed: tuple[str, ...] = ()) -> tuple[list[bytes], list[str]]:
    """What a proxy answers to each request on a connection of its own, and whom it refused."""
    refused: list[str] = []
    proxy = Proxy("cloud.example", 9, allowed, refused.append)
    await proxy.start()
    answers = []
    for request in requests:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.split(":")[2]))
        writer.write(request)
        writer.write_eof()
        answers.append(await reader.read())
        writer.close()
    await proxy.close()
    return answers, refused


def test_nonsense_is_answered_with_400_or_not_at_all() -> None:
    (bad, huge, half), refused = asyncio.run(
        ask(b"GET / HTTP/1.1\r\n\r\n", b"GET " + b"x" * 70_000 + b"\r\n\r\n", b"CONNECT a")
    )
    assert bad.startswith(b"HTTP/1.1 400 ")
    assert huge.startswith(b"HTTP/1.1 400 ")
    assert (half, refused) == (b"", [])


def test_server_that_is_gone_is_502() -> None:
    requests = (b"CONNECT cloud.example:443 HTTP/1.1\r\n\r\n",)
    (answer,), refused = asyncio.run(ask(*requests))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert refused == []


def test_another_port_of_the_cloud_is_refused() -> None:
    (answer,), refused = asyncio.run(ask(b"CONNECT cloud.example:22 HTTP/1.1\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert refused[0].startswith("refused cloud.example:22")
