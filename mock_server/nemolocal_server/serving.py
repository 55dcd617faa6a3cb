"""Running the app: in the foreground for `serve`, in a thread for who needs one at hand."""

import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn

from nemolocal_contract.clock import Clock

from .app import build_app
from .executor import RenderExecutor
from .settings import Settings

_BACKLOG = 2048


class PortTaken(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted; `on_ready` gets the base URL once requests are answered.

    Raises `PortTaken` or `StoreError` before anything is served.
    """
    listener = _listen(settings)
    server = _Server(_config(settings), lambda: on_ready(_base_url(listener)))
    server.run(sockets=[listener])


class LocalServer:
    """A server in a thread: `with LocalServer(settings) as server: server.base_url`.

    `clock` and `execute` stand in for the real ones in tests.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
    ) -> None:
        self._listener = _listen(settings)
        self.base_url = _base_url(self._listener)
        self._ready = threading.Event()
        self._server = _Server(_config(settings, clock, execute), self._ready.set)
        self._thread = threading.Thread(target=self._run, name="nemolocal-server", daemon=True)

    def __enter__(self) -> "LocalServer":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._ready.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def _listen(settings: Settings) -> socket.socket:
    """A bound socket before anything else, so that a taken port is said at once and plainly."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "choose another --port (0 takes a free one)"
        ) from error
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(
    settings: Settings, clock: Clock | None = None, execute: RenderExecutor | None = None
) -> uvicorn.Config:
    # A bad form is told to its sender (400), not to the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    return uvicorn.Config(
        build_app(settings, clock, execute),
        backlog=_BACKLOG,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )
