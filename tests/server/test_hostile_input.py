"""Requests that nobody in their right mind sends: refused, never a 5xx, a traceback or a hang."""

import contextlib
import json
import logging
import socket

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support.http_caller import HttpCaller
from tests.support.profiles import examples

# Only a hang lasts so long, however busy the machine.
SECONDS = 120
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "B\xf6S"]
SEGMENTS = ["api", "me", "%00", "%2e%2e", "..", "%ff%fe", "\u202e", "a" * 300, "{}", "'--", "%"]
KNOWN_PATHS = [
    "/api/auth/anonymous-token",
    "/api/auth/claim-token",
    "/api/tasks/me/with-session/nemo_agent",
    "/api/upload-video/nemo_agent/me/{sid}",
    "/run_sse",
    "/api/credits/balance/simple",
    "/api/state/nemo_agent/me/{sid}/latest",
    "/api/render/proxy/lambda",
    "/api/render/proxy/lambda/x",
    "/api/render/proxy/lambda/x/cancel",
    "/api/render/proxy/x/download",
    "/cdn/media/x",
    "/workspace/claim",
]

names = st.sampled_from(
    "session_id sessionId id draft new_message parts text output urls source_type t sg tt d s src "
    "task_name language app_name user_id role format quality resolution m st txt task_id".split()
)
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(2**63), 2**64, 1e308, 5e-324])
scalars = st.none() | st.booleans() | numbers | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=15,
)


# Written out only when they are sent, so that a failure can be printed.
LARGE = {
    b"{lists}": b"[" * 200_000,
    b"{objects}": b'{"a":' * 50_000,
    b"{digits}": b"9" * 5000,
}

# Lone surrogates come as `\ud800` and as raw bytes, NUL as `\u0000` and as itself.
broken = st.sampled_from(
    [
        b'{"session_id":"\\ud800","new_message":{"parts":[{"text":"\\udfff"}]}}',
        b'{"session_id":"\xed\xa0\x80","new_message":{"parts":[{"text":"x"}]}}',
        b'{"session_id":"{sid}","new_message":{"parts":[{"text":"\\u0000 trim \\ud83d"}]}}',
        b'{"session_id":"{sid}","new_message":{"parts":[{"text":"trim to the first 1e999 s"}]}}',
        b'{"id":"r","sessionId":"{sid}","draft":{"t":[{"tt":7,"sg":[{"s":1e308,"d":-1}]}]}}',
        b'{"id":"r\\u0000","sessionId":"{sid}","draft":{"d":1e999}}',
        b'{"task_name":"\\u0000\\ud800","language":"\\udc00"}',
        b'{"task_name":{digits}}',
        b'{"a":1,"a":2}',
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"{lists}",
        b"{objects}",
        b'{"id":"r","sessionId":"{sid}","draft":{"t":{lists}',
    ]
)
bodies = values.map(lambda value: json.dumps(value).encode()) | broken | st.binary(max_size=200)
forms = st.tuples(
    st.sampled_from(["files", "file", "", "\x00", "files\xff"]),
    st.sampled_from(["a.mp4", "a.exe", "", "../../x.png", "a\x00.mp4", "\ud800.gif", "x" * 500]),
    st.binary(max_size=60),
).map(
    lambda part: (
        (
            f'--b\r\nContent-Disposition: form-data; name="{part[0]}"; filename="{part[1]}"\r\n\r\n'
        ).encode("utf-8", "surrogatepass")
        + part[2]
        + b"\r\n--b--\r\n"
    )
)
header_names = st.sampled_from(
    "Host Accept Range If-None-Match X-Client-Id X-Skill-Source X-Skill-Version Expect Cookie "
    "Content-Encoding Transfer-Encoding Authorization X-Forwarded-Host Origin If-Range".split()
)
header_values = st.binary(max_size=30) | st.sampled_from(
    [b"", b"chunked", b"bytes=0-", b"bytes=9-1,-5,a", b"Bearer", b"Bearer \xff", b"[::1", b"a:b:c"]
)
headers = st.lists(st.tuples(header_names, header_values), max_size=4)
kinds = st.sampled_from(
    [
        b"application/json",
        b"multipart/form-data; boundary=b",
        b"multipart/form-data; boundary=" + b"b" * 300,
        b"multipart/form-data; boundary=\xff\x00",
        b"text/plain; charset=\xff",
        b"",
    ]
)
paths = st.sampled_from(KNOWN_PATHS) | st.lists(st.sampled_from(SEGMENTS), max_size=6).map(
    lambda segments: "/" + "/".join(segments)
)
queries = st.sampled_from(["", "", "?", "?a=%00&b=%ff", "?bind=%f0%9f", "?" + "q" * 2000, "?#"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Head and body of a request; `{sid}` and `{token}` stand for what the server gave out."""
    path = draw(paths) + draw(queries)
    lines = [
        f"{draw(st.sampled_from(METHODS))} {path} HTTP/1.1".encode(),
        b"Host: localhost",
        b"Connection: close",
        b"Content-Type: " + draw(kinds),
    ]
    if draw(st.booleans()):
        lines.append(b"Authorization: Bearer {token}")
    lines += [name.encode() + b": " + value for name, value in draw(headers)]
    return b"\r\n".join(lines), draw(bodies | forms)


def assemble(caller: HttpCaller, head: bytes, body: bytes) -> bytes:
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")
    for name, value in {**LARGE, b"{sid}": caller.session.encode()}.items():
        body = body.replace(name, value)
    head = head.replace(b"{sid}", caller.session.encode()).replace(b"{token}", token.encode())
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def exchange(caller: HttpCaller, request: bytes) -> bytes:
    """Everything that comes back until the server hangs up; fails where it does not."""
    url = caller.http.base_url
    answer = b""
    with socket.create_connection((url.host, url.port or 80), timeout=SECONDS) as connection:
        try:
            connection.sendall(request)
            with contextlib.suppress(OSError):  # the server may have hung up by now
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionError:
            return answer  # refused in the middle of a body, which is its right
    return answer


def check(caller: HttpCaller, request: bytes, caplog: pytest.LogCaptureFixture) -> None:
    status = exchange(caller, request).partition(b"\r\n")[0].split(b" ")[1:2]
    assert not status or status[0] < b"500", status
    serious = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert serious == []


hostile = settings(
    max_examples=examples(40, 1000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(request=requests())
@hostile
def test_a_request_of_any_shape_is_answered_without_a_defect(
    caller: HttpCaller, caplog: pytest.LogCaptureFixture, request: tuple[bytes, bytes]
) -> None:
    check(caller, assemble(caller, *request), caplog)


@given(request=st.binary(max_size=300))
@settings(parent=hostile, max_examples=examples(25, 500))
def test_bytes_of_any_kind_do_no_harm(
    caller: HttpCaller, caplog: pytest.LogCaptureFixture, request: bytes
) -> None:
    check(caller, request + b"\r\n\r\n", caplog)


def test_websocket_is_answered_as_any_request(
    caller: HttpCaller, caplog: pytest.LogCaptureFixture
) -> None:
    head = (
        b"GET /api/credits/balance/simple HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    )
    assert b'"code":1001' in exchange(caller, head)
    assert caplog.records == []
