"""A server for one run of a program, and the environment that routes the program to it."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from nemolocal_contract.endpoints import CLOUD_BASE_URL

from ..errors import CommandError, UsageError
from .allowed_hosts import AllowedHost
from .certificates import CertificateAuthority, TrustStore
from .connect_proxy import ConnectProxy
from .connection_owner import SocketAddress, is_allowed_connection, may_be_own_connection
from .network_layout import NetworkLayout, plan_network, write_system_files
from .owner_middleware import InProcessTransport, OwnerMiddleware
from .relay_thread import RelayThread
from .render_hold import RenderHoldMiddleware
from .sealed_network import SealedNetwork, SealingUnavailable, open_sealed_network
from .traffic_monitor import TrafficMonitor, monitor_handshakes

if TYPE_CHECKING:
    import ssl

    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

Sealing = Literal["auto", "require", "off"]
CLOUD_HOST = urlsplit(CLOUD_BASE_URL).hostname or ""

_RESTART_HINT = "each run of this program starts a new server"
_LOOPBACK = "127.0.0.1,localhost,::1"
_NO_PROXY = "NO_PROXY"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# The variable that the hooks of Node and Python read.
_HOOK_VARIABLE = "NEMOLOCAL_EXEC"
_HOOKS = Path(__file__).with_name("hooks")
_NODE_HOOK, _PYTHON_HOOK = _HOOKS / "connect.cjs", _HOOKS / "python"


class ProgramEnvironment(msgspec.Struct, frozen=True):
    """The server's URL, a transport for this process, and the environment of the program.

    A variable that is None is removed. `unsealed_reason` says why the program can reach other
    hosts; it is empty if it cannot.
    """

    base_url: str
    transport: InProcessTransport
    variables: Mapping[str, str | None]
    sealed_network: SealedNetwork | None = None
    unsealed_reason: str = ""

    @property
    def unsealed_warning(self) -> str:
        """The warning for a program that can reach other hosts."""
        return (
            f"not sealed ({self.unsealed_reason}): a client that ignores the proxy and the hooks "
            f"reaches the real {CLOUD_HOST}"
        )

    def wrap_command(self, words: Sequence[str]) -> list[str]:
        """Return the command line that runs a program in this environment."""
        return (
            list(words) if self.sealed_network is None else self.sealed_network.wrap_command(words)
        )

    def merge_variables(self, found: Mapping[str, str]) -> dict[str, str]:
        """Return `found` with the changes of this environment."""
        changed = {**found, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


class NetworkPolicy(msgspec.Struct, frozen=True):
    """Which hosts a program under `exec` may call, and whether it is sealed."""

    allowed_hosts: tuple[AllowedHost, ...] = ()
    sealing: Sealing = "auto"


_DEFAULT_POLICY = NetworkPolicy()


def _make_server(
    settings: "Settings",
    monitor: TrafficMonitor,
    may_pass: Callable[[SocketAddress, SocketAddress], bool],
    tls: "ssl.SSLContext | None" = None,
    listeners: Sequence[socket.socket] = (),
    *,
    hold_polls: bool = False,
) -> "LocalServer":
    """Create the server for a program."""
    from nemolocal_server.data.store import StoreError
    from nemolocal_server.faults.fault_scenario import ScenarioError
    from nemolocal_server.serving import LocalServer

    def restrict(app: object) -> OwnerMiddleware:
        if hold_polls:
            queue = settings.render_queue[1] / settings.speed
            app = RenderHoldMiddleware(app, queue, count_running_exports)
        return OwnerMiddleware(app, monitor, may_pass)

    def count_running_exports() -> int:
        running: int = server.app.state.services.exports.tasks.running_count
        return running

    # The program may use the cloud's host name.
    names = (*settings.allowed_hosts, monitor.host)
    settings = msgspec.structs.replace(settings, allowed_hosts=names)
    try:
        server = LocalServer(settings, tls=tls, listeners=listeners, wrap=restrict)
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    except StoreError as error:
        raise CommandError(str(error)) from error
    # A hint to call reset would not help: the control API is closed to the program.
    kept = settings.data_dir is not None
    server.app.state.services.context.tokens.reset_hint = "" if kept else _RESTART_HINT
    return server


@contextlib.contextmanager
def open_plain_environment(
    settings: "Settings", monitor: TrafficMonitor, *, hold_polls: bool = False
) -> Iterator[ProgramEnvironment]:
    """Run a server that a program reaches by NEMO_API_URL.

    With `hold_polls`, polls of an export are answered once it has been rendered.
    """
    made = _make_server(settings, monitor, may_be_own_connection, hold_polls=hold_polls)
    with made as server:
        # A proxy of the environment cannot reach a server on this machine.
        here = ",".join(filter(None, (os.environ.get(_NO_PROXY), _LOOPBACK)))
        variables = {"NEMO_API_URL": server.base_url, _NO_PROXY: here, _NO_PROXY.lower(): here}
        yield ProgramEnvironment(server.base_url, InProcessTransport(server), variables)


@contextlib.contextmanager
def open_cloud_environment(
    settings: "Settings",
    folder: Path,
    monitor: TrafficMonitor,
    rules: NetworkPolicy = _DEFAULT_POLICY,
    *,
    hold_polls: bool = False,
) -> Iterator[ProgramEnvironment]:
    """Run a server that a program reaches under the cloud's name; writes its files to `folder`.

    With `hold_polls`, polls of an export are answered once it has been rendered. The program is
    sealed if `rules` want it and the machine can. Raises CommandError if a seal is required and
    impossible.
    """
    authority = CertificateAuthority()
    # Allowed hosts have certificates of the usual authorities.
    trust = authority.write_trust_store(
        folder, httpx.create_ssl_context() if rules.allowed_hosts else None
    )
    tls = authority.server_context(monitor.host)
    monitor_handshakes(tls, monitor, (monitor.host,))
    layout = plan_network(monitor.host, rules.allowed_hosts)
    with contextlib.ExitStack() as opened:
        seal, unsealed = _try_seal(opened, layout, folder, trust, rules)
        relay = opened.enter_context(RelayThread().running())
        if seal is None:
            server = opened.enter_context(
                _make_server(settings, monitor, is_allowed_connection, tls, hold_polls=hold_polls)
            )
            proxy = ConnectProxy(monitor, urlsplit(server.base_url).port or 0, rules.allowed_hosts)
            relay.run_coroutine(proxy.start())
            opened.callback(lambda: relay.run_coroutine(proxy.close()))
            led, base_url = proxy_variables(proxy, server.base_url), server.base_url
            java = java_proxy_options(proxy.port)
        else:
            listeners = [
                seal.listeners[place] for place in layout.https_listeners if place in seal.listeners
            ]
            made = _make_server(
                settings, monitor, _allow_all, tls, listeners, hold_polls=hold_polls
            )
            server = opened.enter_context(made)
            _start_relays(relay, seal, layout, monitor)
            led, base_url, java = _sealed_variables(), CLOUD_BASE_URL, ""
        yield ProgramEnvironment(
            base_url, InProcessTransport(server), {**trust.variables(java), **led}, seal, unsealed
        )


def _allow_all(server: SocketAddress, client: SocketAddress) -> bool:
    """Allow every connection: a sealed network has no other users."""
    del server, client
    return True


def _try_seal(
    opened: contextlib.ExitStack,
    layout: NetworkLayout,
    folder: Path,
    trust: TrustStore,
    rules: NetworkPolicy,
) -> tuple[SealedNetwork | None, str]:
    """Return the sealed network, or None and the reason."""
    if rules.sealing == "off":
        return None, "--seal off"
    names = write_system_files(layout, folder, socket.gethostname())
    files = {**names, **trust.system_files(keep=bool(rules.allowed_hosts))}
    try:
        return opened.enter_context(open_sealed_network(layout.listeners, files)), ""
    except SealingUnavailable as problem:
        if rules.sealing == "require":
            raise CommandError(f"cannot seal the program: {problem}") from problem
        return None, str(problem)


def _start_relays(
    relay: RelayThread, seal: SealedNetwork, layout: NetworkLayout, monitor: TrafficMonitor
) -> None:
    """Start DNS, redirects to HTTPS and forwarding for a sealed program."""
    relay.serve_dns(seal.dns_socket, layout.addresses, monitor)
    for place, listener in seal.listeners.items():
        if place in layout.forwarded:
            relay.forward(listener, layout.forwarded[place])
        elif place in layout.http_listeners:
            relay.redirect_http(listener, monitor)


def _sealed_variables() -> Mapping[str, str | None]:
    """Return the variables of a sealed program, which needs no proxy."""
    gone: dict[str, str | None] = dict.fromkeys((*_PROXIES, *map(str.lower, _PROXIES)))
    return {**gone, _HOOK_VARIABLE: None, "NEMO_API_URL": CLOUD_BASE_URL}


def proxy_variables(
    proxy: ConnectProxy, base_url: str, allowed: Collection[str] = ()
) -> Mapping[str, str | None]:
    """Return the variables that set the proxy, and the hooks for Node and Python.

    `allowed` are hosts that the hooks let through besides those of the proxy; "*" are all.
    """
    proxies = dict.fromkeys(_PROXIES[:-1], proxy.url) | {_NO_PROXY: _LOOPBACK}
    allowed = sorted({*allowed, *(f"{one.host}:{one.port}" for one in proxy.allowed_hosts)})
    facts: dict[str, object] = {
        "host": proxy.host,
        "port": urlsplit(base_url).port,
        "allowed": allowed,
    }
    if also := sorted(proxy.routed_hosts - {proxy.host}):
        facts["also"] = also
    node, python = os.environ.get("NODE_OPTIONS", ""), os.environ.get("PYTHONPATH", "")
    return {
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        "NODE_OPTIONS": f'{node} --require "{_NODE_HOOK.as_posix()}"'.strip(),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_PYTHON_HOOK), python))),
        _HOOK_VARIABLE: json.dumps(facts),
        "NEMO_API_URL": base_url,
    }


def java_proxy_options(port: int) -> str:
    """Return the proxy options for Java, which does not read the usual variables."""
    schemes = ("http", "https")
    return " ".join(f"-D{s}.proxyHost=127.0.0.1 -D{s}.proxyPort={port}" for s in schemes)
