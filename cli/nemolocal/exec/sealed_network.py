"""Opens an isolated network for a program (Linux), or says why that is impossible."""

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
_APPARMOR_HINT = (
    "AppArmor forbids user namespaces; "
    "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them"
)

SocketAddress = tuple[str, int]
"""A local host and port."""


class SealingUnavailable(Exception):
    """This machine cannot isolate a program; the message says why."""


class SealedNetwork(msgspec.Struct, frozen=True):
    """The paths of open namespaces, and the sockets that listen in them.

    `dns_socket` receives all DNS queries, whichever server they are for.
    """

    namespaces: tuple[str, ...]
    listeners: Mapping[SocketAddress, socket.socket]
    dns_socket: socket.socket

    def wrap_command(self, words: Sequence[str]) -> list[str]:
        """Return the command line that runs a program inside, in the same process."""
        return [sys.executable, "-I", "-S", str(_SCRIPT), "enter", *self.namespaces, "--", *words]


@contextlib.contextmanager
def open_sealed_network(
    listeners: Sequence[SocketAddress] = (), files: Mapping[str, str] | None = None
) -> Iterator[SealedNetwork]:
    """Open a network that reaches only the sockets in it; raises `SealingUnavailable`.

    `files` are the bind mounts of the program, target to source.
    """
    if sys.platform != "linux":
        raise SealingUnavailable("only Linux has network namespaces")
    plan = {"listeners": listeners, "files": files or {}}
    reply, descriptors = _run_script(json.dumps(plan).encode())
    count = reply["namespaces"]
    with contextlib.ExitStack() as until_the_end:
        for descriptor in descriptors[:count]:
            until_the_end.callback(os.close, descriptor)
        made = [socket.socket(fileno=number) for number in descriptors[count:]]
        for one in made:
            until_the_end.callback(one.close)
        sockets = dict(zip(reply["sockets"], made, strict=True))
        # The program opens them by these paths, so they need not be inherited.
        paths = tuple(f"/proc/{os.getpid()}/fd/{number}" for number in descriptors[:count])
        names = sockets.pop("names")
        yield SealedNetwork(paths, {_address(place): one for place, one in sockets.items()}, names)


def sealing_unavailable_reason() -> str:
    """Return why this machine cannot seal a program; empty if it can."""
    try:
        with open_sealed_network():
            return ""
    except SealingUnavailable as problem:
        return str(problem)


def _run_script(plan: bytes) -> tuple[dict[str, Any], list[int]]:
    """Send a plan to the script; return its reply and the descriptors that it sent."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-S", str(_SCRIPT), "make", str(theirs.fileno())]
    with ours:
        with theirs:
            child = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        answer, descriptors = b"", list[int]()
        # A script that has ended says why on stderr.
        with contextlib.suppress(ConnectionError):
            ours.sendall(plan)
            answer, descriptors, _, _ = socket.recv_fds(ours, _MAX_MESSAGE_BYTES, _MAX_DESCRIPTORS)
        _, errors = child.communicate()
    reply = json.loads(answer) if answer else {"error": _last_line(errors)}
    if "error" in reply:
        raise SealingUnavailable(_explain_error(reply["error"]))
    return reply, descriptors


def _last_line(errors: bytes) -> str:
    """Return the last line of a traceback."""
    return errors.decode(errors="replace").strip().rpartition("\n")[2]


def _explain_error(error: str) -> str:
    with contextlib.suppress(OSError):
        if _APPARMOR.read_text().strip() == "1":
            return f"{error}: {_APPARMOR_HINT}"
    return error


def _address(place: str) -> SocketAddress:
    host, _, port = place.partition(" ")
    return host, int(port)
