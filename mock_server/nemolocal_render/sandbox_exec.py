"""Start a program in a sandbox.

Run as `python -I -S launcher.py PARENT LIMITS COUNT READ… COUNT WRITE… PROGRAM WORD…`: the process
id of the parent, limits as `CPU=10,NOFILE=64`, and the numbers of readable and writable paths, each
followed by the paths. Resource limits work on every POSIX system, the rest only on Linux. Every
FFmpeg is started by this, so it imports very little: JSON or typing would double its start time.
"""

import ctypes
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIGKILL = 9
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READING = _EXECUTE | _READ_FILE | _READ_DIR
# Access rights of each version of Landlock: the first has 13, the second adds renaming between
# folders, the third truncation. `ioctl` of devices stays allowed, since encoders need it.
_KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_TCP_SINCE, _TCP = 4, 3
# Abstract sockets, and signals to other processes.
_SCOPES_SINCE, _SCOPES = 6, 3


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def set_limits(limits: dict[str, int]) -> None:
    """Set resource limits by their names without RLIMIT_, never above the current ones."""
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            _set(kind, value if hard == resource.RLIM_INFINITY else min(value, hard))


def _set(kind: int, value: int) -> None:
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        # macOS has limits that cannot be set.
        return


def landlock_version(libc: "Any") -> int:
    """Return the version of Landlock of the kernel, 0 if there is none."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    return max(int(version), 0)


def apply_landlock(libc: "Any", read: list[str], write: list[str]) -> bool:
    """Allow only these paths, no TCP and no signals; return whether the kernel supports it."""
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = landlock_version(libc)
    if not version:
        return False
    known = _KNOWN[min(version, max(_KNOWN))]
    network = _TCP if version >= _TCP_SINCE else 0
    scopes = _SCOPES if version >= _SCOPES_SINCE else 0
    attributes = _Ruleset(known, network, scopes)
    # The kernel accepts only the fields that it knows.
    size = ctypes.sizeof(ctypes.c_uint64) * (1 + bool(network) + bool(scopes))
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    for path in read:
        _allow(libc, ruleset, path, _READING)
    for path in write:
        _allow(libc, ruleset, path, known)
    agreed = bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return agreed


def _allow(libc: "Any", ruleset: int, path: str, access: int) -> None:
    # Not every system has every folder.
    if not os.path.exists(path):
        return
    place = os.open(path, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    allowed = access if os.path.isdir(path) else access & _ON_FILES
    rule = _PathRule(allowed, place)
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(place)


def _exit_with_parent(libc: "Any", parent: int) -> None:
    """End this process if the parent is killed."""
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent process has ended")


def main(arguments: list[str]) -> None:
    """Restrict this process, then execute the program."""
    parent, limits, *rest = arguments
    read, rest = _take_counted(rest)
    write, program = _take_counted(rest)
    set_limits(_limits_of(limits))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        _exit_with_parent(libc, int(parent))
        apply_landlock(libc, read, write)
    os.execv(program[0], program)


def _take_counted(words: list[str]) -> tuple[list[str], list[str]]:
    """Split words after the number of words that the first one states."""
    end = int(words[0]) + 1
    return words[1:end], words[end:]


def _limits_of(text: str) -> dict[str, int]:
    pairs = (each.split("=") for each in text.split(",") if each)
    return {name: int(value) for name, value in pairs}


if __name__ == "__main__":
    main(sys.argv[1:])
