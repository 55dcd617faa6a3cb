"""Uploads: measured from the file itself, refused whole, cut off at the limit."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


@pytest.mark.slow
@pytest.mark.rule("UPL-1", "UPL-2")
def test_an_upload_is_described_by_what_is_in_the_file(
    caller: HttpCaller, sample: Path, song: Path
) -> None:
    data = caller.upload(sample, song)["data"]
    assert data["session_state_applied"] is True
    video, audio = data["files"]
    assert video["filename"] == "my clip.mp4"
    assert (video["file_type"], video["width"], video["height"]) == ("video", 1280, 720)
    assert (video["duration"], video["fps"]) == (pytest.approx(2, abs=0.05), 30)
    assert video["hash"] == hashlib.sha256(sample.read_bytes()).hexdigest()
    assert (audio["file_type"], audio["width"], audio["fps"]) == ("audio", 0, 0)
    assert caller.http.get(video["cdn_url"]).content == sample.read_bytes()
    infos = caller.state()["state"]["video_infos"]
    assert [info["filename"] for info in infos] == ["my clip.mp4", "song.m4a"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.mp4", b"this is a text file"),
        ("x.mp4", b""),
        ("x.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("x.png", b"\x89PNG\r\n\x1a\n broken"),
        ("x.exe", b"MZ"),
        ("noextension", b"abc"),
        ("../../etc/passwd", b"abc"),
    ],
)
@pytest.mark.rule("UPL-3")
def test_what_is_no_media_is_4001_with_the_accepted_list(
    caller: HttpCaller, name: str, content: bytes
) -> None:
    reply = caller.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}", files=[("files", (name, content))]
    )
    assert reply["code"] == 4001
    assert "mp4, mov, avi, webm, mkv" in reply["message"]
    assert "/etc/passwd" not in reply["message"].replace(name, "")
    assert caller.state()["state"]["video_infos"] == []


@pytest.mark.slow
@pytest.mark.rule("UPL-5")
def test_one_bad_file_and_none_is_added(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    caller = new_caller(servers.start(data_dir=data)).connect()
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nonsense")
    assert caller.upload(sample, bad)["code"] == 4001
    assert caller.state()["state"]["video_infos"] == []
    assert list(data.rglob("*.mp4")) == []


@pytest.mark.slow
@pytest.mark.rule("UPL-4")
def test_a_file_over_the_limit_is_4002_and_leaves_nothing(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    limit = sample.stat().st_size - 1
    caller = new_caller(servers.start(data_dir=data, upload_limit=limit)).connect()
    reply = caller.upload(sample)
    assert reply["code"] == 4002
    assert "Compress or trim" in reply["message"]
    assert list(data.rglob("*.mp4")) == []


@pytest.mark.slow
@pytest.mark.rule("UPL-4")
@pytest.mark.parametrize("to_the_end", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_body_is_not_read_past_the_limit(
    servers: ServerFactory, new_caller: NewCaller, to_the_end: bool
) -> None:
    """The answer comes at once, the end of the connection five seconds later."""
    caller = new_caller(servers.start(upload_limit=1000)).connect()
    head = (
        f"POST /api/upload-video/nemo_agent/me/{caller.session} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {caller.http.headers['Authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 3000000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="big.mp4"\r\n\r\n'
    )
    url = caller.http.base_url
    with socket.create_connection((url.host, url.port), timeout=120) as connection:
        connection.sendall(head.encode() + bytes(100_000))
        answer = b""
        while to_the_end or b'"code":4002' not in answer:
            received = connection.recv(100_000)
            if not received:
                break
            answer += received
    assert b'"code":4002' in answer


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
ENDLESS = {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, "Content-Type"),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, "Content-Type"),
        ({"content": b"", "headers": ENDLESS}, "form"),
        ({"content": b"garbage", "headers": FORM}, "form"),
        ({"content": b"--b\r\n", "headers": FORM}, "early"),
        ({"files": [("file", ("a.mp4", b"x"))]}, "`file` is unknown"),
        ({"data": {"a": "b"}, "files": []}, "Content-Type"),
        ({"files": [("files", (None, b"no filename"))]}, "`files` is missing"),
        ({"files": [("files", (f"{n}.mp4", b"x")) for n in range(51)]}, "more than 50 files"),
        ({"json": {"urls": []}}, "source_type"),
        ({"json": {"urls": [], "source_type": "url"}}, "`urls` must name 1 to 50"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_form_that_is_none_is_400_and_names_what_is_wrong(
    caller: HttpCaller, request_: dict[str, Any], said: str
) -> None:
    reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", **request_)
    assert reply["code"] == 400
    assert said in reply["message"]
