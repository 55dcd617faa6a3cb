"""A server for one run of a program, and how the program is led to it."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from nemolocal_contract.endpoints import CLOUD_BASE_URL

from .allowed import Allowed
from .certificates import Authority, Trust
from .middleware import InProcessTransport, OwnerMiddleware
from .monitor import Monitor, monitor_handshakes
from .peers import End, may_ask, may_be_own
from .problem import Problem, Usage
from .proxy import Proxy
from .relay import Relay
from .seal.layout import Layout, lay_out, write_files
from .seal.opening import Seal, Unsealable, open_seal

if TYPE_CHECKING:
    import ssl

    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

Sealing = Literal["auto", "require", "off"]
CLOUD_HOST = urlsplit(CLOUD_BASE_URL).hostname or ""

_BEGINS_ANEW = "each run of this program begins anew"
_HERE = "127.0.0.1,localhost,::1"
_TOLD = "NO_PROXY"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What the hooks of Node and Python are to know.
_FACTS = "NEMOLOCAL_EXEC"
_HOOKS = Path(__file__).with_name("hooks")
_NODE_HOOK, _PYTHON_HOOK = _HOOKS / "connect.cjs", _HOOKS / "python"


class Place(msgspec.Struct, frozen=True):
    """Where a server is, how this process asks it, and what leads a program to it.

    A variable that is None is taken away. `unsealed` says why the program may reach the world; it
    is empty where it cannot.
    """

    base_url: str
    transport: InProcessTransport
    variables: Mapping[str, str | None]
    seal: Seal | None = None
    unsealed: str = ""

    def words(self, words: Sequence[str]) -> list[str]:
        """The words by which a program is run here."""
        return list(words) if self.seal is None else self.seal.words(words)

    def environment(self, found: Mapping[str, str]) -> dict[str, str]:
        """The environment of a program that is run here."""
        changed = {**found, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


class Rules(msgspec.Struct, frozen=True):
    """What a program may do in the cloud's place: which hosts it may call, and how it is held."""

    allowed: tuple[Allowed, ...] = ()
    sealing: Sealing = "auto"


_USUAL_RULES = Rules()


def _server(
    settings: "Settings",
    monitor: Monitor,
    may_pass: Callable[[End, End], bool],
    tls: "ssl.SSLContext | None" = None,
    listeners: Sequence[socket.socket] = (),
) -> "LocalServer":
    """The one place where a server for a program is made."""
    from nemolocal_server.faults.scenario import ScenarioError
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.store import StoreError

    def restrict(app: object) -> OwnerMiddleware:
        return OwnerMiddleware(app, monitor, may_pass)

    # The program may call the server by the cloud's name.
    names = (*settings.allowed_hosts, monitor.host)
    settings = msgspec.structs.replace(settings, allowed_hosts=names)
    try:
        server = LocalServer(settings, tls=tls, listeners=listeners, wrap=restrict)
    except ScenarioError as error:
        raise Usage(str(error)) from error
    except StoreError as error:
        raise Problem(str(error)) from error
    # The control interface, which could reset it, is closed to the program.
    kept = settings.data_dir is not None
    server.app.state.server.core.tokens.begins_anew = "" if kept else _BEGINS_ANEW
    return server


@contextlib.contextmanager
def plain_place(settings: "Settings", monitor: Monitor) -> Iterator[Place]:
    """A server that a program reaches by NEMO_API_URL."""
    with _server(settings, monitor, may_be_own) as server:
        # A proxy of the environment knows no server of this machine.
        here = ",".join(filter(None, (os.environ.get(_TOLD), _HERE)))
        variables = {"NEMO_API_URL": server.base_url, _TOLD: here, _TOLD.lower(): here}
        yield Place(server.base_url, InProcessTransport(server), variables)


