"""The client of a command, for the server of --base-url or an embedded one."""

import contextlib
from collections.abc import Iterator, Mapping

import httpx
import msgspec

from nemolocal_client import (
    CannotConnect,
    Client,
    IdentityStore,
    Notice,
    Notify,
    PollPolicy,
    Profile,
    ReconnectPolicy,
    TransportFailed,
    host_of,
    is_loopback,
)
from nemolocal_client.retry import CONTRACT_RECONNECTING
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import HEALTH

from .attribution import command_attribution
from .embedded_server import EmbeddedServer
from .errors import UsageError

# A local render takes real time: it is polled twice a second, for 10 minutes.
_POLL_SECONDS = 0.5
_POLL_TIMES = 1200
_HEALTH_TIMEOUT = 5.0
DEFAULT_EMBEDDED_SERVER = EmbeddedServer()
_SERVE_FREE = (
    "this server charges credits like the cloud: restart it with `nemolocal serve --free`, or edit "
    "without --base-url"
)


@contextlib.contextmanager
def open_client(
    base_url: str | None,
    notify: Notify,
    *,
    keep_token: bool = True,
    own: EmbeddedServer = DEFAULT_EMBEDDED_SERVER,
    reconnect: float = CONTRACT_RECONNECTING.seconds,
) -> Iterator[Client]:
    """Open a client of the server at `base_url`, or of the embedded server `own`.

    A server that disappears is retried for `reconnect` seconds.
    """
    with contextlib.ExitStack() as stack:
        if base_url is None:
            url, speed, profile = own.start(stack)
            client = _local_client(url, notify, profile, speed, {})
            client.workspace.charges = own.like_cloud
            client.workspace.credits_remedy = "remove --like-cloud to edit for free"
        else:
            if own.like_cloud:
                raise UsageError(
                    "--like-cloud cannot be combined with --base-url or a session on a server: "
                    "remove one of them"
                )
            _check_base_url(base_url)
            client = _client_for_url(base_url, notify, Profile(keep_tokens=keep_token), reconnect)
        stack.enter_context(client)
        try:
            yield client
        except TransportFailed:
            if base_url is not None and keep_token and client.session_id:
                way = f"continue with --session {client.session_id} when the server is back"
                notify(Notice("waiting", way))
            raise


def _check_base_url(base_url: str) -> None:
    try:
        host_of(base_url)
    except CannotConnect as error:
        raise UsageError(str(error)) from error


def _client_for_url(
    base_url: str, notify: Notify, profile: IdentityStore, reconnect: float
) -> Client:
    speed = _local_speed(base_url) if is_loopback(host_of(base_url)) else None
    if speed is not None:
        client = _local_client(base_url, notify, profile, speed, None, reconnect)
        client.workspace.credits_remedy = _SERVE_FREE
        return client
    return Client(
        base_url,
        attribution=command_attribution(),
        profile=profile,
        notify=notify,
        reconnecting=ReconnectPolicy(reconnect),
    )


def _local_client(
    base_url: str,
    notify: Notify,
    profile: IdentityStore,
    speed: float,
    environment: Mapping[str, str] | None,
    reconnect: float = CONTRACT_RECONNECTING.seconds,
) -> Client:
    """Return a client whose waits are divided by the server's speed; renders take real time.

    So does the limit of a turn (CLI-5): generating a clip takes real time here, and the server ends
    a turn that hangs.
    """
    return Client(
        base_url,
        attribution=command_attribution(),
        profile=profile,
        clock=WallClock(speed),
        polling=PollPolicy(_POLL_SECONDS * speed, _POLL_TIMES),
        reconnecting=ReconnectPolicy(reconnect, CONTRACT_RECONNECTING.every * speed),
        notify=notify,
        environment=environment,
    )


class _Health(msgspec.Struct):
    name: str
    speed: float


def _local_speed(base_url: str) -> float | None:
    """Return the speed of a local server; None for any other server."""
    url = base_url.rstrip("/") + HEALTH.template
    try:
        # Loading certificate authorities takes longer than the call, and plain HTTP needs none.
        verify = httpx.URL(url).scheme != "http"
        reply = httpx.get(url, timeout=_HEALTH_TIMEOUT, trust_env=False, verify=verify)
        health = msgspec.json.decode(reply.content, type=_Health)
    except (httpx.HTTPError, msgspec.MsgspecError):
        return None
    return health.speed if health.name == "nemolocal" and health.speed > 0 else None
