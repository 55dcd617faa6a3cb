"""Samples of a clip: which frames, what they cost, and how well they predict the whole."""

import asyncio
import cmath
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_bench.clip_comparison import CompareOptions
from nemolocal_bench.comparison import compare
from nemolocal_bench.metrics import Instruments, pace_of
from nemolocal_bench.result_cache import ResultCache
from nemolocal_bench.sampling import (
    BenchInput,
    SampleSpan,
    choose_spans,
    count_and_cut,
    estimate_size,
    read_sample_count,
    sampled_input,
    source_frame,
    spread_spans,
    whole_input,
)
from nemolocal_bench.variant_runs import VariantRunner
from nemolocal_bench.variants import EncodeVariant
from nemolocal_bench.video_files import CannotCompare, VideoFile, open_source
from tests.support.media import run_ffmpeg

from .targets.natures import FPS, NATURES, prepare

VMAF_ONLY = Instruments(neg=False, xpsnr=False, complaint="")


def described(seconds: float, width: int, height: int, fps: float = 30.0) -> VideoFile:
    return VideoFile(
        Path("a.mp4"), "mp4", "abc", round(seconds * fps), seconds, width, height, 10**8
    )


def test_short_clips_are_measured_as_a_whole_and_long_ones_sampled() -> None:
    assert choose_spans(described(4, 3840, 2160), "auto") == ()
    assert choose_spans(described(20, 1920, 1080), "auto") == ()
    assert len(choose_spans(described(120, 3840, 2160), "auto")) == 8
    assert len(choose_spans(described(120, 1920, 1080), "auto")) == 20
    assert choose_spans(described(7200, 3840, 2160), "all") == ()
    # A sample of everything is the whole.
    assert choose_spans(described(4, 320, 240), 4) == ()
    assert len(choose_spans(described(4, 320, 240), 3)) == 3


@pytest.mark.parametrize(("total", "count", "frames"), [(3600, 8, 30), (100, 3, 33), (31, 1, 30)])
def test_spans_are_spread_and_never_overlap(total: int, count: int, frames: int) -> None:
    spans = spread_spans(total, count, frames)
    taken = [n for span in spans for n in range(span.first, span.first + span.frames)]
    assert taken == sorted(set(taken))
    assert len(taken) == count * frames
    assert taken[0] >= 0
    assert taken[-1] < total
    assert [source_frame(spans, n) for n in range(len(taken))] == taken


@pytest.mark.parametrize("count", [8, 20])
def test_spans_of_a_clip_that_repeats_itself_show_all_of_it(count: int) -> None:
    frames, total = 30, 3600
    spans = spread_spans(total, count, frames)
    assert spans == spread_spans(total, count, frames)
    for repeats in range(2, 3 * count):
        period = total / repeats
        turns = [cmath.exp(2j * math.pi * span.first / period) for span in spans]
        # 1 if all spans begin at the same point of the period, 0 if they are spread over it.
        assert abs(sum(turns)) / count < 0.8, repeats


def test_large_and_long_clips_are_measured_in_odd_steps() -> None:
    assert pace_of(described(8, 1280, 720)) == 1
    assert pace_of(described(8, 3840, 2160)) == 5
    assert pace_of(described(120, 3840, 2160)) % 2 == 1


def test_key_frames_of_samples_weigh_as_often_as_in_the_whole() -> None:
    clip = described(100, 320, 180, 25.0)
    spans = spread_spans(clip.frames, 10, 25)
    # A key frame of 10,000 bytes in each span, 100 bytes for any other frame.
    packets = [10_000 if n % 25 == 0 else 100 for n in range(250)]
    whole = 10 * 10_000 + 2_490 * 100
    assert estimate_size(packets, clip, spans) == pytest.approx(whole, rel=0.05)


def drawn(nature: str, seconds: float, folder: Path) -> VideoFile:
    """A clip of a kind, opened in the folder."""
    prepare(folder)
    frames = ("-frames:v", str(round(seconds * FPS)))
    good = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-pix_fmt", "yuv420p")
    graph = ("-filter_complex", NATURES[nature](seconds))
    run_ffmpeg(*graph, *frames, *good, f"{nature}.mp4", folder=folder)
    return asyncio.run(open_source(folder / f"{nature}.mp4", folder))


