"""What `nemolocal exec` has Python load before a program, where it cannot seal it.

A connection to the cloud is led to the local server, one to any other host is refused: of
`http.client`, urllib, requests, httpx, aiohttp and whatever else uses the standard `socket`. This
runs in the Python of the program, which may be an older one.
"""

import errno
import importlib.machinery
import importlib.util
import json
import os
import socket
import sys
from typing import Any

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_HTTPS = (443, "443", b"443", "https", b"https")
_NEAR = ("127.", "::ffff:127.")
_ANY = ("", "localhost", "::1", "::", "0.0.0.0")


def load_shadowed_module() -> None:
    """There may be another module of this name, which ours hides."""
    path = [name for name in sys.path if os.path.abspath(name or ".") != _FOLDER]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


class ConnectGuard:
    """Where connections go: to the cloud's stand-in, to this machine, to hosts that are allowed."""

    def __init__(
        self, host: str, port: int, allowed: "list[str]", also: "tuple[str, ...]" = ()
    ) -> None:
        self._host = host
        self._routed = {host, *also}
        self._port = port
        self._allowed = set(allowed)
        # What allowed hosts were found to be.
        self._known: set[Any] = set()
        self._look_up = socket.getaddrinfo
        self._connect: Any = socket.socket.connect
        self._connect_ex: Any = socket.socket.connect_ex

    def install(self) -> None:
        """Stand in the way of every connection."""
        self_, classes = self, socket.socket

        def connect(sock: Any, address: Any) -> Any:
            return self_._connect(sock, self_.led(sock, address))

        def connect_ex(sock: Any, address: Any) -> Any:
            try:
                return self_._connect_ex(sock, self_.led(sock, address))
            except ConnectionRefusedError:
                return errno.ECONNREFUSED

        for name, function in (("connect", connect), ("connect_ex", connect_ex)):
            setattr(classes, name, function)
        setattr(socket, "getaddrinfo", self.look_up)  # noqa: B010

    def look_up(
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """`socket.getaddrinfo`."""
        name = _text(host)
        if name in self._routed and port in _HTTPS:
            return self._look_up("127.0.0.1", self._port, 0, type, proto)
        found = self._look_up(host, port, family, type, proto, flags)
        for *_, address in found:
            if f"{name}:{int(address[1])}" in self._allowed:
                self._known.add(address[:2])
        return found

    def led(self, sock: Any, address: Any) -> Any:
        """Where a connection goes instead; raises where it may not go."""
        stream = sock.type & 0xF == socket.SOCK_STREAM
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or not stream:
            return address
        name, port = _text(address[0]), address[1]
        if name in self._routed and port in _HTTPS:
            return ("127.0.0.1", self._port)
        place = f"{name}:{port}"
        near = name in _ANY or name.startswith(_NEAR)
        # "*" allows every host: `nemolocal record` reaches them all.
        if near or not self._allowed.isdisjoint((place, "*")) or tuple(address[:2]) in self._known:
            return address
        raise ConnectionRefusedError(
            errno.ECONNREFUSED,
            f"nemolocal exec refused {place}: only {self._host} is served here; "
            f"allow it with --allow-host {place}",
        )


def _text(name: Any) -> str:
    found = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
    return found.lower().rstrip(".")


if __name__ == "sitecustomize":
    if "NEMOLOCAL_EXEC" in os.environ:
        ConnectGuard(**json.loads(os.environ["NEMOLOCAL_EXEC"])).install()
    load_shadowed_module()
