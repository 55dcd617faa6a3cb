"""Scores of pairs equal libvmaf's on frames paired by hand; invalid pairs are rejected."""

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_bench import metrics
from nemolocal_bench.metrics import (
    Instruments,
    NotMeasured,
    PairMetrics,
    check_pair,
    check_reference,
    detect_instruments,
    measure_pair,
    summarize_scores,
)
from nemolocal_bench.video_files import CannotCompare, VideoFile, open_source
from tests.support.media import run_ffmpeg

pytestmark = [pytest.mark.ffmpeg, pytest.mark.usefixtures("probed_here")]

Make = Callable[[str, list[str]], Path]
ALL = Instruments(neg=True, xpsnr=True, complaint="")
# One pair with rounded times is in the fast run, all of them in the deep run.
PAIRS = [
    ("plain.mp4", "worse-plain.mp4"),
    ("times.mkv", "worse-times.mkv"),
    ("plain.mp4", "worse-plain.mkv"),
    ("web.webm", "worse-web.mkv"),
    ("uneven.mp4", "worse-uneven.mp4"),
    ("rotated.mp4", "worse-rotated.mp4"),
    ("fast.mp4", "worse-fast.mkv"),
    ("plain.mp4", "worse-late.mkv"),
]


def opened(path: Path, folder: Path) -> VideoFile:
    return asyncio.run(open_source(path, folder))


def measured(
    reference: Path, distorted: Path, folder: Path, instruments: Instruments = ALL
) -> PairMetrics:
    pair = opened(reference, folder), opened(distorted, folder)
    check_pair(*pair)
    return asyncio.run(measure_pair(*pair, folder, instruments))


def direct(reference: Path, distorted: Path, folder: Path) -> dict[str, float]:
    """Run libvmaf on raw frames, which have no times that could be wrong."""
    raw = ("-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo")
    run_ffmpeg("-i", reference, *raw, folder / "reference.yuv")
    run_ffmpeg("-i", distorted, *raw, folder / "distorted.yuv")
    size = "108x192" if "rotated" in reference.name else "192x108"
    sides = [
        word
        for name in ("distorted.yuv", "reference.yuv")
        for word in ("-f", "rawvideo", "-s", size, "-r", "25", "-i", name)
    ]
    return pooled(sides, folder)


def pooled(sides: list[str], folder: Path) -> dict[str, float]:
    graph = "libvmaf=log_fmt=json:log_path=direct.json:feature='name=psnr|name=float_ssim'"
    run_ffmpeg(*sides, "-filter_complex", graph, "-f", "null", "-", folder=folder)
    means = json.loads((folder / "direct.json").read_text())["pooled_metrics"]
    names = {"vmaf": "vmaf", "ssim": "float_ssim", "psnr": "psnr_y"}
    return {ours: means[theirs]["mean"] for ours, theirs in names.items()}


@pytest.mark.parametrize(
    ("reference", "distorted"),
    [pytest.param(*p, marks=[] if "rotated.mp4" in p else [pytest.mark.slow]) for p in PAIRS],
)
def test_scores_are_those_of_frames_paired_by_hand(
    reference: str, distorted: str, media: Path, tmp_path: Path
) -> None:
    ours = measured(media / reference, media / distorted, tmp_path)
    theirs = direct(media / reference, media / distorted, tmp_path)
    for name, mean in theirs.items():
        score = ours.score(name)
        assert score is not None
        assert score.mean == pytest.approx(mean, abs=0.01)
    assert theirs["vmaf"] < 95


@pytest.mark.slow
def test_plain_command_is_wrong_by_twenty_points(media: Path, tmp_path: Path) -> None:
    pair = media / "fast.mp4", media / "worse-fast.mkv"
    right = direct(*pair, tmp_path)["vmaf"]
    assert right - naive(*pair, tmp_path) >= 20
    assert measured(*pair, tmp_path).vmaf == pytest.approx(right, abs=0.01)


