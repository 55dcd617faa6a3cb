"""Uploads are described by what they hold, and hostile ones are refused with a reason (UPL-3)."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from nemolocal_render.media import DEMUXERS, MediaInfo, MediaRejected
from nemolocal_render.planning.planner import MediaSource
from nemolocal_render.probing import packet_scan, probe_worker, stream_selection
from nemolocal_render.probing.media_probe import probe, probe_render
from nemolocal_render.probing.probe_worker import ProbeWorkerOutput, inspect_media, inspect_render
from nemolocal_render.probing.stream_selection import StreamSelector

EXPECTED: dict[str, tuple[str, int, int, float, str, str]] = {
    "large-sample.mp4": ("video", 1280, 720, 4.0, "h264", "aac"),
    "small.mov": ("video", 160, 90, 1.0, "prores", "pcm_s16le"),
    "small.avi": ("video", 160, 90, 1.0, "mpeg4", "mp3"),
    "small.webm": ("video", 160, 90, 1.0, "vp9", "opus"),
    "small.mkv": ("video", 160, 90, 1.0, "h264", "flac"),
    "small.jpg": ("image", 160, 90, 0.0, "mjpeg", ""),
    "small.png": ("image", 160, 90, 0.0, "png", ""),
    "small.webp": ("image", 160, 90, 0.0, "webp", ""),
    "still.gif": ("image", 160, 90, 0.0, "gif", ""),
    "small.gif": ("image", 160, 90, 1.0, "gif", ""),
    "music.m4a": ("audio", 0, 0, 5.0, "", "aac"),
    "small.mp3": ("audio", 0, 0, 1.0, "", "mp3"),
    "small.wav": ("audio", 0, 0, 1.0, "", "pcm_s16le"),
    "small.aac": ("audio", 0, 0, 1.0, "", "aac"),
    "sound.mp4": ("audio", 0, 0, 1.0, "", "aac"),
    "silent.mp4": ("video", 160, 90, 1.0, "h264", ""),
}


def described(info: MediaInfo) -> tuple[str, int, int, float, str, str]:
    # MP3 decoders have more than one name.
    sound = info.audio_codec.removesuffix("float")
    length = round(info.duration, 0)
    return info.kind, info.width, info.height, length, info.video_codec, sound


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_accepted_files_are_described(media: Path, name: str) -> None:
    info = inspect_media(media / name, name.rpartition(".")[2])
    assert described(info) == EXPECTED[name]
    assert abs(info.duration - EXPECTED[name][3]) < 0.06
    assert (info.extension, info.has_audio) == (name.rpartition(".")[2], bool(info.audio_codec))


# The same from afar: one of each medium here, all in the deep run.
_AFAR = ("small.webm", "small.png", "small.mp3")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in _AFAR else [pytest.mark.slow]) for n in EXPECTED]
)
def test_a_child_describes_files_the_same(media: Path, name: str) -> None:
    extension = name.rpartition(".")[2]
    assert asyncio.run(probe(media / name, extension)) == inspect_media(media / name, extension)


@pytest.mark.slow
def test_rates_and_flags(source: Callable[[str], MediaSource]) -> None:
    info = source("large-sample.mp4").info
    assert (info.fps, info.pixel_format, info.sample_rate) == (30.0, "yuv420p", 48_000)
    assert 50_000 < info.bit_rate < 5_000_000
    assert (info.has_alpha, info.is_animated, info.is_hdr) == (False, False, False)
    assert source("small.gif").info.is_animated


@pytest.mark.parametrize(
    ("pixel_format", "transparent"),
    [("rgba", True), ("rgba64be", True), ("yuva420p", True), ("pal8", True), ("rgb24", False)],
)
def test_which_pictures_are_transparent(pixel_format: str, transparent: bool) -> None:
    info = MediaInfo("image", "png", pixel_format=pixel_format)
    assert info.has_alpha is transparent


HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "empty": ("mp4", b"", "the file is empty"),
    "text": ("mp4", b"Hello, I am a film. Trust me.", "its content is text"),
    "one letter": ("png", b"x", "its content is text"),
    "ffconcat": ("mp4", b"ffconcat version 1.0\nfile other.mp4\n", "its content is a playlist"),
    "m3u8": ("mov", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "its content is a playlist"),
    "png as mp4": ("mp4", b"\x89PNG\r\n\x1a\n" + bytes(64), "its content is a PNG picture"),
    "mp4 as png": ("png", b"\0\0\0\x18ftypisom" + bytes(64), "MP4 or QuickTime"),
    "heic as jpg": ("jpg", b"\0\0\0\x18ftypheic" + bytes(64), "a HEIF or AVIF picture"),
    "zeros": ("mp4", bytes(1000), "its content is something else"),
    "hollow mp4": ("mp4", b"\0\0\0\x18ftypisom" + bytes(600), "cannot be read as .mp4"),
    "hollow mkv": ("mkv", b"\x1a\x45\xdf\xa3" + b"\xff" * 600, "cannot be read as .mkv"),
    "hollow png": ("png", b"\x89PNG\r\n\x1a\n" + b"\xff" * 600, "cannot be"),
    "hollow gif": ("gif", b"GIF89a" + b"\xff" * 600, "cannot be"),
    "hollow jpg": ("jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 600, "cannot be"),
    "hollow webp": ("webp", b"RIFF\xff\0\0\0WEBPVP8 " + b"\x00" * 600, "cannot be"),
    "hollow wav": ("wav", b"RIFF\xff\0\0\0WAVEdata" + b"\x00" * 600, "cannot be"),
    "hollow avi": (
        "avi",
        b"RIFF\xff\xff\0\0AVI LIST" + b"\xff" * 600,
        "neither video nor audio",
    ),
    "hollow mp3": ("mp3", b"ID3" + b"\xff" * 900, "cannot be read"),
    "hollow aac": ("aac", b"\xff\xf1" + b"\xff" * 900, "cannot be read"),
    "unknown extension": ("exe", b"MZ", "accepted are mp4, mov"),
}


# Those that are refused at their first bytes need no child, which costs more than all the rest.
_WITHOUT_CHILD = [name for name in HOSTILE if not name.startswith("hollow")]
_WITH_CHILD = [name for name in HOSTILE if name.startswith("hollow")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extension", "content", "reason"),
    [
        pytest.param(*HOSTILE[name], id=name, marks=[pytest.mark.slow] if slow else [])
        for names, slow in (
            ([*_WITHOUT_CHILD, *_WITH_CHILD[:3]], False),
            (_WITH_CHILD[3:], True),
        )
        for name in names
    ],
)
def test_hostile_files_are_refused_with_a_reason(
    tmp_path: Path, extension: str, content: bytes, reason: str
) -> None:
    path = tmp_path / f"upload.{extension}"
    path.write_bytes(content)
    with pytest.raises(MediaRejected) as refusal:
        asyncio.run(probe(path, extension))
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize(
    ("extension", "content", "reason"), [HOSTILE[name] for name in _WITH_CHILD], ids=_WITH_CHILD
)
def test_hostile_files_are_refused_by_the_second_look(
    tmp_path: Path, extension: str, content: bytes, reason: str
) -> None:
    path = tmp_path / f"upload.{extension}"
    path.write_bytes(content)
    with pytest.raises(MediaRejected, match=re.escape(reason)):
        inspect_media(path, extension)


def test_without_the_first_look_the_second_refuses_or_finds_something_harmless(
    tmp_path: Path,
) -> None:
    for name in _WITHOUT_CHILD:
        extension, content, _ = HOSTILE[name]
        path = tmp_path / f"{name}.{extension}"
        path.write_bytes(content)
        if extension in DEMUXERS:
            with contextlib.suppress(MediaRejected):
                inspect_media(path, extension)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaRejected, match="the file cannot be opened"):
        asyncio.run(probe(tmp_path / "nothing.mp4", "mp4"))


@pytest.mark.slow
def test_a_truncated_file_is_refused_or_described(media: Path, tmp_path: Path) -> None:
    whole = (media / "small.mov").read_bytes()
    cut = tmp_path / "cut.mov"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaRejected, match=r"cannot be read as \.mov"):
        asyncio.run(probe(cut, "mov"))


def test_a_picture_larger_than_the_limit_is_not_decoded(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_scan, "MAX_VIDEO_PIXELS", 100)
    with pytest.raises(MediaRejected, match="larger than 100 pixels"):
        inspect_media(media / "silent.mp4", "mp4")


@pytest.mark.parametrize(
    ("module", "limit", "value", "reason"),
    [
        (probe_worker, "MAX_FPS", 20, "more than 20 frames a second"),
        (probe_worker, "MAX_SECONDS", 0.5, "duration must be from"),
        (
            stream_selection,
            "DECODERS",
            ("aac",),
            r"track 1 \(video, h264\): its codec h264 is not accepted",
        ),
    ],
)
def test_other_limits(
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    limit: str,
    value: object,
    reason: str,
) -> None:
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(MediaRejected, match=reason):
        inspect_media(media / "silent.mp4", "mp4")


@pytest.mark.slow
def test_no_more_is_read_than_it_takes_to_refuse_a_file(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_scan, "MAX_ANIMATION_FRAMES", 20)
    with pytest.raises(MediaRejected, match="more than 20 frames"):
        inspect_media(media / "small.gif", "gif")
    monkeypatch.setattr(packet_scan, "_STRIDE", 5)
    monkeypatch.setattr(packet_scan, "MAX_SECONDS", 0.3)
    with probe_worker._open(media / "small.wav", "wav") as container:
        choice = StreamSelector("wav").select(container)
        walk = packet_scan.scan_packets(container, choice, "wav", 1)
    assert 0.3 < walk.scanned_seconds < 0.6


def test_the_child_answers_in_json(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = (
        ["probe", str(media / "silent.mp4"), "mp4"],
        ["check", str(media / "sample.mp4")],
        ["check", str(media / "small.jpg")],
    )
    for question in questions:
        probe_worker.main(question)
    info, facts, refusal = (
        msgspec.json.decode(line, type=ProbeWorkerOutput)
        for line in capsys.readouterr().out.splitlines()
    )
    assert info.info == inspect_media(media / "silent.mp4", "mp4")
    assert facts.facts == inspect_render(media / "sample.mp4")
    assert refusal.rejected == "the rendered file cannot be read"


@pytest.mark.slow
def test_the_facts_of_a_render(media: Path) -> None:
    facts = asyncio.run(probe_render(media / "sample.mp4"))
    assert (facts.frames, facts.duration, facts.index_first) == (120, 4.0, True)
    assert (facts.video_codec, facts.pixel_format, facts.audio_codec) == ("h264", "yuv420p", "aac")
    # Written without `faststart`.
    assert asyncio.run(probe_render(media / "silent.mp4")).index_first is False
    with pytest.raises(MediaRejected, match="the rendered file cannot be read"):
        asyncio.run(probe_render(media / "small.jpg"))


def test_a_file_of_no_boxes_has_no_index(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\0\0\0\0free" * 3)
    assert probe_worker._index_first(path) is False
