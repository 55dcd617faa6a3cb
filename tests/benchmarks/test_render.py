"""The render benchmark measures what it says. No test checks how fast anything is."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from benchmarks import resource_usage, synthetic_clip, vmaf
from benchmarks.render import main, print_comparison
from benchmarks.resource_usage import ResourceUsage, measure_resources, median_usage
from benchmarks.vmaf import NotComparable, VideoPair
from nemolocal_bench.metrics import summarize_scores
from tests.support.media import MediaCache

pytestmark = pytest.mark.ffmpeg

SIZE = (192, 108)


@pytest.fixture(scope="module")
def film(media_cache: MediaCache) -> Path:
    recipe = Path(synthetic_clip.__file__).read_text(encoding="utf-8")
    created = media_cache.folder(
        "film", lambda folder: synthetic_clip.make_clip(folder, SIZE, 500_000, 2.5), recipe
    )
    (path,) = created.glob("land-*.mp4")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("large", "scored"),
    [((256, 144), False), pytest.param((640, 360), True, marks=pytest.mark.slow)],
)
def test_the_bench_prints_its_three_comparisons(
    large: tuple[int, int],
    scored: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not scored:
        score = summarize_scores("vmaf", [90.0, 96.0], large[1])
        monkeypatch.setattr(VideoPair, "score", lambda _: (score, 99.0))
    monkeypatch.setattr(synthetic_clip, "LARGE", large)
    monkeypatch.setattr(synthetic_clip, "FULL_HD", (large[0] // 2, large[1] // 2))
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._LEAST_SECONDS", 1.0)
    lengths = ["--seconds", "2", "--cut-seconds", "3", "--parted-seconds", "2", "--rounds", "1"]
    cores = ["--cores", str(os.cpu_count())]
    assert main([*lengths, *cores, "--clips", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    text = {line[:13].strip(): line[14:] for line in lines}
    assert text["three tracks"].startswith("3 s of cuts, music and titles, libx264 veryfast")
    assert "target: at most 150 ms" in text["time"]
    assert text["large"].startswith(f"2 s of {large[1]} lines at")
    assert float(text["published"].split()[0]) == 1.5
    assert "of 90 s for two minutes" in text["published"]
    assert "target: within 0.5%" in text["size"]


@pytest.mark.slow
def test_the_bench_keeps_its_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_clip, "LARGE", (320, 180))
    monkeypatch.setattr(synthetic_clip, "FULL_HD", (160, 90))
    lengths = ["--seconds", "2", "--cut-seconds", "3", "--parted-seconds", "2", "--rounds", "1"]
    asked = [*lengths, "--cores", str(os.cpu_count()), "--clips", str(tmp_path)]
    assert main(asked) == 0
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert main(asked) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


@pytest.mark.slow
def test_clip_repeats_its_scene_and_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic_clip, "SCENE_SECONDS", 1)
    path = synthetic_clip.make_clip(tmp_path, SIZE, 500_000, 3)
    created = path.stat().st_mtime_ns
    assert synthetic_clip.make_clip(tmp_path, SIZE, 500_000, 3) == path
    assert path.stat().st_mtime_ns == created
    pair = VideoPair(path, path, SIZE, tmp_path)
    assert pair.score()[0].mean > 97
    counted = subprocess.run(
        [sys.executable, "-m", "nemolocal_render.probing.probe_worker", "check", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"frames":90,"duration":3.0' in counted.stdout


@pytest.mark.slow
def test_score_is_of_paired_frames(film: Path, tmp_path: Path) -> None:
    worse, late = tmp_path / "worse.mp4", tmp_path / "late.mp4"
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-an", "-f", "mp4"]
    synthetic_clip.run_ffmpeg(["-i", str(film), *encode, "-crf", "40", str(worse)], tmp_path)
    shift = ["-vf", "trim=start_frame=1,setpts=PTS-STARTPTS"]
    synthetic_clip.run_ffmpeg(["-i", str(film), *shift, *encode, "-crf", "5", str(late)], tmp_path)
    score, own = VideoPair(worse, film, SIZE, tmp_path).score()
    assert score.min < score.mean < own
    with pytest.raises(NotComparable, match="a frame early or late"):
        VideoPair(late, film, SIZE, tmp_path).score()


@pytest.mark.slow
def test_unreliable_pairing_gives_no_score(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmaf, "MIN_SELF_SCORE", 101.0)
    with pytest.raises(NotComparable, match="the source itself gets"):
        VideoPair(film, film, SIZE, tmp_path).score()


_BUSY = "held = bytearray({}_000_000); [n for n in range(2_000_000)]; input()"


@pytest.mark.slow
def test_usage_adds_all_child_processes() -> None:
    def busy(megabytes: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", _BUSY.format(megabytes)]
        return subprocess.Popen(command, stdin=subprocess.PIPE)

    with measure_resources() as used, busy(60) as one, busy(40) as other:
        while used.memory_kb < 100_000:
            assert one.poll() is None is other.poll()
            time.sleep(0.01)
        one.communicate(b"\n")
        other.communicate(b"\n")
    assert used.cpu_seconds > 0
    assert used.seconds > 0


def test_usage_has_no_memory_if_it_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threading.Event()

    class Ended(psutil.Process):
        """A child process of which nothing can be read, as if it had just ended."""

        def memory_info(self) -> NoReturn:
            asked.set()
            raise psutil.NoSuchProcess(self.pid)

    def children(this: psutil.Process, recursive: bool = False) -> list[psutil.Process]:
        del recursive
        return [Ended(this.pid)]

    monkeypatch.setattr(resource_usage, "_SAMPLE_INTERVAL", 0.001)
    monkeypatch.setattr(psutil.Process, "children", children)
    with measure_resources() as used:
        assert asked.wait(30)
    assert used.memory_kb == 0
    assert used.summary().endswith("s of processor time")
    assert median_usage(
        [ResourceUsage(3, 1, 10), ResourceUsage(1, 2, 30), ResourceUsage(2, 9, 20)]
    ) == ResourceUsage(2, 2, 20)


def test_comparison_prints_more_than_the_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    baseline = [
        ResourceUsage(10, 18, 100_000),
        ResourceUsage(20, 19, 100_000),
        ResourceUsage(40, 20, 100_000),
    ]
    print_comparison(
        baseline,
        [
            ResourceUsage(10.5, 36, 110_000),
            ResourceUsage(20.7, 38, 90_000),
            ResourceUsage(80, 40, 110_000),
        ],
    )
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[1:3]) for line in lines[2:]] == [
        "+200 ms",
        "2.00 times",
        "1.10 times",
    ]
    print_comparison([ResourceUsage(1, 1)], [ResourceUsage(1, 1)])
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.slow
def test_all_cores_are_used_without_affinity(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.delattr(os, "getloadavg", raising=False)
    for part in ("_compare_with_baseline", "_try_large", "_compare_parts"):
        monkeypatch.setattr(f"benchmarks.render.{part}", lambda *_: None)
    assert main(["--cores", "1", "--clips", str(tmp_path)]) == 0
    assert "load 0.0" in capsys.readouterr().out
