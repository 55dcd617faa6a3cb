"""A client of a plain HTTP server that downloads from an HTTPS address checks its certificate."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from nemolocal_client import CannotConnect, httpx_adapter
from nemolocal_client.operations import DownloadFile, DownloadResult, HttpResponse, Notice
from nemolocal_client.transport import AsyncTransport, Transport

BASE = "http://127.0.0.1:1"
BODY = b"0123456789"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 10\r\n\r\n" + BODY


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts."""
    return trustme.CA()


@pytest.fixture
def url(authority: trustme.CA) -> Iterator[str]:
    """A file on an HTTPS server with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener, context))
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}/out.mp4"
        thread.join()


def _answer_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    listener.settimeout(60)
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(65_536)
            stream.sendall(ANSWER)


def download(face: str, url: str, folder: Path) -> DownloadResult | HttpResponse:
    """Download from the URL with a client whose base URL is plain HTTP on this machine."""
    operation = DownloadFile(url=url, part=folder / "out.part", timeout=30.0)
    if face == "sync":
        with contextlib.closing(Transport(BASE, {}, _ignore)) as transport:
            return transport.download(operation)
    return asyncio.run(_download_async(operation))


async def _download_async(operation: DownloadFile) -> DownloadResult | HttpResponse:
    async with contextlib.AsyncExitStack() as stack:
        transport = AsyncTransport(BASE, {})
        stack.push_async_callback(transport.close)
        return await transport.download(operation, _ignore_async)


def _ignore(_: Notice) -> None:
    pass


async def _ignore_async(_: Notice) -> None:
    pass


@pytest.mark.slow
@pytest.mark.parametrize("face", ["sync", "async"])
def test_certificate_of_an_unknown_authority_is_refused(
    face: str, url: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotConnect, match="its certificate is not trusted"):
        download(face, url, tmp_path)
    assert not (tmp_path / "out.part").exists()


@pytest.mark.parametrize("face", ["sync", "async"])
def test_file_comes_from_a_server_with_a_trusted_certificate(
    face: str,
    url: str,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(httpx_adapter, "_ssl_context", lambda **_: context)
    download(face, url, tmp_path)
    assert (tmp_path / "out.part").read_bytes() == BODY
