"""The backend that a command talks to: a server of its own, or the one that --base-url names."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import httpx
import msgspec

from nemolocal_client import (
    Client,
    IdentityStore,
    MemoryProfile,
    Notify,
    PollPolicy,
    Profile,
    host_of,
    is_loopback,
)
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import HEALTH

from .attribution import attribution

# A local render takes as long as it takes: it is asked for twice a second, for 10 minutes.
_POLL_SECONDS = 0.5
_POLL_TIMES = 1200
_HEALTH_TIMEOUT = 5.0
# The user waits for the file, however large it is; the client waits for 300 s.
_FETCH_SECONDS = 290.0


@contextlib.contextmanager
def open_client(
    base_url: str | None,
    notify: Notify,
    *,
    keep_token: bool = True,
    fetch_from: Sequence[str] = (),
) -> Iterator[Client]:
    """A client of the server at `base_url`, or of one of its own that lives as long as it does.

    The own one fetches URLs from the hosts in `fetch_from`.
    """
    with contextlib.ExitStack() as stack:
        if base_url is None:
            client = _client_of_own_server(stack, notify, fetch_from)
        else:
            client = _client_of(base_url, notify, Profile(keep_tokens=keep_token))
        yield stack.enter_context(client)


def _client_of_own_server(
    stack: contextlib.ExitStack, notify: Notify, fetch_from: Sequence[str]
) -> Client:
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    settings = Settings(port=0, fetch_from=tuple(fetch_from), fetch_seconds=_FETCH_SECONDS)
    server = stack.enter_context(LocalServer(settings))
    # NEMO_TOKEN is for the cloud, and a token of this server is worth nothing tomorrow.
    return _local_client(server.base_url, notify, MemoryProfile(), settings.speed, {})


def _client_of(base_url: str, notify: Notify, profile: IdentityStore) -> Client:
    speed = _local_speed(base_url) if is_loopback(host_of(base_url)) else None
    if speed is not None:
        return _local_client(base_url, notify, profile, speed, None)
    return Client(base_url, attribution=attribution(), profile=profile, notify=notify)


def _local_client(
    base_url: str,
    notify: Notify,
    profile: IdentityStore,
    speed: float,
    environment: Mapping[str, str] | None,
) -> Client:
    """A client whose waits pass as fast as the server's; renders take real time all the same.

    So does its patience with a turn (CLI-5), which goes by the time and not by waits: a clip that
    is generated here takes as long as it takes, and a turn that hangs the server ends itself.
    """
    return Client(
        base_url,
        attribution=attribution(),
        profile=profile,
        clock=WallClock(speed),
        polling=PollPolicy(_POLL_SECONDS * speed, _POLL_TIMES),
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
