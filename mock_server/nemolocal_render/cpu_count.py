"""The number of CPU cores that this process may use."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = _QUOTA) -> int:
    """Return the cores of the CPU affinity, limited by the quota of the cgroup; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(min(allowed or 1, _share(quota) or allowed or 1), 1)


def _share(quota: Path) -> int:
    """Return the quota in whole cores, rounded up; 0 if there is none."""
    try:
        most, period = quota.read_text(encoding="ascii").split()
        return -(-int(most) // int(period))
    except (OSError, ValueError):
        # No such file, or "max".
        return 0
