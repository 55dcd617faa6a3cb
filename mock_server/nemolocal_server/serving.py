"""Running the app: in the foreground for `serve`, in a thread for who needs one at hand."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Coroutine, Generator, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from nemolocal_contract.clock import Clock
from nemolocal_contract.journal import Summary

from . import ids
from .access.addresses import canonical_host, is_loopback
from .app import build_app
from .data.store import StoreError
from .exports.render_executor import RenderExecutor
from .faults.fault_scenario import ScenarioError
from .logging_config import LogOptions, enable_access_log, logging_config
from .settings import Settings
from .transport.connection_limits import ConnectionLimits
from .transport.file_descriptors import raise_file_limit
from .transport.uvicorn_protocols import select_http_protocol

_BACKLOG = 2048
# How long an idle connection is kept, in seconds: longer than by clients (httpx 5, Node's fetch 4).
# Were the server the first, its end and the next request could meet on the way: that one is lost.
_KEEP_ALIVE = 75
# How long a signal may go unseen, in seconds.
_POLL_SECONDS = 0.1
_STEPS_TO_CLOSE = 3
_DEFAULT_LOG = LogOptions()
_Result = TypeVar("_Result")


class ListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def serve(
    settings: Settings,
    on_ready: Callable[[str], None],
    on_end: Callable[[Summary], None] | None = None,
    log: LogOptions = _DEFAULT_LOG,
) -> None:
    """Serve until interrupted, and log as `log` says.

    `on_ready` gets the base URL once requests are answered, `on_end` what was asked since. Where
    others can reach the server, `with_control_token` must have been asked before, or its control
    interface stays closed to everybody.
    Raises `ListenError`, `ScenarioError` or `StoreError` before anything is served.
    """
    raise_file_limit()
    listener = _listen(settings)
    # What this process makes is its owner's alone.
    before = os.umask(0o077)
    try:
        _run(listener, settings, on_ready, on_end, log)
    finally:
        os.umask(before)


def _run(
    listener: socket.socket,
    settings: Settings,
    on_ready: Callable[[str], None],
    on_end: Callable[[Summary], None] | None,
    log: LogOptions,
) -> None:
    app = _build(listener, with_control_token(settings, listener.getsockname()[0]))
    known = app.state.services.context.store.known_tokens
    config = _config(app, log, known.redact_all)
    server = _UvicornServer(config, lambda: on_ready(_base_url(listener)))
    _tune_garbage_collector()
    try:
        server.run(sockets=[listener])
    finally:  # an interrupt goes on from here
        summary = app.state.services.summary
        if on_end is not None and summary is not None:
            on_end(summary)


def _tune_garbage_collector() -> None:
    """Spare open streams the garbage collector, which stops them all for half a second at 2,000.

    Only in a process that is ours: nearly everything here is freed by its reference count.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 20)


def with_control_token(settings: Settings, host: str | None = None) -> Settings:
    """The settings, with a token where others than this machine could use the control interface.

    `host` is the address that is listened on, if it is known better than by the settings.
    """
    loopback = is_loopback(canonical_host(settings.host if host is None else host))
    if loopback or not settings.control or settings.control_token:
        return settings
    return msgspec.structs.replace(settings, control_token=ids.new_control_token())


