"""The length and the rate of an upload are those of its frames, whatever its headers say."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing import packet_scan
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.containers import FRAGMENTED, LIVE, Recipe, sounding, steady, write
from tests.support.decoding import agrees, decode

FPS = 25
# Half a second of pictures, a second and a half of nothing, as a browser records a still page.
RESTING = tuple(at + pause for pause in (0, 2000, 4000) for at in steady(FPS, 0.5))


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., MediaInfo]:
    """What is found in the file of a recipe, its bytes changed; decoding it finds the same."""

    def find(recipe: Recipe, change: Callable[[bytes], bytes] | None = None) -> MediaInfo:
        path = write(tmp_path / f"x.{recipe.extension}", recipe)
        if change is not None:
            path.write_bytes(change(path.read_bytes()))
        info = inspect_media(path, recipe.extension)
        truth = decode(path, info)
        assert agrees(info, truth), (info, truth)
        return info

    return find


def overwritten(mark: bytes, offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """Bytes over what stands behind the first mark."""

    def change(content: bytes) -> bytes:
        at = content.index(mark) + len(mark) + offset
        return content[:at] + value + content[at + len(value) :]

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extension", "options"),
    [("webm", LIVE), ("mkv", LIVE), ("mp4", FRAGMENTED), ("mov", FRAGMENTED), ("webm", {})],
)
def test_without_a_stated_length_it_is_that_of_the_time_stamps(
    look: Callable[..., MediaInfo], extension: str, options: dict[str, str]
) -> None:
    info = look(Recipe(extension, RESTING, sounding(6), options))
    assert info.duration == pytest.approx(6, abs=0.05)
    assert info.fps < FPS / 2


@pytest.mark.slow
@pytest.mark.parametrize("start", [60_000, 3_600_000, 40])
@pytest.mark.parametrize(
    ("extension", "options"), [("webm", {}), ("mkv", LIVE), ("mp4", {}), ("mov", FRAGMENTED)]
)
def test_time_stamps_may_start_anywhere(
    look: Callable[..., MediaInfo], extension: str, options: dict[str, str], start: int
) -> None:
    info = look(Recipe(extension, steady(FPS, 2, start), sounding(2, start), options))
    assert (round(info.duration, 1), info.fps, info.origin) == (2.0, FPS, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pictures", "sounds"),
    [
        (steady(FPS, 2, 3000), sounding(5)),
        (steady(FPS, 5), sounding(2, 3000)),
        (steady(FPS, 2, 63_000), sounding(5, 60_000)),
        ((), sounding(5, 60_000)),
        (steady(FPS, 5, 60_000), ()),
    ],
    ids=["late picture", "late sound", "late picture at a minute", "sound alone", "picture alone"],
)
@pytest.mark.parametrize("extension", ["webm", "mkv", "mp4", "mov"])
def test_the_first_track_begins_and_the_last_one_ends_it(
    look: Callable[..., MediaInfo],
    extension: str,
    pictures: tuple[int, ...],
    sounds: tuple[int, ...],
) -> None:
    # A QuickTime file has no first moment of its own: a minute before its first frame is a pause.
    info = look(Recipe(extension, pictures, sounds))
    assert info.duration == pytest.approx(5, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [240, 960, 24000 / 1001, 5])
@pytest.mark.parametrize("extension", ["mov", "mkv", "webm", "mp4"])
def test_frames_are_counted_over_time(
    look: Callable[..., MediaInfo], extension: str, fps: float
) -> None:
    # In whole milliseconds.
    info = look(Recipe(extension, steady(fps, 1.2), sounding(1)))
    assert info.fps == pytest.approx(fps, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("nanoseconds", [1_000_000, 1, 2_000_000_000])
def test_a_matroska_header_that_lies_of_the_rate_is_not_believed(
    look: Callable[..., MediaInfo], nanoseconds: int
) -> None:
    lying = overwritten(bytes.fromhex("23e383"), 1, struct.pack(">I", nanoseconds))
    info = look(Recipe("mkv", steady(FPS, 1)), lying)
    assert info.duration == pytest.approx(1, abs=1 / FPS)
    assert info.fps == pytest.approx(FPS, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "change", "said"),
    [
        # Segment/Info/Duration: a float.
        (
            Recipe("mkv", steady(FPS, 2), sounding(2)),
            overwritten(bytes.fromhex("448988"), 0, struct.pack(">d", 3_600_000)),
            "it ends after 2.",
        ),
        (
            Recipe("mkv", steady(FPS, 2), sounding(2)),
            overwritten(bytes.fromhex("448988"), 0, struct.pack(">d", 1)),
            "",
        ),
        # The movie's own length, in milliseconds.
        (
            Recipe("mov", steady(FPS, 2), sounding(2)),
            overwritten(b"mvhd", 16, struct.pack(">I", 9_000_000)),
            "",
        ),
        # Micro seconds of a frame, and how many frames there are.
        (
            Recipe("avi", steady(FPS, 2), sounding(2)),
            overwritten(b"avih", 4, struct.pack(">I", 1)),
            "",
        ),
    ],
    ids=["mkv too long", "mkv too short", "mov", "avi"],
)
def test_a_stated_length_that_lies_is_not_believed(
    look: Callable[..., MediaInfo], recipe: Recipe, change: Callable[[bytes], bytes], said: str
) -> None:
    info = look(recipe, change)
    assert info.duration == pytest.approx(2, abs=0.05)
    assert said in " ".join(info.left_out)
    assert bool(said) is bool(info.left_out)


@pytest.mark.parametrize("extension", ["webm", "mkv", "avi"])
def test_a_file_that_is_cut_off_is_as_long_as_what_is_left(
    look: Callable[..., MediaInfo], extension: str
) -> None:
    recipe = Recipe(extension, steady(FPS, 6), sounding(6))
    info = look(recipe, lambda content: content[: len(content) // 2])
    assert 2 < info.duration < 4


@pytest.mark.slow
def test_a_wav_that_does_not_know_its_length_is_as_long_as_it_is(tmp_path: Path) -> None:
    for stated in (0xFFFFFFFF, 0, 2_000_000, 64_000):
        path = tmp_path / "x.wav"
        head = struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
        data = b"data" + struct.pack("<I", stated) + bytes(32_000)
        path.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + head + data)
        info = inspect_media(path, "wav")
        assert info.duration == pytest.approx(1.0), stated


def test_what_is_too_short_for_a_timeline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    head = struct.pack("<IHHIIHH", 16, 1, 1, 48_000, 96_000, 2, 16)
    path.write_bytes(b"RIFF\x26\0\0\0WAVEfmt " + head + b"data\2\0\0\0\0\0")
    with pytest.raises(MediaRejected, match="its duration must be from"):
        inspect_media(path, "wav")


def test_a_walk_that_takes_too_long_ends_and_its_length_is_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.mkv", Recipe("mkv", steady(FPS, 8), sounding(8)))
    monkeypatch.setattr(packet_scan, "_STRIDE", 200)
    monkeypatch.setattr(packet_scan, "_BUDGET", 0.0)
    info = inspect_media(path, "mkv")
    assert info.duration == pytest.approx(8, rel=0.2)
    assert any("its length is estimated" in said for said in info.left_out)
