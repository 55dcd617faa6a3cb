"""The length of an MP4 is read from each form that its boxes may have."""

import struct

import pytest

from nemolocal_conformance.server_checks.render_files import mp4_duration


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, kind) + content


SHORT = box(b"mvhd", struct.pack(">IIIII80x", 0, 7, 7, 1000, 2500))
LONG = box(b"mvhd", struct.pack(">IQQIQ80x", 1 << 24, 7, 7, 1000, 2500))


@pytest.mark.parametrize(
    "body",
    [
        box(b"ftyp", b"isom") + box(b"moov", SHORT),
        box(b"ftyp", b"isom") + box(b"moov", LONG),
        box(b"mdat", bytes(9), large=True) + box(b"moov", LONG, large=True),
    ],
)
def test_duration_is_read_in_each_form(body: bytes) -> None:
    assert mp4_duration(body) == 2.5


@pytest.mark.parametrize("body", [b"", b"no film", box(b"moov", b""), box(b"mvhd", bytes(4))])
def test_file_without_a_duration_has_none(body: bytes) -> None:
    assert mp4_duration(body) == 0.0
