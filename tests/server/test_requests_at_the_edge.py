"""What a request meets before and after its endpoint: its client's address, errors of the disk."""

import asyncio
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

import nemolocal_server
from nemolocal_server.access.access_policy import AccessPolicy
from nemolocal_server.middleware import AccessMiddleware
from nemolocal_server.responses import handle_storage_error
from nemolocal_server.settings import Settings


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8::0:7", "2001:db8::7"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_client_has_one_address_however_its_connection_writes_it(told: str, seen: str) -> None:
    clients: list[Any] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        clients.append(scope["client"])

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8787")],
        "client": (told, 5),
        "server": ("127.0.0.1", 8787),
        "state": {},
    }
    middleware = AccessMiddleware(app, AccessPolicy(Settings()), ())
    asyncio.run(middleware(scope, cast("Receive", None), cast("Send", None)))
    assert clients == [(seen, 5)]


def test_an_error_of_the_disk_is_explained_and_a_defect_is_raised(tmp_path: Path) -> None:
    store = SimpleNamespace(folder=tmp_path)
    services = SimpleNamespace(context=SimpleNamespace(store=store))
    app = SimpleNamespace(state=SimpleNamespace(services=services))
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "app": app})
    request.scope["server"] = ("127.0.0.1", 8787)
    full = asyncio.run(handle_storage_error(request, OSError(errno.ENOSPC, "full")))
    assert full.status_code == 500
    assert b"the disk is full: free some space" in bytes(full.body)
    defect = OSError(errno.EBADF, "Bad file descriptor")
    with pytest.raises(OSError, match="Bad file") as raised:
        asyncio.run(handle_storage_error(request, defect))
    assert raised.value is defect


def test_public_names_are_listed_before_they_are_imported() -> None:
    assert set(nemolocal_server.__all__) <= set(dir(nemolocal_server))
