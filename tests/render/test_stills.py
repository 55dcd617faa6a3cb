"""Pictures that are too large, or move where nothing can, are refused for that, before a child."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_render.media import MAX_IMAGE_PIXELS, MediaRejected
from nemolocal_render.probing.sniff import ImageHeader, has_gif_image, read_image_header, sniff

LARGE = (20_000, 14_000)
WIDE, HIGH = LARGE


def jpg(size: tuple[int, int], marker: int = 0xC0, before: bytes = b"") -> bytes:
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 11, 8, size[1], size[0], 1) + b"\1\x11\0"
    return b"\xff\xd8" + before + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + bytes(64)


def png(size: tuple[int, int], animated: bool = False) -> bytes:
    head = struct.pack(">I4sIIBBBBBI", 13, b"IHDR", *size, 8, 2, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + head + b"\0\0\0\x08acTL" * animated + bytes(64)


def gif(size: tuple[int, int]) -> bytes:
    return b"GIF89a" + struct.pack("<HH", *size) + bytes(64)


def webp(size: tuple[int, int], kind: str, animated: bool = False) -> bytes:
    width, height = size
    rest = {
        "VP8 ": bytes(4)
        + b"\x30\1\0\x9d\1\x2a"
        + struct.pack("<HH", width % 0x4000, height % 0x4000),
        "VP8L": bytes(4) + b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14),
        "VP8X": bytes(4)
        + struct.pack("<I", 2 if animated else 0)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little"),
    }[kind]
    return b"RIFF\xff\0\0\0WEBP" + kind.encode() + rest + bytes(64)


EXIF = b"\xff\xe1\xff\xff" + bytes(0xFFFD)
PICTURES: dict[str, tuple[str, bytes, tuple[int, int]]] = {
    "jpg": ("jpg", jpg(LARGE), LARGE),
    "progressive jpg": ("jpg", jpg(LARGE, 0xC2), LARGE),
    "jpg behind a preview": ("jpg", jpg(LARGE, before=EXIF * 3), LARGE),
    "jpg with fill bytes": ("jpg", jpg(LARGE, before=b"\xff\xff\xff\xe0\0\x04ab\xff\xff"), LARGE),
    "png": ("png", png((100_000, 100_000)), (100_000, 100_000)),
    "gif": ("gif", gif((65_535, 65_535)), (65_535, 65_535)),
    "lossy webp": ("webp", webp((16_383, 16_383), "VP8 "), (16_383, 16_383)),
    "lossless webp": ("webp", webp((16_384, 16_384), "VP8L"), (16_384, 16_384)),
    "clear webp": ("webp", webp((70_000, 70_000), "VP8X"), (70_000, 70_000)),
}


@pytest.mark.parametrize(("extension", "content", "size"), PICTURES.values(), ids=PICTURES)
def test_a_picture_that_is_too_large_is_refused_with_its_size_and_the_limit(
    tmp_path: Path, extension: str, content: bytes, size: tuple[int, int]
) -> None:
    path = tmp_path / f"x.{extension}"
    path.write_bytes(content)
    with pytest.raises(MediaRejected) as refusal:
        sniff(path, extension)
    said = str(refusal.value)
    assert f"picture of {size[0]}x{size[1]} is larger than {MAX_IMAGE_PIXELS} pixels" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("jpg", jpg((7680, 4320))),
        ("jpg", b"\xff\xd8\xff\xe0"),
        ("jpg", b"\xff\xd8" + b"\xff" * 9000),
        ("png", png((7680, 4320))),
        ("gif", gif((640, 480))),
        ("webp", webp((640, 480), "VP8X")),
        ("mp4", b"\0\0\0\x18ftypisom"),
    ],
)
def test_others_are_left_to_the_decoder(tmp_path: Path, extension: str, content: bytes) -> None:
    path = tmp_path / f"x.{extension}"
    path.write_bytes(content)
    assert sniff(path, extension) == extension


def test_an_animated_webp_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "x.webp"
    path.write_bytes(webp((64, 48), "VP8X", animated=True))
    with pytest.raises(MediaRejected, match="cannot read animated WebP files: save it as GIF"):
        sniff(path, "webp")


def test_an_animated_png_is_known() -> None:
    assert read_image_header(io.BytesIO(png((4, 4), animated=True)), "png") == ImageHeader(
        4, 4, True
    )
    assert read_image_header(io.BytesIO(png((4, 4))), "png") == ImageHeader(4, 4, False)


@given(
    st.sampled_from(["jpg", "png", "gif", "webp"]),
    st.sampled_from([jpg(LARGE), png(LARGE), gif((9, 9)), webp((9, 9), "VP8X")]),
    st.data(),
)
def test_any_bytes_have_some_head(extension: str, content: bytes, data: Any) -> None:
    at = data.draw(st.integers(0, len(content)))
    width, height, _ = read_image_header(
        io.BytesIO(content[:at] + data.draw(st.binary())), extension
    )
    assert 0 <= width < 1 << 32
    assert 0 <= height < 1 << 32


@pytest.mark.slow
@given(st.sampled_from([b"", b"GIF89a", gif((9, 9))[:13]]), st.binary(), st.integers(0, 40))
def test_any_part_of_a_gif_shows_something_or_nothing(head: bytes, rest: bytes, end: int) -> None:
    assert has_gif_image((head + rest)[:end]) in (True, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "becomes"),
    [
        ("jpg", png((4, 4)), "png"),
        ("png", jpg((4, 4)), "jpg"),
        ("mp4", b"\x1a\x45\xdf\xa3", "mkv"),
        ("webm", b"\x1a\x45\xdf\xa3", "webm"),
        ("avi", b"\0\0\0\x18ftypisom", "mp4"),
        ("mov", b"\0\0\0\x18ftypisom", "mov"),
        ("wav", b"ID3\4" + bytes(20), "mp3"),
        ("mp3", b"\xff\xf1\x4c\x80", "aac"),
        ("mp3", b"RIFF\xff\0\0\0WAVEfmt ", "wav"),
        ("mp4", gif((4, 4)), "gif"),
    ],
)
def test_a_lenient_look_takes_a_file_for_what_it_is(
    tmp_path: Path, name: str, content: bytes, becomes: str
) -> None:
    path = tmp_path / f"x.{name}"
    path.write_bytes(content)
    assert sniff(path, name, lenient=True) == becomes
    if name != becomes:
        with pytest.raises(MediaRejected, match=f"named .{name} but its content is"):
            sniff(path, name)


@pytest.mark.parametrize(
    "content", [b"#EXTM3U\n", b"\0\0\0\x18ftypheic", b"Hello, I am a film.", bytes(99), b""]
)
def test_a_lenient_look_takes_no_more_kinds(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaRejected):
        sniff(path, "mp4", lenient=True)
