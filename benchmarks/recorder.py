"""Measures what the recorder adds to a chunk of a stream: `python -m benchmarks.recorder`.

A scripted server sends chunks with the time at which each was sent. A client reads them directly
and through `nemolocal record --listen`, in turn and in one run; the difference is what the recorder
adds. Clocks of different processes are compared, which works on Linux.
"""

import argparse
import re
import socket
import time
from collections.abc import Sequence

from nemolocal_render.temporary_folder import TemporaryFolder

from .server_process import ServerProcess, start_chunk_source, start_recorder
from .sse_load import percentile

_TARGET_MS = 2.0
_SENT = re.compile(rb'"timestamp": (\d+)\}\n\n')
_LAST_CHUNK = b"0\r\n\r\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    arguments = _arguments(argv)
    path = f"/{arguments.chunks}/{arguments.pause}"
    direct: list[float] = []
    recorded: list[float] = []
    with TemporaryFolder("bench") as folder, start_chunk_source() as source:
        output = folder / "recording.jsonl"
        with start_recorder(source.base_url, output) as recorder:
            for _ in range(arguments.rounds):
                direct += _read_stream(source, path)
                recorded += _read_stream(recorder, path)
        written = output.stat().st_size
    _print_delays("directly", direct)
    _print_delays("recorded", recorded)
    both = [sorted(direct), sorted(recorded)]
    for name, part in (("median", 0.5), ("95 %", 0.95)):
        least, most = (percentile(delays, part) for delays in both)
        print(f"added     {(most - least) * 1000:8.3f} ms, {name} (target: {_TARGET_MS:g} ms)")
    print(f"recording {written / 1024:8.0f} KB of {len(recorded)} chunks")
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorder", description=__doc__)
    parser.add_argument("--chunks", type=int, default=300, help="of each stream")
    parser.add_argument("--pause", type=int, default=5, help="milliseconds before each chunk")
    parser.add_argument("--rounds", type=int, default=5, help="streams of each kind")
    return parser.parse_args(argv)


def _print_delays(name: str, delays: list[float]) -> None:
    ordered = sorted(delays)
    middle, most = percentile(ordered, 0.5) * 1000, percentile(ordered, 0.95) * 1000
    print(f"{name}  {middle:8.3f} ms from server to client, median; {most:.3f} ms, 95 %")


def _read_stream(server: ServerProcess, path: str) -> list[float]:
    """Return how long after it was sent each chunk arrived, in seconds."""
    place = (server.host, server.port)
    delays: list[float] = []
    rest = b""
    with socket.create_connection(place, 60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n\r\n".encode()
        )
        while not rest.endswith(_LAST_CHUNK):
            block = connection.recv(65_536)
            now = time.monotonic_ns()
            if not block:
                raise RuntimeError("the stream ended early")
            rest += block
            last = 0
            for frame in _SENT.finditer(rest):
                delays.append((now - int(frame[1])) / 1e9)
                last = frame.end()
            rest = rest[last:]
    return delays


if __name__ == "__main__":
    raise SystemExit(main())
