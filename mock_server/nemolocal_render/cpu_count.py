"""How many cores this process may really use."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = _QUOTA) -> int:
    """The cores that the process may run on, and not more than its group's share; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(min(allowed or 1, _share(quota) or allowed or 1), 1)


def _share(quota: Path) -> int:
    """Whole cores, rounded up; 0 where there is no limit."""
    try:
        most, period = quota.read_text(encoding="ascii").split()
        return -(-int(most) // int(period))
    except (OSError, ValueError):
        # No such file, or "max".
        return 0
