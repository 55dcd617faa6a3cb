"""The measured servers, each in a process of its own, started as a user would."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

_OWN = "nemolocal"
_BARE = "benchmarks.baseline_server"
_CHUNKS = "benchmarks.chunk_source"


class ServerProcess(msgspec.Struct, frozen=True):
    """A running server."""

    host: str
    port: int
    process_id: int

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def memory_kb(self) -> int | None:
        """Return the memory of the process now; None if the system does not report it."""
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.process_id).memory_info().rss // 1024
        return None

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of the process; None if the system does not report it."""
        with contextlib.suppress(psutil.Error):
            used = psutil.Process(self.process_id).cpu_times()
            return used.user + used.system
        return None


def start_baseline_server() -> contextlib.AbstractContextManager[ServerProcess]:
    """Start Starlette and uvicorn with one route."""
    return _serve([_BARE])


def start_server(data: Path, *options: str) -> contextlib.AbstractContextManager[ServerProcess]:
    """Start `nemolocal serve` on a data folder."""
    return _serve([_OWN, "serve", "--port", "0", "--data", str(data), *options])


def start_chunk_source() -> contextlib.AbstractContextManager[ServerProcess]:
    """Start the server whose chunks say when they were sent."""
    return _serve([_CHUNKS])


def start_recorder(upstream: str, output: Path) -> contextlib.AbstractContextManager[ServerProcess]:
    """Start `nemolocal record --listen`, which forwards to a base URL."""
    options = ["--listen", "0", "--upstream", upstream, "--output", str(output)]
    return _serve([_OWN, "record", *options])


@contextlib.contextmanager
def _serve(module: list[str]) -> Iterator[ServerProcess]:
    # The child process must find the packages where this one does.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[str]") -> ServerProcess:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://([\d.]+):(\d+)", line)
    if found is None:
        raise RuntimeError(f"a server did not start: it said {line!r}")
    return ServerProcess(found[1], int(found[2]), process.pid)
