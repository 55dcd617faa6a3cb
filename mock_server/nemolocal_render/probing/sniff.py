"""Check by the first bytes that a file matches its extension and is not too large (UPL-3).

FFmpeg would report a picture that is too large as "invalid data", which does not help the user.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..media import MAX_IMAGE_PIXELS, MediaRejected, image_too_large_error

# JPEG markers of segments with the size, and of those without content.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_EMPTY = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_PIXELS = 0xDA
_MOST_SEGMENTS, _MOST_FILLING = 1000, 4096
_ANIMATED_WEBP = 0x02
_GIF_PICTURE, _GIF_EXTENSION = 0x2C, 0x21


class ImageHeader(NamedTuple):
    """The stored size in pixels, 0 if unknown, and whether the image is animated."""

    width: int = 0
    height: int = 0
    is_animated: bool = False


def read_image_header(file: BinaryIO, extension: str) -> ImageHeader:
    """Read the header of an open image of an accepted format."""
    reader = _READERS.get(extension)
    if reader is None:
        return ImageHeader()
    file.seek(0)
    return reader(file)


def _png(file: BinaryIO) -> ImageHeader:
    start = file.read(64)
    # The marker of an animation follows the header, perhaps after small chunks.
    animated = b"acTL" in start
    if start[12:16] != b"IHDR":
        return ImageHeader()
    return ImageHeader(int.from_bytes(start[16:20]), int.from_bytes(start[20:24]), animated)


def _gif(file: BinaryIO) -> ImageHeader:
    start = file.read(10)
    return ImageHeader(int.from_bytes(start[6:8], "little"), int.from_bytes(start[8:10], "little"))


def _webp(file: BinaryIO) -> ImageHeader:
    start = file.read(30).ljust(30, b"\0")
    kind = start[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(start[at : at + 3], "little") + 1 for at in (24, 27))
        return ImageHeader(width, height, bool(start[20] & _ANIMATED_WEBP))
    if kind == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return ImageHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = (int.from_bytes(start[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return ImageHeader(width, height) if kind == b"VP8 " else ImageHeader()


def _jpg(file: BinaryIO) -> ImageHeader:
    file.seek(2)
    for marker in _jpeg_markers(file):
        if marker in _JPEG_FRAMES:
            # Length, bits per channel, height, width.
            content = file.read(7)
            return ImageHeader(int.from_bytes(content[5:7]), int.from_bytes(content[3:5]))
        if marker not in _JPEG_EMPTY:
            file.seek(max(int.from_bytes(file.read(2)), 2) - 2, 1)
    return ImageHeader()


def _jpeg_markers(file: BinaryIO) -> Iterator[int]:
    """Yield the markers before the pixels; the file is then at the content of the segment."""
    for _ in range(_MOST_SEGMENTS):
        start = file.read(2)
        # Any number of fill bytes may precede a marker.
        found = start.lstrip(b"\xff") or file.read(_MOST_FILLING).lstrip(b"\xff")
        if start[:1] != b"\xff" or not found or found[0] in (0x00, _JPEG_PIXELS):
            return
        file.seek(1 - len(found), 1)
        yield found[0]


def has_gif_image(packet: bytes) -> bool:
    """Whether a packet of a GIF has an image; comments have packets of their own."""
    at = 0
    if packet[:4] == b"GIF8":
        flags = int.from_bytes(packet[10:11])  # a packet may end before them
        at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while at + 2 < len(packet):
        if packet[at] == _GIF_PICTURE:
            return True
        if packet[at] != _GIF_EXTENSION:
            return False
        at += 2
        while at < len(packet) and packet[at]:
            at += 1 + packet[at]
        at += 1
    return False


_READERS: dict[str, Callable[[BinaryIO], ImageHeader]] = {
    "png": _png,
    "gif": _gif,
    "webp": _webp,
    "jpg": _jpg,
}


_HEAD = 4096
# Compressed chunks of a PNG, which decoders inflate, to a thousand times the size if hostile.
_COMPRESSED_CHUNKS = (b"iCCP", b"zTXt", b"iTXt")
_MAX_COMPRESSED_BYTES = 1 << 17

_LABELS = {
    "mov": "an MP4 or QuickTime file",
    "avi": "an AVI video",
    "matroska": "a Matroska or WebM file",
    "jpg": "a JPEG picture",
    "png": "a PNG picture",
    "gif": "a GIF picture",
    "webp": "a WebP picture",
    "mp3": "an MP3 file",
    "id3": "an MP3 or AAC file",
    "wav": "a WAV file",
    "aac": "an AAC file",
    "heif": "a HEIF or AVIF picture",
    "playlist": "a playlist",
    "text": "text",
}

# The first match wins: the format, and its pattern.
_MAGIC: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("heif", rb"....ftyp(avif|avis|heic|heix|mif1|msf1)"),
        ("mov", rb"....(ftyp|moov|mdat|wide|free|skip|pnot)"),
        ("avi", rb"RIFF....AVI "),
        ("wav", rb"(RIFF|RF64)....WAVE"),
        ("webp", rb"RIFF....WEBP"),
        ("matroska", rb"\x1a\x45\xdf\xa3"),
        ("jpg", rb"\xff\xd8\xff"),
        ("png", rb"\x89PNG\r\n\x1a\n"),
        ("gif", rb"GIF8[79]a"),
        ("aac", rb"\xff[\xf0\xf1\xf8\xf9]"),
        ("mp3", rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
        ("id3", rb"ID3"),
        ("playlist", rb"\s*(#EXTM3U|ffconcat|<\?xml|<MPD|\[playlist\])"),
        ("text", rb"[\t\n\r\x20-\x7e]{16}|[\t\n\r\x20-\x7e]+\Z"),
    )
)

# The usual extension of a format, for files with another extension.
_USUAL = {
    **{name: name for name in ("avi", "wav", "webp", "jpg", "png", "gif", "mp3", "aac")},
    "mov": "mp4",
    "matroska": "mkv",
    "id3": "mp3",
}

# Extensions whose formats have other names.
_CONTENT = {
    "mp4": {"mov"},
    "m4a": {"mov"},
    "webm": {"matroska"},
    "mkv": {"matroska"},
    "mp3": {"mp3", "id3"},
    "aac": {"aac", "id3"},
}


def sniff(path: Path, extension: str, lenient: bool = False) -> str:
    """Return the extension that matches the content; raises MediaRejected if it is another one.

    With `lenient`, another accepted extension is returned. Pictures that are too large, animated
    WebP files, and PNG files with more than 128 KiB of compressed texts and colour profiles are
    refused.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        found = next((name for name, magic in _MAGIC if magic.match(head)), "")
        extension = _extension_of(head, found, extension, lenient)
        _check_image(file, extension)
    return extension


