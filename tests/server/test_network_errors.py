"""Why a connection failed, in words that name the way out."""

import asyncio
import contextlib
import socket
import ssl
import threading

import httpx
import pytest
import trustme

from nemolocal_server.network_errors import describe_error


def test_a_certificate_that_nobody_trusts_is_said() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True)

        peer = threading.Thread(target=serve)
        peer.start()

        async def get() -> None:
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.get(f"https://localhost:{listener.getsockname()[1]}/")

        with pytest.raises(httpx.ConnectError) as failed:
            asyncio.run(get())
        peer.join()
    assert describe_error(failed.value).startswith("its certificate is not trusted: ")
