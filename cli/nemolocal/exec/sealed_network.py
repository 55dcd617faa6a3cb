"""Opens a network of its own for a program (Linux), or says why there can be none."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

_SCRIPT = Path(__file__).with_name("namespace_script.py")
_MAX_MESSAGE_BYTES = 1 << 20
_MAX_DESCRIPTORS = 200
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_APPARMOR_TELLS = (
    "AppArmor forbids user namespaces; "
    "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them"
)

SocketAddress = tuple[str, int]
"""A host of this machine and a port."""


class SealingUnavailable(Exception):
    """Why this machine makes no network of its own for a program."""


class SealedNetwork(msgspec.Struct, frozen=True):
    """Namespaces, as paths while they are open, and what listens in them.

    `names` gets the questions to name servers, whichever is asked.
    """

    namespaces: tuple[str, ...]
    listeners: Mapping[SocketAddress, socket.socket]
    dns_socket: socket.socket

    def wrap_command(self, words: Sequence[str]) -> list[str]:
        """The words that run a program inside, as the process that they start."""
        return [sys.executable, "-I", "-S", str(_SCRIPT), "enter", *self.namespaces, "--", *words]


@contextlib.contextmanager
def open_sealed_network(
    listeners: Sequence[SocketAddress] = (), files: Mapping[str, str] | None = None
) -> Iterator[SealedNetwork]:
    """A network that reaches nothing but the sockets made in it; raises `SealingUnavailable`.

    `files` are laid over those of the system for whoever is inside: theirs by ours.
    """
    if sys.platform != "linux":
        raise SealingUnavailable("only Linux has network namespaces")
    plan = {"listeners": listeners, "files": files or {}}
    told, descriptors = _run_script(json.dumps(plan).encode())
    count = told["namespaces"]
    with contextlib.ExitStack() as until_the_end:
        for descriptor in descriptors[:count]:
            until_the_end.callback(os.close, descriptor)
        made = [socket.socket(fileno=number) for number in descriptors[count:]]
        for one in made:
            until_the_end.callback(one.close)
        sockets = dict(zip(told["sockets"], made, strict=True))
        # Whoever enters opens them by our name for them: they need not be inherited.
        paths = tuple(f"/proc/{os.getpid()}/fd/{number}" for number in descriptors[:count])
        names = sockets.pop("names")
        yield SealedNetwork(paths, {_address(place): one for place, one in sockets.items()}, names)


def sealing_unavailable_reason() -> str:
    """Why no program can be sealed here; empty where it can be."""
    try:
        with open_sealed_network():
            return ""
    except SealingUnavailable as problem:
        return str(problem)


def _run_script(plan: bytes) -> tuple[dict[str, Any], list[int]]:
    """What the script says to a plan, with the descriptors that it sends."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-S", str(_SCRIPT), "make", str(theirs.fileno())]
    with ours:
        with theirs:
            child = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        ours.sendall(plan)
        answer, descriptors, _, _ = socket.recv_fds(ours, _MAX_MESSAGE_BYTES, _MAX_DESCRIPTORS)
        _, said = child.communicate()
    told = json.loads(answer) if answer else {"error": _last_line(said)}
    if "error" in told:
        raise SealingUnavailable(_explain_error(told["error"]))
    return told, descriptors


def _last_line(said: bytes) -> str:
    """What Python says of an error that nobody expected."""
    return said.decode(errors="replace").strip().rpartition("\n")[2]


def _explain_error(error: str) -> str:
    with contextlib.suppress(OSError):
        if _APPARMOR.read_text().strip() == "1":
            return f"{error}: {_APPARMOR_TELLS}"
    return error


def _address(place: str) -> SocketAddress:
    host, _, port = place.partition(" ")
    return host, int(port)
