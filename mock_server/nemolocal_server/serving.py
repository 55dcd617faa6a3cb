"""Runs the app: in the foreground for `serve`, or in a thread as `LocalServer`."""

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
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from nemolocal_contract.clock import Clock
from nemolocal_contract.journal import Summary

from . import ids
from .access.addresses import canonical_host, is_loopback
from .app import add_dashboard, build_app
from .data.store import StoreError
from .exports.render_executor import RenderExecutor
from .faults.fault_scenario import ScenarioError
from .language_model.endpoint import ModelSetupError
from .logging_config import LogOptions, enable_access_log, logging_config
from .scripted_replies.reply_spec import ReplyError
from .settings import Settings
from .transport.connection_limits import ConnectionLimits, raise_file_limit
from .transport.uvicorn_protocols import select_http_protocol

_BACKLOG = 2048
# Seconds until an idle connection is closed: more than in clients (httpx 5, Node's fetch 4). If the
# server closed first, a request sent at that moment would be lost.
_KEEP_ALIVE = 75
# Maximum delay of a signal, in seconds.
_POLL_SECONDS = 0.1
_ITERATIONS_TO_CLOSE = 3
_DEFAULT_LOG = LogOptions()
_Result = TypeVar("_Result")


class ListenError(Exception):
    """The server cannot listen on the address; the message says why and what to do."""


def serve(
    settings: Settings,
    on_ready: Callable[[str], None],
    on_end: Callable[[Summary], None] | None = None,
    log: LogOptions = _DEFAULT_LOG,
    pages: ASGIApp | None = None,
    extend: Callable[[Starlette], None] | None = None,
) -> None:
    """Serve until interrupted, with the pages of a dashboard if there are any.

    `extend` adds to the app before the server starts, such as a render farm.
    `on_ready` gets the base URL when the server is ready, `on_end` the summary of all requests. If
    other machines can reach the server, the caller needs the token of `with_control_token` for
    the control API.
    Raises `ListenError`, `ScenarioError`, `StoreError` or `ModelSetupError` before anything is
    served.
    """
    raise_file_limit()
    listener = _listen(settings)
    # New files are readable by their owner only.
    umask = os.umask(0o077)
    try:
        _run(listener, settings, on_ready, on_end, log, pages, extend)
    finally:
        os.umask(umask)


def _run(
    listener: socket.socket,
    settings: Settings,
    on_ready: Callable[[str], None],
    on_end: Callable[[Summary], None] | None,
    log: LogOptions,
    pages: ASGIApp | None,
    extend: Callable[[Starlette], None] | None,
) -> None:
    app = _build(listener, with_control_token(settings, listener.getsockname()[0]))
    if pages is not None:
        add_dashboard(app, pages)
    if extend is not None:
        extend(app)
    known = app.state.services.context.store.known_tokens
    config = _config(app, log, known.redact_all)
    end_streams = app.state.services.feed.close
    server = _UvicornServer(config, lambda: on_ready(_base_url(listener)), end_streams)
    _tune_garbage_collector()
    try:
        server.run(sockets=[listener])
    finally:  # an interrupt leaves the function after this
        summary = app.state.services.summary
        if on_end is not None and summary is not None:
            on_end(summary)


