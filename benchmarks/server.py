"""Measures the server under load against a bare route: `python -m benchmarks.server`.

Ratios, since machines differ: the rate of one of our routes (token, ledger, journal, store on disk)
against that of a bare route, what the journal still has to write after that, and the delay and
memory of many streams.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import httpx

from nemolocal_contract.endpoints import JOURNAL_SUMMARY, control_headers
from nemolocal_render.temporary_folder import TemporaryFolder

from .baseline_server import PATH
from .http_load import RequestRate, measure_rate
from .server_process import ServerProcess, start_baseline_server, start_server
from .sse_load import LoadAccount, StreamStats, measure_streams, open_account, percentile

_RATIO = 0.40
_LATENESS_MS = 50
_STREAM_KB = 64
# A turn without an edit takes 5 to 15 s: at this speed 12.5 to 37.5, so that all overlap.
_SPEED, _HEARTBEAT = 0.4, 2.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    arguments = _arguments(argv)
    print(f"{os.cpu_count()} cores, shared by server and load", flush=True)
    with TemporaryFolder("bench") as folder:
        _compare_rates(folder / "rate", arguments.seconds, arguments.rounds)
        _try_streams(folder / "streams", arguments.streams, arguments.ramp, arguments.speed)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of a rate")
    parser.add_argument("--rounds", type=int, default=3, help="of rates; the median is printed")
    parser.add_argument("--streams", type=int, default=2000, help="at once")
    parser.add_argument("--ramp", type=float, default=10.0, help="seconds in which they begin")
    parser.add_argument("--speed", type=float, default=_SPEED, help="of the streaming server")
    return parser.parse_args(argv)


def _compare_rates(data: Path, seconds: float, rounds: int) -> None:
    """Load both running servers in turn, so that disturbances affect both."""
    bare: list[RequestRate] = []
    ours: list[RequestRate] = []
    later: list[float | None] = []
    with start_baseline_server() as yardstick, start_server(data) as own:
        token = open_account(own, sessions=1).token
        for _ in range(rounds):
            bare.append(asyncio.run(measure_rate(yardstick, PATH, token, seconds)))
            ours.append(asyncio.run(measure_rate(own, PATH, token, seconds)))
            later.append(_flush_journal(own))
    assert all(rate.statuses == {"200"} for rate in (*bare, *ours)), (bare, ours)
    base, made = (median(rate.per_second for rate in rates) for rates in (bare, ours))
    print(f"bare route    {base:9,.0f} requests/s{_cost(bare)}")
    print(f"credits       {made:9,.0f} requests/s{_cost(ours)}: token, ledger, journal, on disk")
    if seconds_later := [cost for cost in later if cost is not None]:
        print(f"journal       {median(seconds_later):9.2f} s of processor time after each load")
    print(f"ratio         {made / base:9.0%} (target: {_RATIO:.0%})", flush=True)


def _flush_journal(own: ServerProcess) -> float | None:
    """Let the journal write what it deferred under load, outside other measurements.

    Returns the CPU time in seconds; None if the system does not report it.
    """
    before = own.cpu_seconds()
    # The started server has the same environment.
    headers = control_headers(os.environ.get("NEMO_CONTROL_TOKEN", ""))
    url = own.base_url + JOURNAL_SUMMARY.template
    httpx.get(url, timeout=60, headers=headers).raise_for_status()
    after = own.cpu_seconds()
    return None if before is None or after is None else after - before


def _cost(rates: list[RequestRate]) -> str:
    costs = [rate.cpu_microseconds for rate in rates if rate.cpu_microseconds is not None]
    return f", {median(costs):.0f} µs of processor time each" if costs else ""


def _try_streams(data: Path, count: int, ramp: float, speed: float) -> None:
    options = ("--speed", str(speed), "--heartbeat-seconds", str(_HEARTBEAT))
    with start_server(data, *options) as own:
        account = open_account(own, count)
        before = own.memory_kb()
        heard, peak = asyncio.run(_with_peak(own, account, ramp, speed))
    print(f"streams       {count:9,}, of which {heard.complete_count:,} ended as they should")
    print(f"begun within  {_milliseconds(heard.waits)}")
    print(f"events late   {_milliseconds(heard.lateness)} (target: {_LATENESS_MS} ms at p99)")
    if before is not None and peak is not None:
        each = (peak - before) / count
        print(f"memory        {each:9.1f} KB a stream (target: {_STREAM_KB} KB), {peak:,} in all")


def _milliseconds(times: Sequence[float]) -> str:
    parts = (("median", 0.5), ("p99", 0.99), ("worst", 1.0))
    return ", ".join(f"{percentile(times, part) * 1000:.1f} ms {name}" for name, part in parts)


async def _with_peak(
    own: ServerProcess, account: LoadAccount, ramp: float, speed: float
) -> tuple[StreamStats, int | None]:
    """Return the streams, and the peak memory of the server meanwhile."""
    seen: list[int] = []

    async def watch() -> None:
        while (memory := own.memory_kb()) is not None:
            seen.append(memory)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    heard = await measure_streams(own, account, speed, _HEARTBEAT, ramp)
    watching.cancel()
    return heard, max(seen, default=None)


if __name__ == "__main__":
    raise SystemExit(main())
