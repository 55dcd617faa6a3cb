"""A server for one run of a program, and what the program's environment must say of it."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from nemolocal_conformance.driver.asking import Trust
from nemolocal_contract.endpoints import CLOUD_BASE_URL

from .proxy import Proxy

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

_HERE = "127.0.0.1,localhost,::1"
_TOLD = "NO_PROXY"


class Place(msgspec.Struct, frozen=True):
    """Where a server is, by what it is believed, and the variables that lead a program to it."""

    base_url: str
    trust: Trust
    variables: Mapping[str, str]


@contextlib.contextmanager
def plain_place(settings: "Settings") -> Iterator[Place]:
    """A server that a program reaches by NEMO_API_URL."""
    from nemolocal_server.serving import LocalServer

    with LocalServer(settings) as server:
        # A proxy of the environment knows no server of this machine.
        here = ",".join(filter(None, (os.environ.get(_TOLD), _HERE)))
        variables = {"NEMO_API_URL": server.base_url, _TOLD: here, _TOLD.lower(): here}
        yield Place(server.base_url, True, variables)


@contextlib.contextmanager
def cloud_place(settings: "Settings", folder: Path) -> Iterator[Place]:
    """A server in the cloud's place, behind a proxy; its certificate is written to `folder`."""
    import ssl

    from nemolocal_server.serving import LocalServer

    from .certificates import Authority
    from .exec import variables

    host = urlsplit(CLOUD_BASE_URL).hostname or ""
    authority, bundle = Authority(), folder / "certificates.pem"
    authority.write_bundle(bundle, None)
    settings = msgspec.structs.replace(settings, allowed_hosts=(*settings.allowed_hosts, host))
    with (
        LocalServer(settings, tls=authority.server_context(host)) as server,
        _proxy(host, urlsplit(server.base_url).port or 0) as proxy,
    ):
        trust = ssl.create_default_context(cafile=bundle)
        yield Place(server.base_url, trust, variables(proxy, server.base_url, bundle))


@contextlib.contextmanager
def _proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own, which refuses every other host."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="nemolocal-proxy", daemon=True)
    thread.start()
    # A refusal is told to the program, whose output is kept.
    proxy = Proxy(host, port, (), lambda _: None)
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result()
        yield proxy
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
