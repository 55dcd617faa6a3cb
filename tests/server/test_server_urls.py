"""URL uploads: only where it is allowed, bounded in time and size, redirects checked again."""

import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


class FileHandler(BaseHTTPRequestHandler):
    """Serves what the test gives it: path → (status, headers, body, stated length)."""

    files: dict[str, tuple[int, dict[str, str], bytes]]
    stalled: threading.Event

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, headers, body = self.files.get(path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if path == "/slow.mp4":
            self.stalled.wait()

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def file_server(sample: Path) -> Iterator[str]:
    """A web server on this machine, and its `host:port`."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), FileHandler)
    place = f"127.0.0.1:{web.server_port}"
    video = sample.read_bytes()
    FileHandler.stalled = threading.Event()
    FileHandler.files = {
        "/clip.mp4": (200, {}, video),
        "/moved.mp4": (302, {"Location": "/clip.mp4"}, b""),
        "/away.mp4": (302, {"Location": "http://10.0.0.1/clip.mp4"}, b""),
        "/file.mp4": (302, {"Location": "file:///etc/passwd"}, b""),
        "/odd.mp4": (302, {"Location": "http://[1/clip.mp4"}, b""),
        "/loop.mp4": (302, {"Location": "/loop.mp4"}, b""),
        "/text.mp4": (200, {}, b"not a video"),
        "/short.mp4": (200, {"Content-Length": str(len(video) + 9)}, video),
        "/slow.mp4": (200, {"Content-Length": "999"}, b"x"),
        "/clip.exe": (200, {}, video),
    }
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield place
    FileHandler.stalled.set()
    web.shutdown()
    web.server_close()
    thread.join()


def upload(caller: HttpCaller, *urls: str) -> dict[str, Any]:
    body = {"urls": list(urls), "source_type": "url"}
    reply: dict[str, Any] = caller.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}", json=body
    )
    return reply


@pytest.fixture
def allowed(servers: ServerFactory, new_caller: NewCaller, file_server: str) -> HttpCaller:
    """A caller of a server that may fetch from the file server."""
    return new_caller(servers.start(fetch_from=(file_server,), fetch_seconds=600.0)).connect()


@pytest.mark.slow
@pytest.mark.rule("UPL-1", "UPL-6")
@pytest.mark.parametrize("path", ["/clip.mp4", "/moved.mp4", "/clip.mp4?signed=1#here"])
def test_a_file_is_fetched_from_where_it_is_allowed(
    allowed: HttpCaller, file_server: str, path: str
) -> None:
    (file,) = upload(allowed, f"http://{file_server}{path}")["data"]["files"]
    assert (file["file_type"], file["width"]) == ("video", 1280)
    assert file["filename"].endswith(".mp4")


@pytest.mark.rule("UPL-6")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/away.mp4", "does not fetch from 10.0.0.1"),
        ("/file.mp4", "only http and https"),
        ("/odd.mp4", "redirects to 'http://[1/clip.mp4', which is no URL"),
        ("/loop.mp4", "redirects more than 5 times"),
        ("/none.mp4", "HTTP 404"),
        ("/text.mp4", "text"),
        ("/short.mp4", "ended before the file did"),
        ("/clip.exe", "not accepted"),
        ("/", "no file name"),
    ],
)
def test_what_is_behind_an_allowed_address_is_still_judged(
    allowed: HttpCaller, file_server: str, path: str, said: str
) -> None:
    reply = upload(allowed, f"http://{file_server}{path}")
    assert reply["code"] == 4001
    assert said in reply["message"]
    assert allowed.state()["state"]["video_infos"] == []


@pytest.mark.rule("UPL-6")
def test_tls_where_there_is_none_is_said_in_words(allowed: HttpCaller, file_server: str) -> None:
    reply = upload(allowed, f"https://{file_server}/clip.mp4")
    assert reply["message"].endswith("the TLS handshake failed; is it http?")


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
def test_a_fetch_that_takes_too_long_is_given_up(
    servers: ServerFactory, new_caller: NewCaller, file_server: str
) -> None:
    caller = new_caller(servers.start(fetch_from=(file_server,), fetch_seconds=0.2)).connect()
    reply = upload(caller, f"http://{file_server}/slow.mp4")
    assert reply["code"] == 4001
    # Which of the two depends on where the time runs out.
    assert re.search("timed out|takes too long", reply["message"])
    assert caller.state()["state"]["video_infos"] == []


@pytest.mark.slow
@pytest.mark.rule("UPL-6")
@pytest.mark.parametrize(
    "url",
    [
        "http://{place}/clip.mp4",
        "file:///etc/passwd.mp4",
        "ftp://{place}/clip.mp4",
        "http:///clip.mp4",
        "http://[bad/clip.mp4",
        "http://{place}:99999/clip.mp4",
        "clip.mp4",
    ],
)
def test_by_default_no_address_is_allowed(caller: HttpCaller, file_server: str, url: str) -> None:
    assert upload(caller, url.format(place=file_server))["code"] == 4001


@pytest.fixture
def patient(servers: ServerFactory, new_caller: NewCaller) -> HttpCaller:
    """A caller of a server that waits for the files that it makes, however busy the machine."""
    return new_caller(servers.start(fetch_seconds=600.0)).connect()


@pytest.mark.rule("UPL-6")
def test_the_servers_own_files_are_always_allowed_and_nothing_else_of_it(
    patient: HttpCaller, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make_sample(path: Path, seconds: float) -> None:
        assert seconds == 5
        shutil.copyfile(sample, path)

    monkeypatch.setattr("nemolocal_server.uploads.sample_media.make_sample", make_sample)
    caller = patient
    base = caller.http.base_url
    (video,) = upload(caller, f"{base}/cdn/fixtures/sample.mp4")["data"]["files"]
    assert video["file_type"] == "video"
    assert upload(caller, video["cdn_url"])["code"] == 0
    assert upload(caller, f"{base}/__nemolocal__/journal/x.mp4")["code"] == 4001
    assert caller.http.get("/cdn/fixtures/other.mp4").status_code == 404
    unknown = upload(caller, f"{base}/cdn/fixtures/other.mp4")
    assert unknown["code"] == 4001
    assert "no fixture 'other.mp4': there are sample.mp4 and music.m4a" in unknown["message"]


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.rule("UPL-6")
def test_the_servers_own_files_last_five_seconds(patient: HttpCaller) -> None:
    base = patient.http.base_url
    (video,) = upload(patient, f"{base}/cdn/fixtures/sample.mp4")["data"]["files"]
    assert (video["file_type"], round(video["duration"])) == ("video", 5)
    (music,) = upload(patient, f"{base}/cdn/fixtures/music.m4a")["data"]["files"]
    assert (music["file_type"], round(music["duration"])) == ("audio", 5)


@pytest.mark.rule("UPL-4", "UPL-6")
def test_the_limit_holds_for_what_is_fetched(
    servers: ServerFactory, new_caller: NewCaller, file_server: str
) -> None:
    caller = new_caller(
        servers.start(fetch_from=("*",), fetch_seconds=600.0, upload_limit=1000)
    ).connect()
    assert upload(caller, f"http://{file_server}/clip.mp4")["code"] == 4002


@pytest.mark.slow
@pytest.mark.rule("UPL-5")
def test_one_bad_address_and_none_is_added(allowed: HttpCaller, file_server: str) -> None:
    assert (
        upload(allowed, f"http://{file_server}/clip.mp4", f"http://{file_server}/none.mp4")["code"]
        == 4001
    )
    assert allowed.state()["state"]["video_infos"] == []


@pytest.mark.rule("UPL-6")
def test_a_redirect_to_a_file_of_this_server_is_read_and_to_anything_else_of_it_refused(
    allowed: HttpCaller, file_server: str, sample: Path
) -> None:
    video = allowed.upload(sample)["data"]["files"][0]
    FileHandler.files["/own.mp4"] = (302, {"Location": video["cdn_url"]}, b"")
    (again,) = upload(allowed, f"http://{file_server}/own.mp4")["data"]["files"]
    assert (again["file_type"], again["width"]) == ("video", video["width"])
    control = f"{allowed.http.base_url}/__nemolocal__/journal/x.mp4"
    FileHandler.files["/own.mp4"] = (302, {"Location": control}, b"")
    refused = upload(allowed, f"http://{file_server}/own.mp4")
    assert refused["code"] == 4001
    assert "this server has no such file" in refused["message"]


@pytest.mark.rule("UPL-4", "UPL-6")
def test_the_limit_holds_for_a_file_of_this_server_and_nothing_of_it_stays(
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def make_sample(path: Path, **_: object) -> None:
        shutil.copyfile(sample, path)

    monkeypatch.setattr("nemolocal_server.uploads.sample_media.make_sample", make_sample)
    server = servers.start(fetch_seconds=600.0, upload_limit=1000, data_dir=tmp_path)
    caller = new_caller(server).connect()
    assert upload(caller, f"{caller.http.base_url}/cdn/fixtures/sample.mp4")["code"] == 4002
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["fixture-sample.mp4"]