def _extension_of(head: bytes, found: str, extension: str, lenient: bool) -> str:
    if not head:
        raise MediaRejected("the file is empty")
    if found in _CONTENT.get(extension, {extension}):
        return extension
    if lenient and found in _USUAL:
        return _USUAL[found]
    label = _LABELS.get(found, "something else")
    raise MediaRejected(f"the file is named .{extension} but its content is {label}")


def _check_image(file: BinaryIO, extension: str) -> None:
    if extension == "png" and _compressed_bytes(file) > _MAX_COMPRESSED_BYTES:
        raise MediaRejected("its metadata is too large: save it without texts and colour profile")
    width, height, animated = read_image_header(file, extension)
    if width * height > MAX_IMAGE_PIXELS:
        reason = str(image_too_large_error(width, height, MAX_IMAGE_PIXELS))
    elif extension == "webp" and animated:
        reason = "FFmpeg cannot read animated WebP files: save it as GIF or MP4"
    else:
        return
    raise MediaRejected(f"the file cannot be read as .{extension}: {reason}")


def _compressed_bytes(file: BinaryIO) -> int:
    """Return the bytes of compressed texts and profiles in a PNG with valid chunks."""
    total = 0
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4])
        total += size if head[4:] in _COMPRESSED_CHUNKS else 0
        file.seek(size + 4, 1)
    return total
