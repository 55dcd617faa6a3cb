"""The first look at a file: do its first bytes fit its extension? (UPL-3)."""

import re
from pathlib import Path
from typing import BinaryIO

from ..media import MAX_IMAGE_PIXELS, MediaRejected, image_too_large_error
from .image_headers import read_image_header

_HEAD = 4096
# What is packed beside a PNG's picture may unpack to a thousand times its size, and is unpacked.
_PACKED = (b"iCCP", b"zTXt", b"iTXt")
_MOST_PACKED = 1 << 17

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

# The first match wins: what the bytes are, and how to see it.
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

# What a file becomes that has been named something else: the usual extension of its content.
_USUAL = {
    **{name: name for name in ("avi", "wav", "webp", "jpg", "png", "gif", "mp3", "aac")},
    "mov": "mp4",
    "matroska": "mkv",
    "id3": "mp3",
}

# Extensions whose content goes by another name, or by several.
_CONTENT = {
    "mp4": {"mov"},
    "m4a": {"mov"},
    "webm": {"matroska"},
    "mkv": {"matroska"},
    "mp3": {"mp3", "id3"},
    "aac": {"aac", "id3"},
}


def sniff(path: Path, extension: str, lenient: bool = False) -> str:
    """The extension that a file's first bytes fit; raises MediaRejected when it is not its own.

    A `lenient` look takes another accepted kind for what it is. A picture must not be larger than
    is accepted, nor a WebP animated; a PNG must not have more than 128 KiB of packed texts and
    colour profiles.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        found = next((name for name, magic in _MAGIC if magic.match(head)), "")
        extension = _extension_of(head, found, extension, lenient)
        _check_picture(file, extension)
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


def _check_picture(file: BinaryIO, extension: str) -> None:
    if extension == "png" and _packed(file) > _MOST_PACKED:
        raise MediaRejected("its texts and colour profile are too large; save it without them")
    width, height, animated = read_image_header(file, extension)
    if width * height > MAX_IMAGE_PIXELS:
        reason = str(image_too_large_error(width, height, MAX_IMAGE_PIXELS))
    elif extension == "webp" and animated:
        reason = "it is animated, which FFmpeg does not know of WebP; save it as GIF or MP4"
    else:
        return
    raise MediaRejected(f"the file cannot be read as .{extension}: {reason}")


def _packed(file: BinaryIO) -> int:
    """The bytes of packed texts and profiles in a PNG, as far as its chunks can be followed."""
    packed = 0
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4])
        packed += size if head[4:] in _PACKED else 0
        file.seek(size + 4, 1)
    return packed
