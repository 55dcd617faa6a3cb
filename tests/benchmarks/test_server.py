"""The load benchmark measures what it says. No test checks how fast anything is."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.http_load import measure_rate
from benchmarks.server import main
from benchmarks.server_process import ServerProcess, start_baseline_server, start_server
from benchmarks.sse_load import due_times, measure_streams, open_account, percentile


@pytest.mark.slow
def test_the_bench_prints_rates_and_streams(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--seconds", "0.1", "--rounds", "1", "--streams", "5", "--ramp", "0.1"]
    assert main([*small, "--speed", "100"]) == 0
    lines = capsys.readouterr().out.splitlines()
    text = [line.split()[0] for line in lines[1:]]
    assert text[:5] == ["bare", "credits", "journal", "ratio", "streams"]
    assert text[5:7] == ["begun", "events"]
    assert "5, of which 5 ended as they should" in lines[5]


@pytest.mark.slow
def test_a_rate_counts_answers_and_shows_their_status(tmp_path: Path) -> None:
    with start_server(tmp_path / "data") as own:
        refused = asyncio.run(measure_rate(own, "/nowhere", "no token", 0.1))
    assert refused.statuses == {"404"}
    assert refused.per_second > 0
    with start_baseline_server() as bare:
        assert asyncio.run(measure_rate(bare, "/nowhere", "", 0.1)).statuses == {"404"}


@pytest.mark.slow
def test_unplanned_stream_is_not_complete(tmp_path: Path) -> None:
    with start_server(tmp_path / "data", "--speed", "1000", "--heartbeat-seconds", "2") as own:
        account = open_account(own, 2)
        heard = asyncio.run(measure_streams(own, account, 1000, 2.0, 0.0))
        again = asyncio.run(measure_streams(own, account, 1000, 0.1, 0.0))
    assert heard.complete_count == 2
    assert len(heard.lateness) == sum(len(due_times(n, 1000, 2.0)) for n in (1, 2))
    assert again.complete_count == 0
    times = heard.lateness
    assert percentile(times, 0) <= percentile(times, 0.5) <= percentile(times, 1) == times[-1]


@pytest.mark.slow
def test_process_reports_memory_and_cpu_time_until_it_ends() -> None:
    alive = ServerProcess("127.0.0.1", 1, os.getpid())
    assert (alive.memory_kb() or 0) > 1000
    assert (alive.cpu_seconds() or 0) > 0
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    ended = ServerProcess("127.0.0.1", 1, process.pid)
    assert (ended.memory_kb(), ended.cpu_seconds()) == (None, None)
