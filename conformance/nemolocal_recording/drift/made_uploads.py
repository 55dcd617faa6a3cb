"""Files for a replay: of the same type and length as those that were uploaded."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from nemolocal_conformance.samples import CLIP, SAMPLE_BY_EXTENSION, read_sample

from .id_bindings import CannotRebuild
from .made_texts import made_text

BOUNDARY = "nemolocal-drift"
_BLOCK = bytes(1 << 20)
_BOX_HEAD = 8
_LONGEST_BOX = 2**32 - 1
_BOXED = ("mp4", "mov", "m4a")
Piece = bytes | int
"""Bytes, or a number of zero bytes."""


def made_form(parts: Iterable[dict[str, Any]], *, is_refused: bool) -> list[Piece]:
    """Return the body of a form with files, by its recorded parts."""
    pieces: list[Piece] = []
    for part in parts:
        suffix = str(part.get("filename", "")).rpartition(".")[2].lower()
        disposition = f'form-data; name="{_quoted(part.get("field", ""))}"'
        if "filename" in part:
            disposition += f'; filename="{_quoted(part["filename"])}"'
        kind = f"\r\nContent-Type: {part['type']}" if _is_plain(part.get("type")) else ""
        head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}{kind}\r\n\r\n"
        size = part.get("size")
        if not isinstance(size, int):
            raise CannotRebuild("the size of an uploaded file was not recorded")
        pieces += [head.encode(), *made_file(suffix, size, is_refused=is_refused), b"\r\n"]
    return [*pieces, f"--{BOUNDARY}--\r\n".encode()]


def made_file(suffix: str, size: int, *, is_refused: bool) -> list[Piece]:
    """Return a file of a type and a length in bytes; one that was refused has no valid content.

    A sample that is longer than the recorded file is not shortened.
    """
    name = SAMPLE_BY_EXTENSION.get(suffix)
    if is_refused or name is None:
        return [size]
    sample = read_sample(CLIP if name == "mp4" else f"kinds/{name}")
    missing = size - len(sample)
    if missing <= 0:
        return [sample]
    if suffix in _BOXED and _BOX_HEAD <= missing <= _LONGEST_BOX:
        return [sample, struct.pack(">I4s", missing, b"free"), missing - _BOX_HEAD]
    return [sample, missing]


def length_of(pieces: Iterable[Piece]) -> int:
    """Return the length of a body in bytes."""
    return sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)


def blocks_of(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield a body in blocks."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for _ in range(piece // len(_BLOCK)):
            yield _BLOCK
        yield _BLOCK[: piece % len(_BLOCK)]


def _quoted(value: object) -> str:
    """Return a value of a header parameter: letters in place of what was not kept."""
    return made_text(str(value)).translate({34: "_", 92: "_", 13: "_", 10: "_"})


def _is_plain(kind: object) -> bool:
    return isinstance(kind, str) and not kind.startswith("<")
