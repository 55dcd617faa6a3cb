"""Of the tracks of a file the first ones that can be decoded are taken, and the rest is told."""

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.containers import FRAGMENTED, Recipe, sounding, steady, write

PICTURES, SOUNDS = steady(25, 1), sounding(1)
KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}
Change = tuple[bytes, bytes]
# Container → what makes its sound, and its picture, one that nobody knows.
NO_SOUND: dict[str, tuple[Change, ...]] = {
    "mp4": ((b"mp4a", b"apac"), (b"esds", b"xxxx")),
    "mov": ((b"sowt", b"apac"),),
    "mkv": ((b"A_OPUS", b"A_XPUS"),),
    "webm": ((b"A_OPUS", b"A_XPUS"),),
    "avi": ((b"\1\0\1\0\x80\xbb", b"\x77\x77\1\0\x80\xbb"),),
}
NO_PICTURE: dict[str, tuple[Change, ...]] = {
    "mp4": ((b"avc1", b"dvx9"), (b"avcC", b"xxxx")),
    "mov": ((b"avc1", b"dvx9"), (b"avcC", b"xxxx")),
    "mkv": ((b"V_MPEG4/ISO/AVC", b"V_MPEGX/ISO/AVC"),),
    "webm": ((b"V_VP8", b"V_VPX"),),
}


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., MediaInfo]:
    """What is found in the file of a recipe in which some bytes are others."""

    def find(recipe: Recipe, changes: Iterable[Change] = ()) -> MediaInfo:
        path = write(tmp_path / f"x.{recipe.extension}", recipe)
        content = path.read_bytes()
        for old, new in changes:
            # Brands of an MP4 stand before what they name.
            head, tail = content[:64], content[64:]
            assert old in tail
            content = head + tail.replace(old, new, 1)
        path.write_bytes(content)
        return inspect_media(path, recipe.extension)

    return find


@pytest.mark.slow
@pytest.mark.parametrize("extension", NO_SOUND)
def test_a_sound_without_a_decoder_is_left_out_and_told(
    look: Callable[..., MediaInfo], extension: str
) -> None:
    info = look(Recipe(extension, PICTURES, SOUNDS), NO_SOUND[extension])
    assert (info.kind, info.width, info.audio_codec) == ("video", 64, "")
    (said,) = info.left_out
    assert said.startswith("track 2 (audio")
    assert said.endswith("is left out: there is no decoder for it")
    assert ("apac" in said) == (extension in ("mp4", "mov"))


@pytest.mark.parametrize("extension", NO_PICTURE)
def test_a_picture_without_a_decoder_leaves_the_sound(
    look: Callable[..., MediaInfo], extension: str
) -> None:
    info = look(Recipe(extension, PICTURES, SOUNDS), NO_PICTURE[extension])
    assert (info.kind, info.width, bool(info.audio_codec)) == ("audio", 0, True)
    assert "track 1 (video" in info.left_out[0]


@pytest.mark.slow
@pytest.mark.parametrize("extension", NO_PICTURE)
def test_a_file_of_which_nothing_decodes_is_refused_with_the_tags(
    look: Callable[..., MediaInfo], extension: str
) -> None:
    changes = (*NO_PICTURE[extension], *NO_SOUND[extension])
    with pytest.raises(MediaRejected, match="it has no usable track") as refusal:
        look(Recipe(extension, PICTURES, SOUNDS), changes)
    for tag in ("dvx9", "apac") if extension in ("mp4", "mov") else ():
        assert tag in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm"])
def test_the_first_sound_that_decodes_is_taken(
    look: Callable[..., MediaInfo], extension: str
) -> None:
    recipe = Recipe(extension, PICTURES, SOUNDS, sound_tracks=3)
    info = look(recipe, NO_SOUND[extension])
    assert (info.sound_place, info.audio_specifier, bool(info.audio_codec)) == (1, "a:1", True)
    assert [said[:7] for said in info.left_out] == ["track 2", "track 4"]
    assert look(recipe).sound_place == 0


def test_a_sound_that_only_seems_to_have_a_decoder_is_left_out(
    look: Callable[..., MediaInfo],
) -> None:
    broken = [(b"mp4a", b"alac"), (b"esds", b"xxxx")]
    info = look(Recipe("mp4", PICTURES, SOUNDS, sound_tracks=2), broken)
    assert (info.sound_place, info.audio_codec) == (1, "aac")
    assert info.left_out[0].startswith("track 2 (audio, ")
    assert " is left out: it cannot be decoded" in info.left_out[0]


def test_a_track_of_data_is_told(look: Callable[..., MediaInfo]) -> None:
    info = look(Recipe("mov", PICTURES, SOUNDS, timecode=True))
    (said,) = info.left_out
    # How a codec is called is FFmpeg's affair, here and below.
    assert said.startswith("track 3 (data")
    assert said.endswith(" is left out: only video and audio are used")


@pytest.mark.parametrize(
    ("extension", "pictures", "sounds", "options"),
    [
        ("mp4", PICTURES, SOUNDS, {}),
        ("mp4", PICTURES, (), {}),
        ("mp4", (), SOUNDS, {}),
        ("mp4", PICTURES, SOUNDS, FRAGMENTED),
        ("mov", PICTURES, (), {}),
    ],
)
def test_an_encrypted_file_is_refused_as_such(
    look: Callable[..., MediaInfo],
    extension: str,
    pictures: tuple[int, ...],
    sounds: tuple[int, ...],
    options: dict[str, str],
) -> None:
    with pytest.raises(MediaRejected, match="it is encrypted and cannot be decoded"):
        look(Recipe(extension, pictures, sounds, {**KEY, **options}))


@pytest.mark.parametrize("change", ["rate", "channels", "both", "nothing"])
@pytest.mark.parametrize("kind", ["aac", "mp3"])
def test_sound_that_changes_its_form_is_refused(tmp_path: Path, kind: str, change: str) -> None:
    path = tmp_path / f"x.{kind}"
    form = {"rate": (1, 1), "channels": (0, 2), "both": (1, 2), "nothing": (0, 1)}[change]
    frames = {"aac": _adts, "mp3": _mpeg}[kind]
    path.write_bytes(frames(0, 1) * 40 + frames(*form) * 40)
    if change == "nothing":
        assert inspect_media(path, kind).channels == 1
        return
    with pytest.raises(MediaRejected, match="its sample rate or channels change"):
        inspect_media(path, kind)


def _adts(rate: int, channels: int) -> bytes:
    """A frame of silence at 48 or 44.1 kHz."""
    silence = bytes.fromhex({1: "010c002002438e", 2: "211b8000000001c0"}[channels])
    head = 0xFFF1 << 40 | (1 << 14 | (3 + rate) << 10 | channels << 6) << 24
    return (head | (len(silence) + 7) << 13 | 0x7FF << 2).to_bytes(7) + silence


def _mpeg(rate: int, channels: int) -> bytes:
    """A frame of silence at 44.1 or 48 kHz, 128 kbit/s."""
    size = 144 * 128_000 // (48_000 if rate else 44_100)
    head = struct.pack(">I", 0xFFFB9000 | rate << 10 | (0xC0 if channels == 1 else 0))
    return head + bytes(size - 4)
