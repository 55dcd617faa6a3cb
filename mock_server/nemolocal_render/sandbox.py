"""Sandbox child processes: resource limits, visible files and environment.

A hostile upload can exploit a decoder. The child that reads it sees its inputs, the libraries of
the system (`/opt` too) and one folder that it may write to, and is ended when it exceeds its
limits. Landlock also blocks TCP (from version 4), and abstract sockets and signals to other
processes (from version 6). Code that has taken over a child could still use UDP and Unix sockets in
files, start processes, and change the times and modes of its inputs.
"""

import ctypes
import functools
import os
import sys
from pathlib import Path

import msgspec

from . import sandbox_exec

GIB = 1 << 30

_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/etc/ld.so.cache")
_KERNEL = ("/etc/fonts", "/proc/cpuinfo", "/sys/devices/system/cpu", "/dev/urandom")
_DEVICES = ("/dev", "/proc", "/sys")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "SYSTEMROOT", "CUDA_VISIBLE_DEVICES")


class SandboxPolicy(msgspec.Struct, frozen=True):
    """The limits of a child: CPU seconds, bytes of memory and of a file, paths, devices."""

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    cpu_seconds: int = 60
    memory: int = 16 * GIB
    file_size: int = 64 * GIB
    open_files: int = 1024
    devices: bool = False


def sandboxed_argv(argv: list[str], policy: SandboxPolicy) -> list[str]:
    """Return the command line that runs `argv` in the sandbox; unchanged if not on POSIX."""
    if os.name != "posix":
        return argv
    return [sys.executable, "-I", "-S", sandbox_exec.__file__, *_exec_arguments(policy), *argv]


def _exec_arguments(policy: SandboxPolicy) -> list[str]:
    """Return the arguments of the launcher for a policy."""
    limits = {
        "CPU": policy.cpu_seconds,
        "FSIZE": policy.file_size,
        "NOFILE": policy.open_files,
        "CORE": 0,
    }
    # Graphics drivers reserve more address space than any sensible limit.
    if not policy.devices:
        limits["AS"] = policy.memory
    read = [*_SYSTEM, *_KERNEL, sys.prefix, sys.base_prefix, *map(str, policy.read)]
    write = ["/dev/null", *map(str, policy.write), *(_DEVICES if policy.devices else ())]
    limit_list = ",".join(f"{name}={value}" for name, value in limits.items())
    return [str(os.getpid()), limit_list, str(len(read)), *read, str(len(write)), *write]


def child_environment(home: Path) -> dict[str, str]:
    """Return a minimal environment for a child, without secrets."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "LANG": "C.UTF-8"}
    return {**passed_on, **own, "MALLOC_ARENA_MAX": "4"}


@functools.cache
def landlock_version() -> int:
    """Return the version of Landlock; 0 if children get resource limits only."""
    return sandbox_exec.landlock_version(ctypes.CDLL(None)) if sys.platform == "linux" else 0
