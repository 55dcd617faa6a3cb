"""What pictures say of themselves in their first bytes: how large they are, whether they move.

FFmpeg refuses what is far too large as "invalid data", which helps nobody.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

# Beginnings of segments of a JPEG that tell its size, and those that have no content.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_EMPTY = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_PIXELS = 0xDA
_MOST_SEGMENTS, _MOST_FILLING = 1000, 4096
_ANIMATED_WEBP = 0x02
_GIF_PICTURE, _GIF_EXTENSION = 0x2C, 0x21


class ImageHeader(NamedTuple):
    """Pixels as they are stored, 0 where nothing is said; and whether there are more pictures."""

    width: int = 0
    height: int = 0
    is_animated: bool = False


def read_image_header(file: BinaryIO, extension: str) -> ImageHeader:
    """The head of an open picture of one of the accepted kinds."""
    reader = _READERS.get(extension)
    if reader is None:
        return ImageHeader()
    file.seek(0)
    return reader(file)


def _png(file: BinaryIO) -> ImageHeader:
    start = file.read(64)
    # The mark of an animation stands at once behind the head, or behind small chunks.
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
            # Length, bits of a colour, height, width.
            content = file.read(7)
            return ImageHeader(int.from_bytes(content[5:7]), int.from_bytes(content[3:5]))
        if marker not in _JPEG_EMPTY:
            file.seek(max(int.from_bytes(file.read(2)), 2) - 2, 1)
    return ImageHeader()


def _jpeg_markers(file: BinaryIO) -> Iterator[int]:
    """The markers up to the pixels, each read up to its content."""
    for _ in range(_MOST_SEGMENTS):
        start = file.read(2)
        # Before a marker may stand any number of fill bytes.
        found = start.lstrip(b"\xff") or file.read(_MOST_FILLING).lstrip(b"\xff")
        if start[:1] != b"\xff" or not found or found[0] in (0x00, _JPEG_PIXELS):
            return
        file.seek(1 - len(found), 1)
        yield found[0]


def has_gif_image(packet: bytes) -> bool:
    """Whether there is a picture in a part of a GIF; a comment has a part of its own."""
    at = 0
    if packet[:4] == b"GIF8":
        flags = int.from_bytes(packet[10:11])  # a part may end before them
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
