"""What a piece of work takes: its time, the processor time and the memory of its processes."""

import contextlib
import os
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

_EVERY = 0.05


class Effort(msgspec.Struct):
    """Seconds, seconds of processor time, and KB that all child processes held at once at most.

    The memory is 0 where the system does not tell (`/proc`).
    """

    seconds: float = 0.0
    processor: float = 0.0
    memory_kb: int = 0

    def told(self) -> str:
        """The figures in words."""
        memory = f", {self.memory_kb / 1000:.0f} MB at the peak" if self.memory_kb else ""
        return f"{self.seconds:7.2f} s, {self.processor:6.1f} s of processor time{memory}"


@contextlib.contextmanager
def measured() -> Iterator[Effort]:
    """Measure what is done within; this process itself counts for neither processor nor memory."""
    effort, done = Effort(), threading.Event()
    watching = threading.Thread(target=_watch, args=(effort, done))
    before, started = _processor(), time.perf_counter()
    watching.start()
    try:
        yield effort
    finally:
        effort.seconds = time.perf_counter() - started
        effort.processor = _processor() - before
        done.set()
        watching.join()


def medians(efforts: Sequence[Effort]) -> Effort:
    """The median of each figure."""
    return Effort(
        median(effort.seconds for effort in efforts),
        median(effort.processor for effort in efforts),
        round(median(effort.memory_kb for effort in efforts)),
    )


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(effort: Effort, done: threading.Event) -> None:
    while not done.wait(_EVERY):
        held = sum(map(_resident_kb, _descendants(os.getpid())))
        effort.memory_kb = max(effort.memory_kb, held)


def _descendants(process_id: int) -> Iterator[int]:
    for task in _entries(Path(f"/proc/{process_id}/task")):
        for child in _read(task / "children").split():
            yield int(child)
            yield from _descendants(int(child))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _resident_kb(process_id: int) -> int:
    lines = _read(Path(f"/proc/{process_id}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        # The process has ended, or the system has no such files.
        return ""
