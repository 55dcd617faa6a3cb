"""The backend that a command talks to: a server of its own, or the one that --base-url names."""

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

# A local render takes as long as it takes: it is asked for twice a second, for 10 minutes.
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
    """A client of the server at `base_url`, or of one of its `own` that ends with it.

    A server that is gone is looked for as long as `reconnect` says, in seconds.
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
    """A client whose waits pass as fast as the server's; renders take real time all the same.

    So does its patience with a turn (CLI-5), which goes by the time and not by waits: a clip that
    is generated here takes as long as it takes, and a turn that hangs the server ends itself.
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
    """The speed of a server of ours; None if it is not one, or says nothing."""
    url = base_url.rstrip("/") + HEALTH.template
    try:
        # Reading all authorities takes longer than the answer, and plain HTTP needs none.
        verify = httpx.URL(url).scheme != "http"
        reply = httpx.get(url, timeout=_HEALTH_TIMEOUT, trust_env=False, verify=verify)
        health = msgspec.json.decode(reply.content, type=_Health)
    except (httpx.HTTPError, msgspec.MsgspecError):
        return None
    return health.speed if health.name == "nemolocal" and health.speed > 0 else None
