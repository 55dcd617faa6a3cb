"""A render tells how far it is, comes whole or not at all, and says who encoded it."""

import asyncio
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_render import encoders, ffmpeg_cli, job
from nemolocal_render.job import RenderJobFailed, RenderResult, render
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.planning.output_settings import QUALITY_SETTINGS
from nemolocal_render.planning.planner import MediaSource, RenderPlan
from nemolocal_render.planning.render_plan import ClipSlice, Layer, VideoClip
from nemolocal_render.probing.probe_worker import RenderFacts
from nemolocal_render.render_progress import RenderProgress
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]


ONE_CLIP = {"tt": 0, "sg": [{"src": "sample.mp4", "s": 0, "d": 1000}]}


def one_picture(source: MediaSource, frames: int = 30) -> tuple[Layer, ...]:
    return ((ClipSlice(VideoClip(source, frames), 0, frames),),)


def small_plan(source: Callable[[str], MediaSource], frames: int = 30) -> RenderPlan:
    layers = one_picture(source("sample.mp4"), frames)
    return RenderPlan(320, 180, Fraction(30), frames, 0, QUALITY_SETTINGS["low"], layers)


@pytest.mark.slow
def test_progress_rises_to_one_hundred_when_the_file_is_there(
    tmp_path: Path, source: Callable[[str], MediaSource]
) -> None:
    seen: list[tuple[int, bool]] = []
    out = tmp_path / "render.mp4"
    plan = small_plan(source, 120)

    def report(percent: int) -> None:
        seen.append((percent, out.exists()))

    asyncio.run(render(plan, out, workdir=tmp_path / "work", on_progress=report))
    percents = [percent for percent, _ in seen]
    assert percents == sorted(set(percents))
    assert (seen[0], seen[-1]) == ((0, False), (100, True))
    assert not any(there for percent, there in seen if percent < 100)
    assert list((tmp_path / "work").iterdir()) == []


def test_progress_does_not_repeat_itself_nor_believe_nonsense() -> None:
    seen: list[int] = []
    stage = RenderProgress(seen.append).full_range()
    read = stage.subrange(0.5, 1).line_parser(1.0)
    for line in ("out_time_us=N/A", "frame=3", "out_time_us=500000", "out_time_us=400000"):
        read(line)
    read("out_time_us=99000000")
    assert seen == [75, 99]


