"""Makes the namespaces of a sealed program, and runs the program in them: a script of its own.

It is run by path in a fresh interpreter, since a process that has threads may make no user
namespace, and imports the standard library alone.

- `make FD` reads a plan from the socket FD, makes the namespaces, and sends back the sockets that
  listen in them. Every address of the world is this machine's there (`local default dev lo`).
- `enter PATH... -- PROGRAM ...` enters namespaces and becomes the program, which so keeps its
  process id, its terminal, its files and its signals.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from typing import Any

NEW_MOUNTS, NEW_USER, NEW_NETWORK = 0x0002_0000, 0x1000_0000, 0x4000_0000
_BIND, _RECURSIVE, _SLAVE = 0x1000, 0x4000, 0x8_0000
_SET_FLAGS, _UP = 0x8914, 0x1 | 0x40
_ROUTE_HEADER, _NEW_ROUTE, _CREATE = "=IHHII", 24, 0x1 | 0x4 | 0x400 | 0x200
_LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL, _OUTPUT = 255, 3, 254, 2, 4
_DNS = 53
_BACKLOG = 2048
_MAX_MESSAGE_BYTES = 1 << 20
_NOT_RUNNABLE, _NOT_FOUND = 126, 127


class NamespaceError(Exception):
    """What this machine does not let us do, and why."""


def _call_libc(name: str, *arguments: Any) -> None:
    """A function of the C library; raises Forbidden."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise NamespaceError(f"{name}: {os.strerror(ctypes.get_errno()).lower()}")


def create_namespaces(plan: dict[str, Any]) -> tuple[list[int], dict[str, socket.socket]]:
    """Descriptors of the namespaces (user, where one was needed; mounts, network), and sockets."""
    kinds = ["mnt", "net"]
    try:
        # Whoever may do so without a user namespace keeps every user of the machine.
        _call_libc("unshare", NEW_MOUNTS | NEW_NETWORK)
    except NamespaceError:
        _unshare_user()
        kinds = ["user", *kinds]
    _configure_loopback()
    _replace_files(plan["files"])
    sockets = {"names": _listen("0.0.0.0", _DNS, socket.SOCK_DGRAM)}
    for host, port in plan["listeners"]:
        try:
            sockets[f"{host} {port}"] = _listen(host, port)
        except OSError:
            if ":" not in host:  # a kernel without IPv6 does without
                raise
    return [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds], sockets


def _unshare_user() -> None:
    """A user namespace in which we are who we were, and all that it owns."""
    user, group = os.geteuid(), os.getegid()
    _call_libc("unshare", NEW_USER | NEW_MOUNTS | NEW_NETWORK)
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError as error:
        raise NamespaceError(f"{error.filename}: {(error.strerror or '').lower()}") from error


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _configure_loopback() -> None:
    """The loopback interface, with every address there is."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14s", b"lo", _UP, b""))
        _route(socket.AF_INET)
    except OSError as error:
        raise NamespaceError(f"the loopback interface: {(error.strerror or '').lower()}") from error
    with contextlib.suppress(OSError):  # a kernel without IPv6
        _route(socket.AF_INET6)


def _route(family: int) -> None:
    """`ip route add local default dev lo`."""
    kind = (family, 0, 0, 0, _LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL, 0)
    output = struct.pack("=HHI", 8, _OUTPUT, socket.if_nametoindex("lo"))
    body = struct.pack("=BBBBBBBBI", *kind) + output
    length = struct.calcsize(_ROUTE_HEADER) + len(body)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(struct.pack(_ROUTE_HEADER, length, _NEW_ROUTE, _CREATE, 1, 0) + body)
        (code,) = struct.unpack_from("=i", kernel.recv(_MAX_MESSAGE_BYTES), 16)
    if code:
        raise OSError(-code, os.strerror(-code))


def _replace_files(files: dict[str, str]) -> None:
    """Lay files of ours over those of the system, where that may be done.

    Nothing leaves without them either: they are for programs that ask no name server.
    """
    with contextlib.suppress(NamespaceError):
        _call_libc("mount", b"none", b"/", None, _RECURSIVE | _SLAVE, None)
        for target, source in files.items():
            if os.path.exists(target):
                _call_libc("mount", os.fsencode(source), os.fsencode(target), None, _BIND, None)


def _listen(host: str, port: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket at an address; the more exact of two addresses gets what comes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_STREAM:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, port))
    if kind == socket.SOCK_STREAM:
        listener.listen(_BACKLOG)
    return listener


def _create_and_send(descriptor: int) -> None:
    """Answer the plan that comes over a socket."""
    with socket.socket(fileno=descriptor) as asked:
        plan = json.loads(asked.recv(_MAX_MESSAGE_BYTES))
        try:
            namespaces, sockets = create_namespaces(plan)
        except (NamespaceError, OSError) as error:
            asked.sendall(json.dumps({"error": str(error)}).encode())
            return
        told = {"namespaces": len(namespaces), "sockets": list(sockets)}
        sent = [*namespaces, *(made.fileno() for made in sockets.values())]
        socket.send_fds(asked, [json.dumps(told).encode()], sent)


def _enter_namespaces(paths: list[str]) -> None:
    """Enter namespaces, a user's first; the folder we are in stays."""
    descriptors = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in paths]
    here = os.open(".", os.O_PATH | os.O_CLOEXEC)
    folder = None
    with contextlib.suppress(OSError):
        folder = os.getcwd()
    for descriptor in descriptors:
        _call_libc("setns", descriptor, 0)
    try:
        os.chdir(folder or "")
    except OSError:
        os.fchdir(here)


def _exec_program(words: list[str]) -> int:
    """Become a program; its status where there is none, as a shell has it."""
    # Python ignores them for itself, and what is ignored stays so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        why = "not found" if missing else (error.strerror or str(error)).lower()
    print(f"nemolocal exec: {words[0]}: {why}", file=sys.stderr, flush=True)
    return _NOT_FOUND if missing else _NOT_RUNNABLE


def main(arguments: list[str]) -> int:
    """`make FD`, or `enter PATH... -- PROGRAM ...`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    what, *rest = arguments
    if what == "make":
        _create_and_send(int(rest[0]))
        return 0
    cut = rest.index("--")
    try:
        _enter_namespaces(rest[:cut])
    except (NamespaceError, OSError) as error:
        print(f"nemolocal exec: not sealed, so not run: {error}", file=sys.stderr, flush=True)
        return _NOT_RUNNABLE
    return _exec_program(rest[cut + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
