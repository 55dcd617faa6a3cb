"""Encode variants, samples and headlines of a comparison, and their errors."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nemolocal_bench import comparison, metrics, target_quality, variants, video_files
from nemolocal_bench.clip_comparison import CompareOptions
from nemolocal_bench.comparison import compare
from nemolocal_bench.metrics import Instruments, NotMeasured
from nemolocal_bench.result_cache import ResultCache
from nemolocal_bench.sampling import whole_input
from nemolocal_bench.target_quality import TargetSearch, probe_input
from nemolocal_bench.variant_runs import VariantRunner
from nemolocal_bench.variants import (
    EncodeVariant,
    VariantResult,
    ladder_variants,
    run_variant,
    try_encoders,
)
from nemolocal_bench.video_files import CannotCompare, VideoFile, open_source, open_video

pytestmark = [pytest.mark.ffmpeg, pytest.mark.usefixtures("probed_here")]

ALL = Instruments(neg=True, xpsnr=True, complaint="")
FAST = EncodeVariant("libx264", "ultrafast", 30.0)


@pytest.fixture
def clip(media: Path, tmp_path: Path) -> VideoFile:
    return asyncio.run(open_source(media / "plain.mp4", tmp_path))


def leg(variant: EncodeVariant, clip: VideoFile, folder: Path) -> VariantResult:
    return asyncio.run(run_variant(variant, whole_input(clip), folder, ALL))


def searching(clip: VideoFile, folder: Path) -> TargetSearch:
    runner = VariantRunner(folder, ALL, ResultCache(folder / "cache", "1"))
    return TargetSearch(whole_input(clip), runner, "ultrafast")


def test_full_ladder_has_every_encoder_and_step_once() -> None:
    encoder_names = ("libx264", "h264_nvenc", "libx265", "libsvtav1")
    created = ladder_variants("full", encoder_names)
    assert {settings.encoder for settings in created} == set(encoder_names)
    assert len({settings.name for settings in created}) == len(created)
    assert EncodeVariant("h264_nvenc", "", 23.0).name == "h264_nvenc CRF 23"
    assert {settings.note for settings in ladder_variants("full", ("libx264", "h264_nvenc"))} == {
        ""
    }


@pytest.mark.slow
def test_missing_encoder_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(try_encoders(("libx264", "libsvtav1"), tmp_path)) == {
        "libx264": "",
        "libsvtav1": "",
    }
    binary = tmp_path / "ffmpeg"
    binary.write_text("#!/bin/sh\necho \"Unknown encoder 'libx265'\" >&2; exit 8\n")
    binary.chmod(0o755)
    monkeypatch.setenv("NEMOLOCAL_FFMPEG", str(binary))
    found = asyncio.run(try_encoders(("libx265",), tmp_path))
    assert found["libx265"].endswith("Unknown encoder 'libx265'")


def test_an_encoder_that_fails_is_a_result_with_the_reason(clip: VideoFile, tmp_path: Path) -> None:
    result = leg(EncodeVariant("h264_amf", "", 23.0), clip, tmp_path)
    assert result.complaint.startswith("FFmpeg ended with status")
    assert result.scores == ()
    assert not (tmp_path / "encode.mp4").exists()


@pytest.mark.slow
def test_encode_stays_within_the_announced_size(
    clip: VideoFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "_MIN_ROOM", 4096)
    monkeypatch.setattr(variants, "_GROWTH", 0)
    assert leg(FAST, clip, tmp_path).complaint == "its file exceeded 0 MB"


def test_an_encode_that_hangs_is_stopped(
    clip: VideoFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_files, "_TIMEOUT", (0.001, 0.0))
    assert leg(FAST, clip, tmp_path).complaint == "it was stopped after 0 s"


@pytest.mark.slow
def test_encode_with_lost_frames_has_no_score(
    clip: VideoFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "_STREAM_OPTIONS", ("-map", "0:V:0", "-frames:v", "20"))
    result = leg(FAST, clip, tmp_path)
    assert result.complaint == "it has 20 frames, the reference 30"
    assert result.size > 0
    search = searching(clip, tmp_path)
    with pytest.raises(NotMeasured, match="a probe has 20 frames of 30"):
        search.run(90)


@pytest.mark.slow
def test_long_clip_is_searched_on_three_parts(
    clip: VideoFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_quality, "_MAX_WHOLE_SECONDS", 0.5)
    monkeypatch.setattr(target_quality, "_PROBE_SECONDS", 0.1)
    search = searching(clip, tmp_path)
    given = probe_input(clip, search.runner)
    given.prepare()
    assert given.video.frames == 9
    assert target_quality.max_probe_size(clip) > given.video.path.stat().st_size
    found, chosen = search.run(80)
    assert chosen is not None
    assert chosen.vmaf is not None
    assert chosen.vmaf >= 80
    assert chosen.vmaf in [whole.vmaf for whole in found.wholes]


@pytest.mark.slow
def test_a_search_whose_whole_gets_no_score_says_why(
    clip: VideoFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = VariantResult(name="x", curve="x", complaint="no pair")
    monkeypatch.setattr(VariantRunner, "run", lambda *_: refused)
    search = searching(clip, tmp_path)
    found, chosen = search.run(90)
    assert (found.complaint, chosen) == ("no pair", None)


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ResultCache(tmp_path / "file" / "cache", "1")
    cache.store(ALL, "a")
    assert cache.find(Instruments, "a") is None


def test_cache_misses_for_another_ffmpeg_or_settings(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, "1")
    cache.store(ALL, "a", 1)
    assert cache.find(Instruments, "a", 1) == ALL
    assert cache.find(Instruments, "a", 2) is None
    assert ResultCache(tmp_path, "2").find(Instruments, "a", 1) is None


def test_files_get_safe_names_without_links(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "-%03d: 'a'.mp4"
    shutil.copy(media / "plain.mp4", odd)

    def refuse(*_: object) -> None:
        raise OSError("links are for others")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    clip = asyncio.run(open_source(odd, tmp_path))
    assert clip.path.name == f"source-{clip.digest[:16]}.mp4"
    assert not clip.path.is_symlink()


def test_unreadable_file_is_reported(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotCompare, match="is a folder: name the videos in it"):
        asyncio.run(open_source(tmp_path, tmp_path))
    with pytest.raises(CannotCompare, match="accepted types"):
        asyncio.run(open_video(tmp_path / "encode.txt"))

    def refuse(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(video_files, "file_digest", refuse)
        with pytest.raises(CannotCompare, match="cannot be read: Permission denied"):
            asyncio.run(open_source(media / "plain.mp4", tmp_path))
    monkeypatch.setattr(video_files, "_TIMEOUT", (0.001, 0.0))
    with pytest.raises(CannotCompare, match="it cannot be decoded: FFmpeg was stopped"):
        asyncio.run(open_source(media / "plain.mp4", tmp_path))


class _Usage(NamedTuple):
    free: int


def refused(options: CompareOptions) -> str:
    with pytest.raises(CannotCompare) as caught:
        compare(options, _no_client, lambda _: None)
    return str(caught.value)


def _no_client(base_url: str, notify: Any) -> Any:
    raise AssertionError((base_url, notify))


@pytest.mark.slow
def test_impossible_comparison_is_not_started(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = CompareOptions((media / "plain.mp4",), encoders=("libx264",))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: _Usage(1_000_000))
        assert "has only 1 MB free: set TMPDIR" in refused(wanted)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "MIN_SELF_SCORE", 101.0)
        assert "plain.mp4: the reference against itself scores" in refused(wanted)
    with monkeypatch.context() as patch:
        patch.setenv("NEMOLOCAL_FFMPEG", str(tmp_path / "none"))
        assert "FFmpeg was not found" in refused(wanted)
    binary = tmp_path / "ffmpeg"
    binary.write_text('#!/bin/sh\n[ "$7" = -version ] && echo ffmpeg version 0 && exit\nexit 1\n')
    binary.chmod(0o755)
    monkeypatch.setenv("NEMOLOCAL_FFMPEG", str(binary))
    assert "this FFmpeg cannot measure VMAF" in refused(wanted)


@pytest.mark.slow
def test_without_an_encoder_of_the_contract_nothing_is_searched(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_step = {"libx265": (35.0,), "libsvtav1": ()}
    monkeypatch.setattr("nemolocal_bench.variants._ALTERNATIVES", one_step)
    monkeypatch.setattr(comparison, "cache_folder", lambda: Path(os.devnull) / "none")
    wanted = CompareOptions((media / "plain.mp4",), encoders=("libx265",), ladder="full")
    (created,) = compare(wanted, _no_client, lambda _: None).comparisons
    assert created.found is None
    assert created.shown == "libx265 veryfast CRF 35"
    assert "no tested encode" in created.verdict


def test_the_ladders_ask_for_what_they_need() -> None:
    quick, full = (
        comparison._encoders_to_try(CompareOptions((), ladder=ladder))
        for ladder in ("quick", "full")
    )
    assert "libx264" in quick
    assert "libx265" not in quick
    assert set(quick) < set(full)
