"""What a child process may do: limits, the files it sees, its environment.

A hostile upload can break a decoder. The child that reads it sees its inputs, the system's
libraries (`/opt` too) and one folder that it may write, and ends when it has used up its limits.
Where Landlock knows it, there is no TCP (version 4), and neither abstract sockets nor processes of
others to signal (version 6). What code that has taken a child over could still do: speak UDP, use
sockets that are files, start processes, change the times and the mode of its inputs.
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
    """What one child may do: seconds of CPU, bytes of memory and of a file, paths, devices."""

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    cpu_seconds: int = 60
    memory: int = 16 * GIB
    file_size: int = 64 * GIB
    open_files: int = 1024
    devices: bool = False


def sandboxed_argv(argv: list[str], policy: SandboxPolicy) -> list[str]:
    """The command line that runs `argv` under a policy; unchanged where the system is not POSIX."""
    if os.name != "posix":
        return argv
    return [sys.executable, "-I", "-S", sandbox_exec.__file__, *_exec_arguments(policy), *argv]


def _exec_arguments(policy: SandboxPolicy) -> list[str]:
    """A policy as the launcher reads it."""
    limits = {
        "CPU": policy.cpu_seconds,
        "FSIZE": policy.file_size,
        "NOFILE": policy.open_files,
        "CORE": 0,
    }
    # Drivers of graphics cards reserve address space far beyond any sensible limit.
    if not policy.devices:
        limits["AS"] = policy.memory
    read = [*_SYSTEM, *_KERNEL, sys.prefix, sys.base_prefix, *map(str, policy.read)]
    write = ["/dev/null", *map(str, policy.write), *(_DEVICES if policy.devices else ())]
    told = ",".join(f"{name}={value}" for name, value in limits.items())
    return [str(os.getpid()), told, str(len(read)), *read, str(len(write)), *write]


def child_environment(home: Path) -> dict[str, str]:
    """The environment of a child: the little that programs need, nothing that is a secret."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "LANG": "C.UTF-8"}
    return {**passed_on, **own, "MALLOC_ARENA_MAX": "4"}


@functools.cache
def landlock_version() -> int:
    """The version of Landlock here; 0 where children can be limited but not confined to files."""
    return sandbox_exec.landlock_version(ctypes.CDLL(None)) if sys.platform == "linux" else 0