def _tune_garbage_collector() -> None:
    """Run the garbage collector rarely: with 2,000 open streams it stops all for half a second.

    Only for a process of our own, in which reference counts free nearly everything.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 20)


def with_control_token(settings: Settings, host: str | None = None) -> Settings:
    """Return the settings, with a new token if other machines can reach the control API.

    `host` is the address that the server listens on, if that is known; else that of the settings.
    """
    loopback = is_loopback(canonical_host(settings.host if host is None else host))
    if loopback or not settings.control or settings.control_token:
        return settings
    return msgspec.structs.replace(settings, control_token=ids.new_control_token())


class LocalServer:
    """A server in a thread: `with LocalServer(settings) as server: server.base_url`.

    With `tls`, a server-side context, it serves HTTPS only. `control_token` is the token of its
    control API, "" if that needs none. `clock` and `execute` replace the real ones in tests.
    `replies` are scripted replies, as in a scenario file; `ReplyError` says why one cannot be used.

    With `listeners` it serves these sockets and opens none; `base_url` is that of the first.
    Requests from a socket pass through `wrap(app)`; the process itself uses `app` and `call`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
        *,
        replies: Sequence[Mapping[str, Any]] = (),
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
        self.app = _build(first, settings, clock, execute, replies)
        config = _config(self.app if wrap is None else wrap(self.app))
        if tls is not None:
            # uvicorn's configuration accepts only files, so the context is set after it is loaded.
            config.load()
            config.ssl = tls
        self._server = _UvicornServer(config, self._ready.set, self.app.state.services.feed.close)
        self._thread = threading.Thread(target=self._run, name="nemolocal-server", daemon=True)

    def __enter__(self) -> "LocalServer":
        try:
            self._thread.start()
            self._ready.wait()
        except BaseException:  # a signal
            self._end()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end()

    def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine in the server's event loop, from another thread."""
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
    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        end_streams: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._end_streams = end_streams
        self._wake: Callable[[], object] = lambda: None
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self._on_ready()

    async def main_loop(self) -> None:
        """Like uvicorn's, which polls ten times a second, but `stop` takes effect at once."""
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(stopped.set)
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Without uvicorn's wait of a tenth of a second if no request is open."""
        self._end_streams()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # An idle connection is closed in the next iteration, and removed in the one after it.
        for _ in range(_ITERATIONS_TO_CLOSE):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks or self.force_exit:
            await super().shutdown(sockets)
        else:
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Like uvicorn's, and also stop gracefully when the terminal is closed."""
        with super().capture_signals(), _handle_sighup(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # Streams that end with the server are not an error.
        logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
        if self.force_exit:
            # After a second Ctrl-C, errors of what is interrupted are expected.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)

    def stop(self) -> None:
        """Stop the server from another thread."""
        self.should_exit = True
        self._wake()


def _is_unexpected(record: logging.LogRecord) -> bool:
    return "returned without completing response" not in record.getMessage()


@contextlib.contextmanager
def _handle_sighup(handle: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Handle SIGHUP if it exists, is not ignored, and this is the main thread."""
    number = getattr(signal, "SIGHUP", None)
    in_main = threading.current_thread() is threading.main_thread()
    if number is None or not in_main or signal.getsignal(number) == signal.SIG_IGN:
        yield
        return
    previous = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, previous)


def _build(
    listener: socket.socket,
    settings: Settings,
    clock: Clock | None = None,
    execute: RenderExecutor | None = None,
    replies: Sequence[Mapping[str, Any]] = (),
) -> Starlette:
    """Build the app; close the listener if that fails."""
    try:
        return build_app(settings, clock, execute, replies)
    except (ScenarioError, StoreError, ReplyError, ModelSetupError):
        listener.close()
        raise


def _listen(settings: Settings) -> socket.socket:
    """Bind a socket before anything else, so that a used port is reported at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except (OSError, ValueError) as error:  # a ValueError: invalid host name
        listener.close()
        reason = getattr(error, "strerror", None) or error
        remedy = "choose another --port (0 takes a free one)"
        if isinstance(error, (socket.gaierror, ValueError)) or error.errno == errno.EADDRNOTAVAIL:
            remedy = "use an address of this machine as --host"
        raise ListenError(
            f"cannot listen on {settings.host}:{settings.port}: {reason}; {remedy}"
        ) from error
    return listener


def _base_url(listener: socket.socket, scheme: str = "http") -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _config(
    app: ASGIApp, log: LogOptions = _DEFAULT_LOG, redact_known: Callable[[str], str] = str
) -> uvicorn.Config:
    # An invalid form is reported to its sender (400), not in the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=select_http_protocol(),
        # The contract has no WebSockets: an upgrade request is answered like any other.
        ws="none",
        backlog=_BACKLOG,
        log_config=logging_config(log, redact_known),
        log_level=log.level,
        access_log=log.access_log,
        server_header=False,
        date_header=False,
        # The settings say which proxies are trusted.
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