@contextlib.contextmanager
def cloud_place(
    settings: "Settings", folder: Path, monitor: Monitor, rules: Rules = _USUAL_RULES
) -> Iterator[Place]:
    """A server in the cloud's place; files for the program are written to `folder`.

    The program is sealed where that is possible and wanted. Raises Problem where it is required
    and impossible.
    """
    authority = Authority()
    # Hosts that are let through prove themselves by the usual certificates.
    trust = authority.write_trust(folder, httpx.create_ssl_context() if rules.allowed else None)
    tls = authority.server_context(monitor.host)
    monitor_handshakes(tls, monitor, (monitor.host,))
    layout = lay_out(monitor.host, rules.allowed)
    with contextlib.ExitStack() as opened:
        seal, unsealed = _try_seal(opened, layout, folder, trust, rules)
        relay = opened.enter_context(Relay().running())
        if seal is None:
            server = opened.enter_context(_server(settings, monitor, may_ask, tls))
            proxy = Proxy(monitor, urlsplit(server.base_url).port or 0, rules.allowed)
            relay.call(proxy.start())
            opened.callback(lambda: relay.call(proxy.close()))
            led, base_url = _by_proxy(proxy, server.base_url), server.base_url
            java = _java_proxy(proxy.port)
        else:
            listeners = [
                seal.listeners[place] for place in layout.served if place in seal.listeners
            ]
            made = _server(settings, monitor, _anybody, tls, listeners)
            server = opened.enter_context(made)
            _stand_between(relay, seal, layout, monitor)
            led, base_url, java = _by_name(), CLOUD_BASE_URL, ""
        yield Place(
            base_url, InProcessTransport(server), {**trust.variables(java), **led}, seal, unsealed
        )


def _anybody(server: End, client: End) -> bool:
    """Nobody else is in the network of a sealed program."""
    del server, client
    return True


def _try_seal(
    opened: contextlib.ExitStack, layout: Layout, folder: Path, trust: Trust, rules: Rules
) -> tuple[Seal | None, str]:
    """A seal, or why there is none."""
    if rules.sealing == "off":
        return None, "--seal off"
    names = write_files(layout, folder, socket.gethostname())
    files = {**names, **trust.system_files(keep=bool(rules.allowed))}
    try:
        return opened.enter_context(open_seal(layout.listeners, files)), ""
    except Unsealable as problem:
        if rules.sealing == "require":
            raise Problem(f"the program cannot be sealed here: {problem}") from problem
        return None, str(problem)


def _stand_between(relay: Relay, seal: Seal, layout: Layout, monitor: Monitor) -> None:
    """Serve what a sealed program may find besides the server."""
    relay.answer_names(seal.names, layout.addresses, monitor)
    for place, listener in seal.listeners.items():
        if place in layout.forwarded:
            relay.forward(listener, layout.forwarded[place])
        elif place in layout.plain:
            relay.redirect(listener, monitor)


def _by_name() -> Mapping[str, str | None]:
    """A sealed program finds the cloud by its name; there is no proxy where it is."""
    gone: dict[str, str | None] = dict.fromkeys((*_PROXIES, *map(str.lower, _PROXIES)))
    return {**gone, _FACTS: None, "NEMO_API_URL": CLOUD_BASE_URL}


def _by_proxy(proxy: Proxy, base_url: str) -> Mapping[str, str | None]:
    """Any other is told of a proxy, and Node and Python are made to look at where they connect."""
    proxies = dict.fromkeys(_PROXIES[:-1], proxy.url) | {_TOLD: _HERE}
    allowed = sorted(f"{one.host}:{one.port}" for one in proxy.allowed)
    facts = {"host": proxy.host, "port": urlsplit(base_url).port, "allowed": allowed}
    node, python = os.environ.get("NODE_OPTIONS", ""), os.environ.get("PYTHONPATH", "")
    return {
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        "NODE_OPTIONS": f'{node} --require "{_NODE_HOOK.as_posix()}"'.strip(),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_PYTHON_HOOK), python))),
        _FACTS: json.dumps(facts),
        "NEMO_API_URL": base_url,
    }


def _java_proxy(port: int) -> str:
    """Java reads no variable that names a proxy."""
    schemes = ("http", "https")
    return " ".join(f"-D{s}.proxyHost=127.0.0.1 -D{s}.proxyPort={port}" for s in schemes)
