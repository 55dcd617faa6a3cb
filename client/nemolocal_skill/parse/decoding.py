"""Bytes of a document as lines, whatever was done to them on the way; nothing here fails."""

import re

import msgspec

from ..model import RawFinding

MAX_BYTES = 300_000
"""Bytes that are read of a document; no skill is nearly as long."""

_BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")
# What UTF-8 looks like after it was taken for Windows-1252: â€", Ã©, å¯¼ …
_TAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = re.compile(f"[Â-Ã][\u0080-\u00bf]|â[{_TAIL}][{_TAIL}]|[ã-ï][{_TAIL}]{{2}}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


class DecodedText(msgspec.Struct, frozen=True):
    """The lines of a document without their ends, and what was wrong with its bytes."""

    lines: tuple[str, ...]
    raw_findings: tuple[RawFinding, ...] = ()


def decode(content: bytes) -> DecodedText:
    """The text of a document: UTF-8 or, where it is not that, Windows-1252 byte by byte."""
    remarks: list[RawFinding] = []
    if len(content) > MAX_BYTES:
        said = f"the document has {len(content)} bytes, and only {MAX_BYTES} are read"
        remarks.append(RawFinding("skill.text.too-long", 1, said))
        content = content[:MAX_BYTES]
    text = _text(content, remarks)
    lines = tuple(_LINE_END.split(text.removeprefix(_BOM)))
    remarks += _find_damage(lines)
    return DecodedText(tuple(_CONTROL.sub(" ", line) for line in lines), tuple(remarks))


def _text(content: bytes, remarks: list[RawFinding]) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        said = "the document is UTF-16"
        remarks.append(RawFinding("skill.text.encoding", 1, said))
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if error.end >= len(content) == MAX_BYTES:
            return content.decode(errors="ignore")
        line = content.count(b"\n", 0, error.start) + 1
        said = f"byte 0x{content[error.start]:02x} is no UTF-8: read as Windows-1252"
        remarks.append(RawFinding("skill.text.encoding", line, said))
        return content.decode("cp1252", errors="replace")


def _find_damage(lines: tuple[str, ...]) -> list[RawFinding]:
    """The first of each kind: a damaged document is damaged all over."""
    found: dict[str, RawFinding] = {}
    for number, line in enumerate(lines, 1):
        for check, pattern, said in (
            ("skill.text.mojibake", _MOJIBAKE, "{!r} is text in a wrong encoding"),
            ("skill.text.control-character", _CONTROL, "{!r} is a control character"),
        ):
            match = pattern.search(line) if check not in found else None
            if match is not None:
                message = said.format(match.group())
                found[check] = RawFinding(check, number, message, match.start() + 1)
    return list(found.values())
