"""A world for a test: a network in which somebody listens at every address there is."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nemolocal.exec.sealed_network import SealedNetwork, open_sealed_network
from tests.support.https_clients import HOST, REAL_ADDRESS

_PORTS = (443, 80, 8443)
_LONGEST = 1024


class ForeignWorld:
    """Runs programs where the real host is somebody who writes down every byte."""

    def __init__(self, seal: SealedNetwork) -> None:
        self._seal = seal
        self.seen: list[str] = []
        for (host, port), listener in seal.listeners.items():
            name = f"{host} {port}"
            threading.Thread(target=self._listen, args=(listener, name), daemon=True).start()
        threading.Thread(target=self._hear, args=(seal.dns_socket,), daemon=True).start()

    def run(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            self._seal.wrap_command(words), env=environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=300, check=False,
        )  # fmt: skip

    def execute(self, *words: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a program under `nemolocal exec`."""
        return self.run(sys.executable, "-m", "nemolocal", "exec", *options, "--", *words)

    def _listen(self, listener: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                created, _ = listener.accept()
                self.seen.append(f"{name}: a connection")
                with created:
                    created.settimeout(5)
                    with contextlib.suppress(OSError):
                        self.seen.append(f"{name}: {created.recv(_LONGEST)!r}")

    def _hear(self, names: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.seen.append(f"a name: {names.recv(_LONGEST)!r}")


@contextlib.contextmanager
def foreign_world(folder: Path) -> Iterator[ForeignWorld]:
    """Such a world; raises `Unsealable` where there can be none."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{REAL_ADDRESS} {HOST}\n", encoding="ascii")
    resolver = folder / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", encoding="ascii")
    files = {"/etc/hosts": str(hosts), "/etc/resolv.conf": str(resolver)}
    with open_sealed_network(
        [(host, port) for host in ("0.0.0.0", "::") for port in _PORTS], files
    ) as seal:
        yield ForeignWorld(seal)
