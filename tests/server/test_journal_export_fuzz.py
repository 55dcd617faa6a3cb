"""Whatever a client requests, every export of the journal is complete and readable."""

import contextlib
import json
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from nemolocal_contract.clock import iso8601
from nemolocal_contract.journal import Entry
from nemolocal_server.journal import journal_formats
from nemolocal_server.journal.journal_formats import har_entry
from tests.support.http_caller import HttpCaller
from tests.support.profiles import examples

JOURNAL = "/__nemolocal__/journal"
TARGETS = [
    b"//[x",
    b"//[x?a=b",
    b"/?[::1",
    b"//]/",
    b"http://[::1",
    b"http://a..b/",
    b"//a:99999999/?b",
    b"/%ff%fe?%ed%a0%80",
    b"/%00%1b%5b2J",
    b"/?a&&=;%&=%zz&#?",
    b"/%E2%80%AE?%E2%80%A8=%C2%85",
    b"*",
    b"?",
    b'/"<>`{}|\\^',
    b"/?" + b"a&" * 2000,
]
# The text of a request target: visible ASCII, weighed towards what means something in a URL.
targets = st.one_of(
    st.sampled_from(TARGETS),
    st.text(st.sampled_from("/[]?#%@:&=;.\\aA0~!*"), max_size=20).map(str.encode),
    st.binary(max_size=20).map(lambda raw: b"/" + bytes(b for b in raw if 0x20 < b < 0x7F)),
)
values = st.one_of(
    st.sampled_from([b"[::1", b"a b", b"h\xe9", b"\xff", b"x@y", b"[1:2]:x", b"a/b?c#d", b"h:1:2"]),
    st.binary(max_size=20).map(
        lambda raw: bytes(b for b in raw if b == 9 or (b >= 0x20 and b != 0x7F))
    ),
)
names = st.sampled_from(
    [b"Host", b"Content-Type", b"Referer", b"X-Client-Id", b"Cookie", b"Authorization", b"X-\x7e"]
)


@pytest.mark.slow
@given(
    st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS"]),
    targets,
    st.lists(st.tuples(names, values), max_size=4),
    st.binary(max_size=30),
)
@settings(
    max_examples=examples(12, 400),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
def test_every_export_is_complete_after_any_request(
    caller: HttpCaller,
    caplog: pytest.LogCaptureFixture,
    method: bytes,
    target: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    caller.http.delete(JOURNAL)
    lines = [method + b" " + target + b" HTTP/1.1", b"Connection: close"]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"Content-Length: %d" % len(body))
    exchange(caller, b"\r\n".join(lines) + b"\r\n\r\n" + body)
    require_complete(caller)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def exchange(caller: HttpCaller, request: bytes) -> None:
    """Send a request and read to the end of its answer."""
    url = caller.http.base_url
    place = (url.host, url.port or 80)
    with (
        socket.create_connection(place, timeout=120) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(request)
        while connection.recv(65_536):
            pass


def require_complete(caller: HttpCaller) -> None:
    """All three exports can be read, and have the same entries."""
    plain = caller.http.get(JOURNAL).json()["entries"]
    lines = caller.http.get(JOURNAL, params={"format": "jsonl"}).content.splitlines()
    assert [msgspec.json.decode(line, type=Entry).id for line in lines] == [e["id"] for e in plain]
    archive = caller.http.get(JOURNAL, params={"format": "har"}).json()["log"]["entries"]
    assert len(archive) == len(plain)
    for item in archive:
        parts = urlsplit(item["request"]["url"])
        assert (parts.scheme, bool(parts.hostname)) == ("http", True)


@pytest.mark.slow
def test_a_target_that_is_no_url_is_told_as_it_is(caller: HttpCaller) -> None:
    caller.http.delete(JOURNAL)
    exchange(caller, b"GET //[x?a=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    (entry,) = caller.http.get(JOURNAL, params={"format": "har"}).json()["log"]["entries"]
    assert entry["request"]["url"] == "http://localhost//[x?a=1"
    assert entry["request"]["queryString"] == [{"name": "a", "value": "1"}]


def entry_of(caller: HttpCaller, **changed: Any) -> Entry:
    (first, *_) = caller.get(JOURNAL)["entries"]
    return msgspec.convert({**first, **changed}, Entry)


@pytest.mark.slow
def test_a_clock_that_was_put_back_makes_no_time_negative(caller: HttpCaller) -> None:
    entry = entry_of(caller, started=2000.0, ended=1000.0, chunks=[[-5.0, 1]])
    reported = har_entry(entry)
    assert (reported["time"], *reported["timings"].values()) == (0, 0, 0, 0)


def test_one_entry_that_cannot_be_written_leaves_the_others(
    caller: HttpCaller, caplog: pytest.LogCaptureFixture
) -> None:
    entries = [entry_of(caller, id=1), entry_of(caller, id=2), entry_of(caller, id=3)]

    def show(entry: Entry) -> dict[str, int]:
        if entry.id == 2:
            raise ValueError("no such text")
        return {"id": entry.id}

    written = b"".join(journal_formats._write_object({"version": 1}, iter(entries), show))
    assert json.loads(written)["entries"] == [{"id": 1}, {"id": 3}]
    assert "entry 2 of the journal could not be written" in caplog.text


@pytest.mark.parametrize("seconds", [0.0, 253_402_300_799.0, 253_402_300_800.0, 1e18, float("inf")])
def test_every_moment_can_be_told(seconds: float) -> None:
    assert iso8601(seconds).endswith("Z")
