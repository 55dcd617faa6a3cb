"""The server that the tools use: one in this process, or one that runs already."""

import contextlib
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec

from nemolocal_contract.endpoints import UI_PREFIX, Endpoint, control_headers

from ..dashboard_pages import LazyDashboard
from .tool_errors import ToolError

if TYPE_CHECKING:
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

# Advancing a clock may end with a render.
_TIMEOUT = 120.0
_CONNECT_TIMEOUT = 5.0
_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_MAX_MESSAGE = 1000
_Kind = TypeVar("_Kind")
_NO_SERVER = "no server is running: call start_server first"


class ServerInUse(msgspec.Struct, frozen=True):
    """A server: its base URL and control token; `dashboard` is None if it is not known."""

    base_url: str
    control_token: str = ""
    dashboard: str | None = None


class ServerControl:
    """Starts and stops the server, and calls its control API. Its methods may run in any thread."""

    def __init__(self, given: ServerInUse | None = None) -> None:
        self._given = given
        self._lock = threading.Lock()
        self._own: LocalServer | None = None
        self._is_closed = False

    @property
    def is_given(self) -> bool:
        """Whether the server runs already and is not ours to start or to stop."""
        return self._given is not None

    def current(self) -> ServerInUse:
        """Return the server in use; raises `ToolError` if there is none."""
        if self._given is not None:
            return self._given
        server = self._own
        if server is None:
            raise ToolError(_NO_SERVER)
        return ServerInUse(server.base_url, server.control_token, f"{server.base_url}{UI_PREFIX}")

    def start(self, settings: "Settings") -> None:
        """Start a server in this process; raises `ToolError` if one runs or the port is taken."""
        from nemolocal_server.app import add_dashboard
        from nemolocal_server.serving import ListenError, LocalServer

        with self._lock:
            if self._is_closed:
                raise ToolError("the client has gone")
            if self._own is not None:
                raise ToolError(
                    f"a server runs already at {self._own.base_url}: use it, or call stop_server"
                )
            try:
                server = LocalServer(settings)
            except ListenError as error:
                reason = str(error).partition(";")[0]
                raise ToolError(f"port: {reason}; leave it out for a free one") from error
            add_dashboard(server.app, LazyDashboard())
            self._own = server.__enter__()

    def stop(self) -> None:
        """Stop the server of this process, if there is one."""
        with self._lock:
            server, self._own = self._own, None
            if server is not None:
                server.__exit__(None, None, None)

    def close(self) -> None:
        """Stop the server of this process; none can be started any more."""
        self._is_closed = True
        self.stop()

    def fetch(
        self,
        kind: type[_Kind],
        endpoint: Endpoint,
        body: object = None,
        *,
        item: bool = False,
    ) -> _Kind:
        """Call the control API and return its answer as a `kind`; raises `ToolError`.

        `item`: the path names something that may be missing.
        """
        with self.connect() as http:
            reply = http.request(endpoint.method, endpoint.template, json=body)
            return self.decode(self.checked(reply, item=item).content, kind)

    @contextlib.contextmanager
    def connect(self) -> Iterator[httpx.Client]:
        """Connect to the server in use; a failure of the network is a `ToolError`."""
        server = self.current()
        try:
            with httpx.Client(
                base_url=server.base_url,
                headers=control_headers(server.control_token),
                timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT),
                trust_env=False,
                # Certificates take long to load, and plain HTTP needs none.
                verify=server.base_url.startswith("https:"),
            ) as http:
                yield http
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            way = "start it" if self.is_given else "call stop_server, then start_server"
            raise ToolError(f"cannot reach {server.base_url} ({reason}): {way}") from error

    def decode(self, content: bytes | str, kind: type[_Kind]) -> _Kind:
        """Decode an answer; raises `ToolError` if it is not that of a local server."""
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError as error:
            raise self._not_local("something else than this version expects") from error

    def checked(self, reply: httpx.Response, *, item: bool = False) -> httpx.Response:
        """Return a response; raises `ToolError` unless it is a success."""
        if reply.is_success:
            return reply
        is_missing = reply.status_code == HTTPStatus.NOT_FOUND and not item
        message = "" if is_missing else _message(reply)
        if message and reply.status_code not in _FORBIDDEN:
            raise ToolError(message)
        if message:
            raise ToolError(
                f"the control API refuses the call ({message}): start `nemolocal mcp` with the "
                "token of that server as NEMO_CONTROL_TOKEN"
            )
        raise self._not_local(f"HTTP {reply.status_code}")

    def _not_local(self, answer: str) -> ToolError:
        return ToolError(
            f"{self.current().base_url} answered with {answer}: it is not a server of Nemo Local, "
            "or its control API is off; start one with `nemolocal serve`"
        )


def _message(reply: httpx.Response) -> str:
    """Return the message of an error, in whatever form the server's dialect gives it; else ""."""
    try:
        body = msgspec.json.decode(reply.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return ""
    message = str(body.get("message") or body.get("detail") or "")
    return message.removeprefix("body: ")[:_MAX_MESSAGE]
