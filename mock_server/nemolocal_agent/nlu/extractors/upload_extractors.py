"""Extractors of what an uploaded LUT or subtitle file is for: "apply my LUT at 50%"."""

import re

from ...intents import AddSubtitleFile, ApplyLut, Edit, RemoveEffects
from ..lexer.lexicon import PRESET_SYMBOL
from ..lexer.tokens import REMOVAL_WORDS, Slot, slot_pattern, symbol_set
from .attribute_extractors import choose_by_degree
from .clause import Clause, extract_scope

_NO_LENGTHS = ("bare", "to", "by", "all")
# The look that "color grade it" asks for: with a LUT it is the LUT.
_GRADE = "color-grade"
_CUBE, _SUBTITLES = (".cube",), (".srt", ".vtt")
# A file, with the words that only say that it is one.
_FILE = re.compile(
    rf"(?: (?:called|with|from|of|by|use))*(?: lut)* ({slot_pattern(Slot.FILE_NAME)})(?: lut)*(?= )"
)
# "At 50% strength", "strength to half"; "the first 50%" is a part of the video.
_SHARE = slot_pattern(Slot.PERCENT, Slot.FRACTION)
_STRENGTHS = (
    re.compile(rf" strength(?: (?:at|to|of|by))* ({_SHARE})(?= )"),
    re.compile(rf"(?: (?:at|to|with|by))* ({_SHARE})(?: of)? strength(?= )"),
    re.compile(rf"(?<! first)(?<! last)(?: (?:at|to|with|by))+ ({_SHARE})(?= $)"),
    re.compile(rf"(?<! first)(?<! last) ({slot_pattern(Slot.PERCENT)})(?= $)"),
)
# What a clause about a LUT can say besides; anything else is another wish.
_PLAIN_LUT = symbol_set(
    "lut preset add set edit use replace color effect strength bit much it video clip photo upload "
    "all part first last start end middle with to of on in at by from for later over and between "
    "until through after before only intro outro halfway hash called nth",
    Slot.PERCENT, Slot.FRACTION, Slot.ORDINAL, Slot.NUMBER, Slot.FILE_NAME, Slot.TIME,
    Slot.UNKNOWN_WORD,
)  # fmt: skip
# Words that add subtitles of a file, and those that say nothing more about them.
_ADDING = symbol_set("add set generate edit captioning replace")
_PLAIN = symbol_set(
    "add set generate edit captioning replace subtitles uploaded upload use it video clip title "
    "with from of to on in for at later all over and by as",
    Slot.FILE_NAME,
)


def extract_lut(clause: Clause) -> list[Edit] | None:
    """Apply an uploaded table to clips or a span, at a strength, or remove it."""
    name = _file_name(clause, _CUBE)
    if name is None and not clause.has_any("lut"):
        return None
    if clause.symbols - _PLAIN_LUT - REMOVAL_WORDS:
        return None
    if any(t.symbol == PRESET_SYMBOL and t.value != _GRADE for t in clause.tokens):
        return None  # another look beside it
    if clause.symbols & REMOVAL_WORDS:
        return [RemoveEffects("lut", one) for one in extract_scope(clause, *_NO_LENGTHS)]
    amount = _strength(clause)
    return [ApplyLut(name, amount, one) for one in extract_scope(clause, *_NO_LENGTHS)]


def _strength(clause: Clause) -> float:
    for pattern in _STRENGTHS:
        if (found := pattern.search(clause.line)) is not None:
            share = float(clause.value(found[1]))
            clause.consume(*found.span())
            return min(share, 1.0)
    return choose_by_degree(clause, 1.0, 0.5, 1.0)


def extract_subtitle_file(clause: Clause) -> list[Edit] | None:
    """Add the subtitles of an upload: "add captions from subs.srt"."""
    name = _file_name(clause, _SUBTITLES)
    if clause.symbols - _PLAIN or clause.symbols.isdisjoint(_ADDING):
        return None
    if name is None and (
        clause.has_any(Slot.FILE_NAME) or not clause.has_any("uploaded", "upload")
    ):
        return None
    return [AddSubtitleFile(name)]


def _file_name(clause: Clause, extensions: tuple[str, ...]) -> str | None:
    """The first file with one of these extensions; consumes it."""
    for found in _FILE.finditer(clause.line):
        index = int(found[1][1:])
        if str(clause.tokens[index].value).lower().endswith(extensions):
            name = str(clause.value(found[1]))
            clause.consume(*found.span())
            return name
    return None
