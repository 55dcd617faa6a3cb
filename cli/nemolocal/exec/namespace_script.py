"""A script that creates the namespaces of a sealed program and runs the program in them.

It is run by path in a new interpreter, since a process with threads cannot create a user namespace.
It imports only the standard library.

- `make FD` reads a plan from the socket FD, creates the namespaces, and sends back the sockets that
  listen in them. Every address is local there (`ip route add local default dev lo`).
- `enter PATH... -- PROGRAM ...` enters the namespaces and executes the program, which keeps its
  process id, terminal, files and signals.
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
    """This machine does not allow a step; the message says which and why."""


def _call_libc(name: str, *arguments: Any) -> None:
    """Call a function of the C library; raises NamespaceError if it fails."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise NamespaceError(f"{name}: {os.strerror(ctypes.get_errno()).lower()}")


def create_namespaces(plan: dict[str, Any]) -> tuple[list[int], dict[str, socket.socket]]:
    """Return descriptors of the namespaces (user if needed, mounts, network), and the sockets."""
    kinds = ["mnt", "net"]
    try:
        # Without a user namespace, all users of the machine stay mapped.
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
            if ":" not in host:  # The kernel may have no IPv6.
                raise
    return [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds], sockets


def _unshare_user() -> None:
    """Create the namespaces in a new user namespace that maps this user to itself."""
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
    """Bring the loopback interface up and route every address to it."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14s", b"lo", _UP, b""))
        _route(socket.AF_INET)
    except OSError as error:
        raise NamespaceError(f"the loopback interface: {(error.strerror or '').lower()}") from error
    with contextlib.suppress(OSError):  # The kernel may have no IPv6.
        _route(socket.AF_INET6)


def _route(family: int) -> None:
    """Do what `ip route add local default dev lo` does."""
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
    """Bind-mount our files over those of the system, if the machine allows it.

    They are for programs that do not query the DNS server; the seal holds without them.
    """
    with contextlib.suppress(NamespaceError):
        _call_libc("mount", b"none", b"/", None, _RECURSIVE | _SLAVE, None)
        for target, source in files.items():
            if os.path.exists(target):
                _call_libc("mount", os.fsencode(source), os.fsencode(target), None, _BIND, None)


def _listen(host: str, port: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket bound to an address; the more specific of two addresses wins."""
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
    """Receive a plan over a socket, and send back the result or the error."""
    with socket.socket(fileno=descriptor) as asked:
        plan = json.loads(asked.recv(_MAX_MESSAGE_BYTES))
        try:
            namespaces, sockets = create_namespaces(plan)
        except (NamespaceError, OSError) as error:
            asked.sendall(json.dumps({"error": str(error)}).encode())
            return
        reply = {"namespaces": len(namespaces), "sockets": list(sockets)}
        sent = [*namespaces, *(made.fileno() for made in sockets.values())]
        socket.send_fds(asked, [json.dumps(reply).encode()], sent)


def _enter_namespaces(paths: list[str]) -> None:
    """Enter the namespaces, the user namespace first, and keep the current directory."""
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
    """Execute a program; return 127 or 126, as a shell does, if that is impossible."""
    # Python ignores these signals, and the program would inherit that.
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
    """Run `make FD` or `enter PATH... -- PROGRAM ...`."""
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
