"""The names of uploads: however a form tells them, and never more than what prints."""

import email.message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_server.uploads.multipart import form_filename, printable_name
from tests.support.http_caller import HttpCaller

PART = b'form-data; name="files"; '


def send(caller: HttpCaller, disposition: bytes, content: bytes = b"x") -> dict[str, Any]:
    body = b"--b\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    reply: dict[str, Any] = caller.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    return reply


@pytest.mark.rule("UPL-1", "UPL-2")
@pytest.mark.parametrize(
    ("written", "reported"),
    [
        (b"filename*=utf-8''na%C3%AFve%20%E2%82%AC.m4a", "naïve €.m4a"),
        (b"filename*=UTF-8'de'a.m4a", "a.m4a"),
        (b"filename*=iso-8859-1''na%EFve.m4a", "naïve.m4a"),
        (b"filename=\"a.m4a\"; filename*=utf-8''%C3%A4.m4a", "ä.m4a"),
        (b'filename*0="a"; filename*1="b.m4a"', "ab.m4a"),
        (b'filename="say %22hi%22.m4a"', 'say "hi".m4a'),
        (b'filename="say \\"hi\\".m4a"', 'say "hi".m4a'),
        (b'filename="100%.m4a"', "100%.m4a"),
        (b'filename="../../etc/up.m4a"', "up.m4a"),
        (b'filename="C:\\\\films\\\\up.m4a"', "up.m4a"),
        ('filename="\u202egpj.m4a"'.encode(), "gpj.m4a"),
        (b'filename="a\x1b]0;title\x07.m4a"', "a]0;title.m4a"),
        (b"filename*=utf-8''a%00b%1Bc%0Ad.m4a", "abcd.m4a"),
    ],
)
def test_a_name_is_told_as_it_was_meant_and_prints(
    caller: HttpCaller, song: Path, written: bytes, reported: str
) -> None:
    reply = send(caller, PART + written, song.read_bytes())
    assert reply["code"] == 0, reply
    assert reply["data"]["files"][0]["filename"] == reported
    assert caller.state()["state"]["video_infos"][0]["filename"] == reported


@pytest.mark.rule("GEN-6")
def test_a_file_without_a_name_is_400_and_says_so(caller: HttpCaller) -> None:
    for field in (b'form-data; name="files"', b"form-data; name=files; size=3"):
        reply = send(caller, field)
        assert (reply["code"], "missing a filename" in reply["message"]) == (400, True), reply


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_prints(name: str) -> None:
    shown = printable_name(name)
    assert len(shown) <= 255
    assert not set("/\\\r\n\t\x1b\0\u202e") & set(shown)
    assert all(c.isprintable() or c in "\u200c\u200d" for c in shown)
    assert printable_name(shown) == shown


@given(
    st.lists(
        st.sampled_from(
            [
                *(b"filename", b"*", b"=", b"'", b'"', b"utf-8''", b";", b"\\", b"%", b"%22"),
                *(b"0", b"1", b" ", b"a.mp4", b"\xff", b"\0", b"=?utf-8?q?x?=", b"9" * 30),
            ]
        ),
        max_size=30,
    )
)
def test_any_disposition_has_a_name_or_none(pieces: list[bytes]) -> None:
    name = form_filename(b"form-data; name=files; " + b"".join(pieces), None)
    assert name is None or isinstance(name, str)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_an_encoded_name_comes_back(name: str) -> None:
    message = email.message.Message()
    message.add_header("Content-Disposition", "form-data", filename=("utf-8", "", name))
    header = str(message["Content-Disposition"]).encode()
    assert form_filename(header, None) == name


def test_a_piece_of_a_name_with_an_endless_number_is_not_read() -> None:
    """Python refuses to read a number of thousands of digits."""
    endless = b"; filename*" + b"9" * 5000 + b"*=utf-8''b.m4a"
    assert form_filename(PART + endless, b"a.m4a") == "a.m4a"