class LocalServer:
    """A server in a thread: `with LocalServer(settings) as server: server.base_url`.

    With `tls`, a context for servers, it speaks HTTPS and nothing else, and `base_url` says so.
    `control_token` opens its control interface, "" where it asks for none. `clock` and `execute`
    stand in for the real ones in tests.

    With `listeners` it serves those sockets and opens none; the first one names `base_url`. What
    comes over a socket passes through what `wrap` makes of the app; the process asks `app` itself,
    by `call`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        listeners: Sequence[socket.socket] = (),
        wrap: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        self._listeners = list(listeners) or [_listen(settings)]
        first = self._listeners[0]
        self.base_url = _base_url(first, "http" if tls is None else "https")
        self._ready = threading.Event()
        settings = with_control_token(settings, first.getsockname()[0])
        self.control_token = settings.control_token
        self.app = _build(first, settings, clock, execute)
        config = _config(self.app if wrap is None else wrap(self.app))
        if tls is not None:
            # A context that is in no file: uvicorn takes it once its configuration is loaded.
            config.load()
            config.ssl = tls
        self._server = _UvicornServer(config, self._ready.set)
        self._thread = threading.Thread(target=self._run, name="nemolocal-server", daemon=True)

    def __enter__(self) -> "LocalServer":
        try:
            self._thread.start()
            self._ready.wait()
        except BaseException:  # a signal
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do something in the server's event loop, from another thread."""
        assert self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._server.loop).result()

    def _end(self) -> None:
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=self._listeners)
        finally:
            self._ready.set()


class _UvicornServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._wake: Callable[[], object] = lambda: None
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self._on_ready()

    async def main_loop(self) -> None:
        """Like uvicorn's, which looks ten times a second whether to end; `stop` is seen at once."""
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(stopped.set)
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End without uvicorn's wait of a tenth of a second where no request is open."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # What was idle is told of its end one step later, and forgotten after another.
        for _ in range(_STEPS_TO_CLOSE):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks or self.force_exit:
            await super().shutdown(sockets)
        else:
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Like uvicorn's, and a terminal that closes ends the server in order, too."""
        with super().capture_signals(), _handle_sighup(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # Who ends the server ends its streams: that is no error.
        logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
        if self.force_exit:
            # A second Ctrl-C breaks off what ends: how that looks from within is no news.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)

    def stop(self) -> None:
        """End the server from another thread."""
        self.should_exit = True
        self._wake()


def _is_unexpected(record: logging.LogRecord) -> bool:
    return "returned without completing response" not in record.getMessage()


@contextlib.contextmanager
def _handle_sighup(handle: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Where there is such a signal, this is the thread that gets it, and nobody ignores it."""
    number = getattr(signal, "SIGHUP", None)
    in_main = threading.current_thread() is threading.main_thread()
    if number is None or not in_main or signal.getsignal(number) == signal.SIG_IGN:
        yield
        return
    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def _build(
    listener: socket.socket,
    settings: Settings,
    clock: Clock | None = None,
    execute: RenderExecutor | None = None,
) -> Starlette:
    """The app; where there can be none, nothing listens any more."""
    try:
        return build_app(settings, clock, execute)
    except (ScenarioError, StoreError):
        listener.close()
        raise


def _listen(settings: Settings) -> socket.socket:
    """A bound socket before anything else, so that a taken port is said at once and plainly."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except (OSError, ValueError) as error:  # a ValueError: it is no name of a host
        listener.close()
        reason = getattr(error, "strerror", None) or error
        way = "choose another --port (0 takes a free one)"
        if isinstance(error, (socket.gaierror, ValueError)) or error.errno == errno.EADDRNOTAVAIL:
            way = "name an address of this machine with --host"
        raise ListenError(
            f"cannot listen on {settings.host}:{settings.port}: {reason}; {way}"
        ) from error
    return listener


def _base_url(listener: socket.socket, scheme: str = "http") -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _config(
    app: ASGIApp, log: LogOptions = _DEFAULT_LOG, redact_known: Callable[[str], str] = str
) -> uvicorn.Config:
    # A bad form is told to its sender (400), not to the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=select_http_protocol(),
        # The contract has no WebSocket: whoever asks for one is answered as anybody.
        ws="none",
        backlog=_BACKLOG,
        log_config=logging_config(log, redact_known),
        log_level=log.level,
        access_log=log.access_log,
        server_header=False,
        date_header=False,
        # Which proxies are believed is for the settings to say.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=ConnectionLimits().head_bytes,
    )
    if log.access_log:
        enable_access_log()
    return config


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the value of a deprecated name."""
        if name != "PortTaken":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        message = "PortTaken is deprecated: use ListenError"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return ListenError