@pytest.mark.usefixtures("no_hardware")
@pytest.mark.parametrize("really", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_cancelling_ends_ffmpeg_and_leaves_nothing(
    really: bool,
    tmp_path: Path,
    source: Callable[[str], MediaSource],
    monkeypatch: pytest.MonkeyPatch,
    fake_ffmpeg: Callable[[str], Path],
) -> None:
    if not really:
        # It has told of some progress, and has no end.
        fake_ffmpeg("import signal\nprint('out_time_us=9000000', flush=True)\nsignal.pause()")
    children: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def remember(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        children.append(await start(*args, **options))
        return children[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    plan = msgspec.structs.replace(
        small_plan(source), frames=9000, width=1280, height=720, layers=((),)
    )

    async def cancel() -> None:
        running = asyncio.Event()
        work = render(
            plan,
            tmp_path / "render.mp4",
            workdir=tmp_path / "work",
            on_progress=lambda percent: running.set() if percent else None,
        )
        task = asyncio.create_task(work)
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert {path.name for path in tmp_path.rglob("*")} - {"fake-ffmpeg"} == {"work"}
    assert all(child.returncode is not None for child in children)


@pytest.mark.slow
def test_a_damaged_source_fails_with_a_reason_and_leaves_nothing(
    tmp_path: Path, source: Callable[[str], MediaSource]
) -> None:
    broken = tmp_path / "secret-name.mp4"
    broken.write_bytes(b"\0\0\0\x20ftypisom" + bytes(500))
    plan = small_plan(source)
    layers = one_picture(MediaSource(broken, source("sample.mp4").info))
    plan = msgspec.structs.replace(plan, layers=layers)
    work = render(plan, tmp_path / "out.mp4", workdir=tmp_path / "work", on_progress=lambda _: None)
    with pytest.raises(RenderJobFailed, match=r"^none of its sources can be read, ") as failure:
        asyncio.run(work)
    assert "secret-name" not in str(failure.value)
    assert "\n" not in str(failure.value)
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_a_failure(
    tmp_path: Path, source: Callable[[str], MediaSource]
) -> None:
    occupied = tmp_path / "out.mp4"
    (occupied / "full").mkdir(parents=True)
    work = render(
        small_plan(source, 3), occupied, workdir=tmp_path / "work", on_progress=lambda _: None
    )
    with pytest.raises(RenderJobFailed, match="the file could not be written"):
        asyncio.run(work)


_FACTS = RenderFacts("h264", "yuv420p", 320, 180, 30, 1.0, "", 0.0, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": 29}, "has another number of frames"),
        ({"audio_codec": "aac", "audio_duration": 1.0}, "has other sound and has sound of another"),
        pytest.param(
            {"pixel_format": "yuv444p"}, "is not H.264 in yuv420p", marks=pytest.mark.slow
        ),
        pytest.param({"width": 160}, "has another size", marks=pytest.mark.slow),
        pytest.param({"duration": 1.1}, "has another length", marks=pytest.mark.slow),
        pytest.param({"index_first": False}, "has its index at the end", marks=pytest.mark.slow),
    ],
)
def test_a_file_that_is_not_what_was_planned_is_no_result(
    tmp_path: Path,
    source: Callable[[str], MediaSource],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    said: str,
) -> None:
    async def check(_: Path) -> RenderFacts:
        return msgspec.structs.replace(_FACTS, **change)

    monkeypatch.setattr(job, "probe_render", check)
    work = render(
        small_plan(source), tmp_path / "x.mp4", workdir=tmp_path, on_progress=lambda _: None
    )
    with pytest.raises(RenderJobFailed, match=f"the rendered file {said}"):
        asyncio.run(work)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_file_that_cannot_be_checked_is_no_result(
    tmp_path: Path, source: Callable[[str], MediaSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(_: Path) -> RenderFacts:
        raise MediaRejected("the rendered file cannot be read")

    monkeypatch.setattr(job, "probe_render", check)
    work = render(
        small_plan(source), tmp_path / "x.mp4", workdir=tmp_path, on_progress=lambda _: None
    )
    with pytest.raises(RenderJobFailed, match="cannot be read"):
        asyncio.run(work)


# A machine whose NVENC passes the trial, and what it does with a real render is `{then}`.
_NVENC = """
if "h264_nvenc" in args:
    if "-progress" in args:
        {then}
    at = args.index("h264_nvenc")
    args[at:at + 5] = ["libx264"]
elif "h264_qsv" in args or "h264_vaapi" in args or "h264_amf" in args:
    sys.exit("no such device")
"""
_REFUSES = "sys.exit('[h264_nvenc @ 0x1] No capable devices found in /dev/nvidia0')"


@pytest.mark.slow
def test_a_hardware_encoder_that_works_is_used(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg(_NVENC.format(then="pass"))
    path, result = make([ONE_CLIP])
    assert result.encoder == "h264_nvenc"
    assert result.encoder_reason == "8 frames were encoded and decoded back"
    assert DecodedVideo(path).counter(29) == 29


@pytest.mark.slow
def test_a_hardware_encoder_that_fails_in_the_render_is_replaced(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg(_NVENC.format(then=_REFUSES))
    path, result = make([ONE_CLIP])
    assert result.encoder == "libx264"
    reason = "FFmpeg ended with status 1: No capable devices found in a file"
    assert result.encoder_reason == f"h264_nvenc failed in this render: {reason}"
    assert DecodedVideo(path).counter(29) == 29


@pytest.mark.slow
def test_a_hardware_encoder_that_loses_frames_in_the_render_is_replaced(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg(_NVENC.format(then="args[-1:-1] = ['-frames:v', '20']"))
    path, result = make([ONE_CLIP])
    assert (result.encoder, result.frames) == ("libx264", 30)
    reason = "h264_nvenc failed in this render: the rendered file has another number of frames"
    assert result.encoder_reason.startswith(reason)
    assert DecodedVideo(path).counter(29) == 29


@pytest.mark.slow
def test_when_both_encoders_fail_the_render_fails(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg(_NVENC.format(then=_REFUSES) + "if '-progress' in args: sys.exit('disk on fire')")
    with pytest.raises(RenderJobFailed, match="or FFmpeg does not work"):
        make([ONE_CLIP])


@pytest.mark.slow
def test_a_neighbour_is_never_opened_through_a_playlist(
    media: Path,
    tmp_path: Path,
    source: Callable[[str], MediaSource],
    caplog: pytest.LogCaptureFixture,
) -> None:
    neighbour = tmp_path / "neighbour.mp4"
    neighbour.write_bytes((media / "silent.mp4").read_bytes())
    canary = tmp_path / "upload.mp4"
    canary.write_text(f"ffconcat version 1.0\nfile {neighbour.name}\n")
    naive = [str(ffmpeg_cli.executable()), "-v", "error", "-i", str(canary), "-f", "null", "-"]
    # Armed: without our options FFmpeg follows it.
    assert subprocess.run(naive, check=False).returncode == 0
    info = MediaInfo("video", "mp4", 1.0, 160, 90, 25.0)
    plan = msgspec.structs.replace(
        small_plan(source), layers=one_picture(MediaSource(canary, info))
    )
    work = render(plan, tmp_path / "out.mp4", workdir=tmp_path / "work", on_progress=lambda _: None)
    with pytest.raises(RenderJobFailed, match="none of its sources can be read"):
        asyncio.run(work)
    assert "moov atom not found" in caplog.text


def test_the_encoder_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    async def refuse(name: str) -> encoders.EncoderProbe:
        tried.append(name)
        return encoders.EncoderProbe(name, "none here")

    monkeypatch.setattr(encoders, "probe_encoder", refuse)
    monkeypatch.setattr(encoders, "_chosen", {})

    async def twice() -> list[encoders.Encoder]:
        return [await encoders.choose_encoder(), await encoders.choose_encoder()]

    first, second = asyncio.run(twice())
    assert first is second
    assert (first.name, first.is_hardware) == ("libx264", False)
    assert first.reason.startswith("h264_nvenc: none here; h264_qsv: none here")
    assert tuple(tried) == encoders.HARDWARE_ENCODERS
