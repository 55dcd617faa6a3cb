"""Measures a piece of work: its time, and the CPU time and memory of its processes."""

import contextlib
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from statistics import median

import msgspec
import psutil

_SAMPLE_INTERVAL = 0.05


class ResourceUsage(msgspec.Struct):
    """Seconds, CPU seconds, and the peak memory of all child processes together in KB.

    The memory is 0 if the system does not report it.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_kb: int = 0

    def summary(self) -> str:
        """The figures as text."""
        memory = f", {self.memory_kb / 1000:.0f} MB at the peak" if self.memory_kb else ""
        return f"{self.seconds:7.2f} s, {self.cpu_seconds:6.1f} s of processor time{memory}"


@contextlib.contextmanager
def measure_resources() -> Iterator[ResourceUsage]:
    """Measure the block; CPU time and memory of this process itself are not counted."""
    usage, done = ResourceUsage(), threading.Event()
    watching = threading.Thread(target=_watch, args=(usage, done))
    before, started = _processor(), time.perf_counter()
    watching.start()
    try:
        yield usage
    finally:
        usage.seconds = time.perf_counter() - started
        usage.cpu_seconds = _processor() - before
        done.set()
        watching.join()


def median_usage(usages: Sequence[ResourceUsage]) -> ResourceUsage:
    """Return the median of each figure."""
    return ResourceUsage(
        median(usage.seconds for usage in usages),
        median(usage.cpu_seconds for usage in usages),
        round(median(usage.memory_kb for usage in usages)),
    )


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(usage: ResourceUsage, done: threading.Event) -> None:
    this = psutil.Process()
    while not done.wait(_SAMPLE_INTERVAL):
        held = sum(map(_resident, this.children(recursive=True)))
        usage.memory_kb = max(usage.memory_kb, held // 1024)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        # The process has ended, or the system does not report it.
        return 0
