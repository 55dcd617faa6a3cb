"""Bytes of a document as lines, whatever was done to them on the way; nothing here fails."""

import re

import msgspec

from .model import Remark

LARGEST = 300_000
"""Bytes that are read of a document; no skill is nearly as long."""

_BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")
# What UTF-8 looks like after it was taken for Windows-1252: â€", Ã©, å¯¼ …
_TAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = re.compile(f"[Â-Ã][\u0080-\u00bf]|â[{_TAIL}][{_TAIL}]|[ã-ï][{_TAIL}]{{2}}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


class Decoded(msgspec.Struct, frozen=True):
    """The lines of a document without their ends, and what was wrong with its bytes."""

    lines: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()


def decode(content: bytes) -> Decoded:
    """The text of a document: UTF-8 or, where it is not that, Windows-1252 byte by byte."""
    remarks: list[Remark] = []
    if len(content) > LARGEST:
        said = f"the document has {len(content)} bytes, and only {LARGEST} are read"
        remarks.append(Remark("skill.text.too-long", 1, said))
        content = content[:LARGEST]
    text = _text(content, remarks)
    lines = tuple(_LINE_END.split(text.removeprefix(_BOM)))
    remarks += _remarks(lines)
    return Decoded(tuple(_CONTROL.sub(" ", line) for line in lines), tuple(remarks))


def _text(content: bytes, remarks: list[Remark]) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        said = "the document is UTF-16"
        remarks.append(Remark("skill.text.encoding", 1, said))
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if error.end >= len(content) == LARGEST:
            return content.decode(errors="ignore")
        line = content.count(b"\n", 0, error.start) + 1
        said = f"byte 0x{content[error.start]:02x} is no UTF-8: read as Windows-1252"
        remarks.append(Remark("skill.text.encoding", line, said))
        return content.decode("cp1252", errors="replace")


def _remarks(lines: tuple[str, ...]) -> list[Remark]:
    """The first of each kind: a damaged document is damaged all over."""
    found: dict[str, Remark] = {}
    for number, line in enumerate(lines, 1):
        for check, pattern, said in (
            ("skill.text.mojibake", _MOJIBAKE, "{!r} is text in a wrong encoding"),
            ("skill.text.control-character", _CONTROL, "{!r} is a control character"),
        ):
            match = pattern.search(line) if check not in found else None
            if match is not None:
                message = said.format(match.group())
                found[check] = Remark(check, number, message, match.start() + 1)
    return list(found.values())