def frame_hashes(path: Path, picked: str) -> list[str]:
    """The checksums of frames, as decoded."""
    target = path.with_suffix(".md5")
    picks = ("-vf", f"{picked},setpts=N", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p")
    run_ffmpeg("-i", path, *picks, "-f", "framemd5", target)
    lines = target.read_text().splitlines()
    return [line.split(",")[-1] for line in lines if not line.startswith("#")]


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_sample_has_exactly_the_frames_of_its_spans(tmp_path: Path) -> None:
    clip = drawn("motion", 4.0, tmp_path)
    spans = (SampleSpan(3, 5), SampleSpan(50, 10), SampleSpan(90, 10))
    given = sampled_input(clip, spans, tmp_path)
    given.prepare()
    picked = "+".join(f"between(n,{s.first},{s.first + s.frames - 1})" for s in spans)
    wanted = frame_hashes(clip.path, f"select='{picked}'")
    assert len(wanted) == len(set(wanted)) == 25
    assert frame_hashes(given.video.path, "null") == wanted


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_frames_are_counted_and_samples_cut_in_one_pass(tmp_path: Path) -> None:
    clip = drawn("motion", 4.0, tmp_path)
    spans = (SampleSpan(3, 5), SampleSpan(50, 10))
    assert asyncio.run(count_and_cut(clip, spans, tmp_path)) == clip
    in_one_pass = frame_hashes(sampled_input(clip, spans, tmp_path).video.path, "null")
    other = tmp_path / "other"
    other.mkdir()
    alone = sampled_input(clip, spans, other)
    alone.prepare()
    assert in_one_pass == frame_hashes(alone.video.path, "null")
    assert len(in_one_pass) == 15


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_sample_is_not_kept_where_there_are_other_frames_than_packets(tmp_path: Path) -> None:
    clip = drawn("motion", 4.0, tmp_path)
    announced = msgspec.structs.replace(clip, frames=clip.frames + 3)
    spans = (SampleSpan(3, 5), SampleSpan(50, 10))
    assert asyncio.run(count_and_cut(announced, spans, tmp_path)) == clip
    assert list(tmp_path.glob("*sample-*")) == []


def run(given: BenchInput, crf: float, folder: Path) -> float:
    runner = VariantRunner(folder, VMAF_ONLY, ResultCache(folder / "cache", "1"))
    result = runner.run(EncodeVariant("libx264", "veryfast", crf), given)
    assert result.vmaf is not None, result.complaint
    assert result.sampled == bool(given.spans)
    if given.spans:
        assert len(result.sample_scores) == len(given.spans)
        assert min(result.sample_scores) <= result.vmaf <= max(result.sample_scores)
    return result.vmaf


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.nightly
@pytest.mark.parametrize("nature", ["cuts", "motion", "grain"])
@pytest.mark.parametrize("crf", [18.0, 23.0])
def test_sampled_score_is_that_of_the_whole(nature: str, crf: float, tmp_path: Path) -> None:
    clip = drawn(nature, 60.0, tmp_path)
    spans = choose_spans(clip, 8)
    sampled = run(sampled_input(clip, spans, tmp_path), crf, tmp_path)
    assert sampled == pytest.approx(run(whole_input(clip), crf, tmp_path), abs=0.5)


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_recommended_encode_of_a_sampled_clip_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clip = drawn("grain", 6.0, tmp_path)
    said: list[str] = []
    wanted = CompareOptions(
        (tmp_path / "grain.mp4",), encoders=("libx264",), target=85.0, samples=2
    )
    (made,) = compare(wanted, _no_client, said.append).comparisons
    assert [span.frames for span in made.spans] == [FPS, FPS]
    whole = [result for result in made.results if not result.sampled]
    assert [result.name for result in whole] == [made.shown]
    (chosen,) = whole
    assert len(chosen.vmaf_frames) == clip.frames
    assert chosen.vmaf is not None
    assert chosen.vmaf >= 85.0
    assert all(len(r.vmaf_frames) == 2 * FPS for r in made.results if r.sampled)
    assert chosen.name in made.verdict
    inside = {n for span in made.spans for n in range(span.first, span.first + span.frames)}
    assert len(made.moments) == 5
    assert {moment.frame for moment in made.moments} <= inside
    names = {result.name for result in made.results}
    for moment in made.moments:
        assert {picture.name for picture in moment.pictures} == {"source"} | names
    assert any("about" in line and "whole clip" in line for line in said)
    assert any("measuring 2 samples of 1 s" in line for line in said)


def _no_client(base_url: str, notify: Any) -> Any:
    raise AssertionError((base_url, notify))


def test_number_of_samples_is_a_word_or_within_its_range() -> None:
    assert [read_sample_count(text) for text in ("auto", "all", "5")] == ["auto", "all", 5]
    for text in ("0", "-1", "9999", "many", ""):
        with pytest.raises(CannotCompare, match="--samples must be auto, all or a number from 1"):
            read_sample_count(text)
