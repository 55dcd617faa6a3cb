"""How many connections there may be: each takes a file descriptor, and a process has so many."""

import contextlib
import sys

if sys.platform != "win32":
    import resource

# What is left for files, the database and the pipes of children.
_RESERVE = 256
# More than anybody needs here, and what they take in memory stays within bounds.
_MOST = 8_000
# As many as are of use: where the limit is a billion, programs that go through all take minutes.
_ENOUGH = 65_536


def raise_file_limit() -> None:
    """Let this process open as many files as it may; for a process that is ours alone."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS says "unlimited" and refuses it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """How many connections may be open at once under the limit that is in force now."""
    if sys.platform == "win32":
        return _MOST
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST
    return min(max(soft - _RESERVE, soft // 2), _MOST)