@pytest.mark.slow
def test_without_frame_pairing_scores_are_wrong(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = media / "fast.mp4", media / "worse-fast.mkv"
    monkeypatch.setattr(metrics, "PAIRED", "ts_sync_mode=default")
    unpaired = measured(*pair, tmp_path).vmaf
    assert unpaired == pytest.approx(naive(*pair, tmp_path), abs=0.01)


def naive(reference: Path, distorted: Path, folder: Path) -> float:
    """Run the plain command, which pairs frames by times that containers have rounded."""
    return pooled(["-i", str(distorted), "-i", str(reference)], folder)["vmaf"]


@pytest.mark.slow
def test_every_score_tells_its_model_and_height(media: Path, tmp_path: Path) -> None:
    scores = measured(media / "plain.mp4", media / "worse-plain.mp4", tmp_path).scores
    assert [(score.name, score.model, score.height) for score in scores] == [
        ("vmaf", "vmaf_v0.6.1", 108),
        ("vmaf_neg", "vmaf_v0.6.1neg", 108),
        ("ssim", "luma", 108),
        ("psnr", "luma, dB", 108),
        ("xpsnr", "luma, dB", 108),
    ]
    for score in scores:
        assert score.every == 1
        assert score.min <= score.p1 <= score.p5 <= score.mean
        assert score.min <= score.harmonic_mean <= score.mean


@pytest.mark.slow
def test_score_of_every_fifth_frame_says_so_and_is_close(media: Path, tmp_path: Path) -> None:
    pair = media / "plain.mp4", media / "worse-plain.mp4"
    fifth = measured(*pair, tmp_path, msgspec.structs.replace(ALL, neg_every=5)).score("vmaf_neg")
    each = measured(*pair, tmp_path).score("vmaf_neg")
    assert fifth is not None
    assert each is not None
    assert (fifth.every, each.every) == (5, 1)
    assert fifth.mean == pytest.approx(each.mean, abs=1)


@pytest.mark.slow
def test_every_frame_of_a_longer_clip_is_paired(media: Path, tmp_path: Path) -> None:
    looped = ("-stream_loop", "49", "-i", media / "plain.mp4", "-c", "copy", "-fps_mode", "vfr")
    run_ffmpeg(*looped, tmp_path / "long.mp4")
    clip = opened(tmp_path / "long.mp4", tmp_path)
    assert clip.frames >= 1400
    pair = (clip, clip, tmp_path, ALL)
    long = asyncio.run(measure_pair(*pair, every=61))
    assert len(long.vmaf_frames) == len(long.motion_frames) == -(-clip.frames // 61)
    assert [score.name for score in long.scores] == ["vmaf", "ssim", "psnr"]
    assert {score.every for score in long.scores} == {61}


@pytest.mark.slow
def test_bundled_ffmpeg_has_all_metrics(tmp_path: Path) -> None:
    assert asyncio.run(detect_instruments(tmp_path)) == ALL


def test_a_binary_without_vmaf_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "ffmpeg"
    binary.write_text("#!/bin/sh\necho \"No such filter: 'libvmaf'\" >&2; exit 8\n")
    binary.chmod(0o755)
    monkeypatch.setenv("NEMOLOCAL_FFMPEG", str(binary))
    found = asyncio.run(detect_instruments(tmp_path))
    assert found.complaint.endswith("No such filter: 'libvmaf'")
    assert not found.neg
    assert not found.xpsnr


@pytest.mark.slow
@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_means_lie_between_minimum_and_maximum(values: list[float]) -> None:
    score = summarize_scores("vmaf", values, 108)
    bounds = (min(values) - 1e-6, max(values) + 1e-6)
    assert all(
        bounds[0] <= part <= bounds[1]
        for part in (score.mean, score.harmonic_mean, score.p1, score.p5)
    )
    assert score.harmonic_mean <= score.mean + 1e-6
    assert math.isclose(score.min, min(values))


def check(reference: Path, distorted: Path, folder: Path, *, resized: bool = False) -> None:
    """Run all validity checks, as for a result: the last one uses the measured frames."""
    pair = opened(reference, folder), opened(distorted, folder)
    check_pair(*pair, resized=resized)
    asyncio.run(measure_pair(*pair, folder, Instruments(neg=False, xpsnr=False, complaint="")))


@pytest.mark.slow
def test_still_picture_is_not_a_shift(tmp_path: Path) -> None:
    drawn = ("-f", "lavfi", "-i", "mandelbrot=s=192x108:r=25,loop=40:1", "-frames:v", "40")
    run_ffmpeg(*drawn, "-pix_fmt", "yuv420p", "-crf", "6", tmp_path / "still.mp4")
    run_ffmpeg("-i", tmp_path / "still.mp4", "-crf", "21", tmp_path / "worse.mp4")
    check(tmp_path / "still.mp4", tmp_path / "worse.mp4", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (["-vf", "select=gte(n\\,1),tpad=stop=1:stop_mode=clone"], "it is one frame early"),
        pytest.param(
            ["-vf", "tpad=start=1:start_mode=clone,trim=end_frame=30"],
            "it is one frame late",
            marks=pytest.mark.slow,
        ),
        (["-frames:v", "25"], "it has 25 frames, the reference 30"),
        (["-vf", "scale=96:54"], "its picture is 96x54, the reference's 192x108"),
    ],
)
def test_invalid_pair_is_rejected_with_the_reason(
    how: list[str], reason: str, media: Path, make: Make, tmp_path: Path
) -> None:
    with pytest.raises(NotMeasured, match=reason):
        check(media / "plain.mp4", make("other.mp4", how), tmp_path)


@pytest.mark.slow
def test_smaller_frame_of_equal_aspect_ratio_passes_if_resized(
    media: Path, make: Make, tmp_path: Path
) -> None:
    small = make("small.mp4", ["-vf", "scale=96:54"])
    check(media / "plain.mp4", small, tmp_path, resized=True)
    tall = make("tall.mp4", ["-vf", "scale=96:108"])
    with pytest.raises(NotMeasured, match="the aspect ratio differs"):
        check(media / "plain.mp4", tall, tmp_path, resized=True)


@pytest.mark.slow
def test_reference_must_match_itself(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = opened(media / "plain.mp4", tmp_path)
    assert asyncio.run(check_reference(clip, tmp_path, ALL)) >= 97
    monkeypatch.setattr("nemolocal_bench.metrics.MIN_SELF_SCORE", 101.0)
    with pytest.raises(NotMeasured, match="the reference against itself"):
        asyncio.run(check_reference(clip, tmp_path, ALL))


def test_incomparable_file_is_rejected_with_the_reason(media: Path, tmp_path: Path) -> None:
    run_ffmpeg("-i", media / "plain.mp4", "-frames:v", "1", tmp_path / "one.mp4")
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile plain.mp4\n")
    (tmp_path / "notes.txt").write_text("notes")
    run_ffmpeg(
        "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", tmp_path / "sound.mp4", folder=tmp_path
    )
    reasons = {
        "one.mp4": "it has 1 frame",
        "text.mp4": "text.mp4: ",
        "notes.txt": "is not a video: accepted types are mp4",
        "missing.mp4": "file not found",
        "sound.mp4": "it contains no video",
    }
    for name, reason in reasons.items():
        with pytest.raises(CannotCompare, match=reason):
            opened(tmp_path / name, tmp_path)


@pytest.mark.slow
def test_a_pair_that_loses_frames_on_the_way_gets_no_score(media: Path, tmp_path: Path) -> None:
    reference = opened(media / "plain.mp4", tmp_path)
    shorter = opened(media / "worse-uneven.mp4", tmp_path)
    with pytest.raises(NotMeasured, match="frames were paired"):
        asyncio.run(measure_pair(reference, shorter, tmp_path, ALL))


def test_deleted_file_is_a_reason(media: Path, tmp_path: Path) -> None:
    reference = opened(media / "plain.mp4", tmp_path)
    reference.path.unlink()
    with pytest.raises(NotMeasured, match="could not be measured"):
        asyncio.run(measure_pair(reference, reference, tmp_path, ALL))
