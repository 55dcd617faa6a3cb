"""Each error says who refused what, and a way out that helps whoever reads it."""

import errno
import http.server
import os
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest

from nemolocal_client import (
    BadReply,
    BadRequest,
    BadToken,
    CannotConnect,
    CannotFetch,
    Client,
    FileProblem,
    FileTooLarge,
    UnsupportedFile,
)
from nemolocal_client.connection_errors import connection_error
from nemolocal_client.local_files import file_problem
from nemolocal_client.operations import HttpResponse
from nemolocal_client.response_errors import error_of
from nemolocal_contract.media import ACCEPTED_EXTENSIONS_TEXT
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import ScriptedBackend

UPLOAD = "/api/upload-video"
CHECK = "check the URL, or download the file and upload that"
URL = "https://example.com/a.mp4"


def page(status: int, server: str = "") -> HttpResponse:
    return HttpResponse("POST /api/upload-video/x", status, b"<html>Oops</html>", server=server)


def test_413_without_an_envelope_is_told_of_the_proxy_that_said_it() -> None:
    for server, named in (("nginx/1.22.1", " (nginx/1.22.1)"), ("", "")):
        failure = error_of(page(413, server))
        assert isinstance(failure, FileTooLarge)
        said = f"in front of the backend{named} refused the upload as too large: HTTP 413"
        assert said in failure.message
        assert "raise its limit" in failure.remedy


def test_413_with_an_envelope_is_told_of_the_backend() -> None:
    body = b'{"code":4002,"message":"File too large: over 500 MB","data":null}'
    failure = error_of(HttpResponse("POST /x", 413, body, server="nginx"))
    assert str(failure) == "File too large: over 500 MB: compress or trim it first"


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        (401, "NEMO_TOKEN"),
        (403, "forbids it"),
        (404, "check the base URL"),
        (407, "log in at your proxy"),
        (500, "try again in a minute, and check the base URL"),
        (502, "the backend does not answer its proxy"),
        (503, "the backend is not ready"),
        (504, "the backend does not answer its proxy"),
    ],
)
def test_page_of_something_between_is_told_as_such(status: int, way_out: str) -> None:
    failure = error_of(page(status))
    assert failure is not None
    assert way_out in failure.remedy


def test_failure_in_the_backends_own_form_blames_no_base_url() -> None:
    said = "This server cannot go on: the disk is full: free some space, then send it again"
    body = b'{"code":500,"message":"%b","data":null}' % said.encode()
    failure = error_of(HttpResponse("POST /x", 500, body))
    assert str(failure) == f"POST /x answered HTTP 500 ({said}): try again in a minute"


def test_400_without_an_envelope_names_nothing_to_correct() -> None:
    failure = error_of(page(400))
    assert isinstance(failure, BadRequest)
    assert str(failure).endswith(
        "check the base URL: it may be that of something in front of the backend"
    )


def test_file_of_another_kind_is_to_be_converted_and_an_empty_one_is_not() -> None:
    listed = f"Unsupported file: 'x.txt'. Accepted: {ACCEPTED_EXTENSIONS_TEXT}"
    assert UnsupportedFile(listed).remedy == "replace the file, or convert it"
    hollow = f"Unsupported file: 'x.mp4': the file is empty. Accepted: {ACCEPTED_EXTENSIONS_TEXT}"
    assert UnsupportedFile(hollow).remedy == "name another file"
    assert "use one of mp4" in UnsupportedFile("no").remedy


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        (f"Cannot fetch '{URL}': it answers HTTP 404", CHECK),
        (f"Cannot fetch '{URL}': Connection refused", CHECK),
        (f"Unsupported file: 'watch'. Accepted: {ACCEPTED_EXTENSIONS_TEXT}",
        "name the URL of such a file"),
        ("no", f"{CHECK}; accepted are {ACCEPTED_EXTENSIONS_TEXT}"),
    ],
)  # fmt: skip
def test_url_that_is_refused_is_an_error_of_its_own(
    client: Client, backend: ScriptedBackend, said: str, way_out: str
) -> None:
    backend.arm(UPLOAD, backend.wire.fail(4001, said))
    with pytest.raises(CannotFetch) as caught:
        client.upload(URL)
    assert caught.value.code == 4001
    assert way_out in caught.value.remedy
    assert "convert" not in str(caught.value)


def test_token_that_nobody_set_is_not_told_to_be_unset(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    for options, way_out in (
        ({}, "a fresh token was refused as well"),
        ({"token": "mine"}, "set NEMO_TOKEN to a valid one"),
    ):
        backend.arm("/api/credits", *[backend.wire.fail(1001)] * 2)
        with pytest.raises(BadToken, match=way_out):
            make_client(**options).balance()
        backend._armed.clear()


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.EACCES, "change its permissions"),
        (errno.ENOSPC, "free some space"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EMFILE, "close other files"),
        (errno.ELOOP, "choose another path"),
    ],
)
def test_what_the_system_refuses_has_its_own_way_out(number: int, way_out: str) -> None:
    problem = file_problem(Path("x.mp4"), OSError(number, os.strerror(number)))
    assert problem.remedy.startswith(way_out)


def test_empty_file_is_not_sent(client: Client, backend: ScriptedBackend, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(FileProblem, match="is empty: name a file with something in it"):
        client.upload(tmp_path / "empty.mp4")
    assert not backend.of(UPLOAD)


def test_upload_that_the_backend_cuts_at_the_limit_says_so(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    from tests.support.scripted_backend import Cut

    with clip.open("wb") as file:
        file.truncate(2_000_000_001)
    backend.hasty = (UPLOAD,)
    backend.arm(UPLOAD, [Cut(reset=True)])
    with pytest.raises(FileTooLarge, match="the backend cut off an upload of more than 2000 MB"):
        client.upload(clip)


def test_port_where_nothing_listens_is_told(make_client: ClientFactory) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(CannotConnect, match=r"\(nothing listens there\): check the address"):
            make_client(base_url=address).connect()


def test_plain_server_at_an_https_address_is_told(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    with pytest.raises(CannotConnect, match=r"speaks no TLS .*: check the address: http or https"):
        make_client(base_url=backend.base_url.replace("http:", "https:")).connect()


@pytest.mark.parametrize(
    ("cause", "reported"),
    [
        (ssl.SSLCertVerificationError(1, "x"), "its certificate is not trusted"),
        (socket.gaierror(-2, "Name or service not known"), "(no such host): check the address"),
        (None, "cannot connect to http://h: check the address"),
    ],
)
def test_reason_of_the_system_is_told(cause: Exception | None, reported: str) -> None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        cause.verify_message = "self-signed certificate"
    error = httpx.ConnectError("no")
    error.__cause__ = cause
    assert reported in str(connection_error(error, "http://h"))
    for other in (httpx.ProxyError("403 Forbidden"), httpx.ConnectTimeout("")):
        assert "(" in str(connection_error(other, "http://h"))


def test_page_of_a_web_server_that_is_no_backend_is_told(make_client: ClientFactory) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(BadReply, match="check the base URL: there is no such backend"):
            make_client(base_url=f"http://127.0.0.1:{web.server_port}").connect()
        web.shutdown()
