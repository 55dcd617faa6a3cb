"""What cannot be done here, and why: a table of patterns, the first that fits gives the reason."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from .extractors.clause import Clause
from .lexer.tokens import REMOVAL_WORDS, Slot, symbol_set

_WORD = re.compile(r"\w+")
_TITLES = symbol_set("title font", Slot.QUOTED_TEXT)
_RECOGNITION = symbol_set("filler_words transcript lip_sync translating")
_ADDING = symbol_set("add generate set record says edit replace")
_LOUDNESS = symbol_set("volume louder quieter duck mute raise lower audiofx audiofault")
# A clause without any of these asks for nothing that is unsupported.
_SUSPECTS = _RECOGNITION | symbol_set("novoice voice record", Slot.ASPECT_RATIO)
_SEVERAL_VIDEOS = ("shorts", "reels", "tiktoks")


def find_reason(words: str) -> str:
    """The reason for these words, a key of the replies; empty if nobody knows."""
    if words.isascii() and _first_words().isdisjoint(_WORD.findall(words.lower())):
        return ""
    for reason, pattern in _patterns():
        if pattern.search(words):
            return reason
    return ""


def reason_text(reason: str, language: str) -> str:
    """The reason in English or Chinese; empty if there is none."""
    return _table()[reason][language] if reason else ""


@cache
def _table() -> dict[str, dict[str, str]]:
    text = files(__package__).joinpath("unsupported.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """English phrases match whole words, Chinese ones anywhere."""
    return tuple(
        (reason, re.compile(_pattern_of_row(row), re.IGNORECASE))
        for reason, row in _table().items()
    )


@cache
def _first_words() -> frozenset[str]:
    """The first word of each English phrase: without any of them no phrase is there."""
    phrases = (
        phrase
        for row in _table().values()
        for key in ("words", "exact")
        for phrase in row.get(key, "").split("|")
    )
    return frozenset(
        word[0] for phrase in phrases if phrase.isascii() and (word := _WORD.search(phrase.lower()))
    )


def _pattern_of_row(row: dict[str, str]) -> str:
    """Of `words`, anywhere in what was not understood, and of `exact`, all of it."""
    parts = [_pattern(phrase) for phrase in row.get("words", "").split("|") if phrase]
    parts += [
        rf"^\W*{re.escape(phrase)}\W*$" for phrase in row.get("exact", "").split("|") if phrase
    ]
    return "|".join(parts)


def _pattern(phrase: str) -> str:
    escaped = re.escape(phrase)
    # The "mov" of "new.mov" is no format that somebody asks for.
    return rf"(?<!\.)\b{escaped}\b" if phrase.isascii() else escaped


def is_unsupported(clause: Clause) -> bool:
    """Whether a clause names what no edit does here, however the rest of it reads."""
    words = clause.symbols
    if words.isdisjoint(_SUSPECTS) or Slot.SUBTITLES in words:
        return False
    if words & _RECOGNITION and words.isdisjoint(_TITLES):
        return True
    return _asks_for_voice(clause) or _asks_for_several_videos(clause)


def _asks_for_voice(clause: Clause) -> bool:
    """Whether a voice is to be made or recorded: "add a voice over saying …"."""
    words = clause.symbols
    if words.isdisjoint({"novoice", "voice", "record"}) or words & {"audiofx", "audiofault"}:
        return False
    if "record" in words and words & {"voice", "novoice", "sound"}:
        return True
    spoken = "novoice" in words or any(
        "over" in said or "narration" in said for said in _said(clause, "voice")
    )
    adds = not words.isdisjoint(_ADDING) and words.isdisjoint(_LOUDNESS | REMOVAL_WORDS)
    return spoken and adds


def _asks_for_several_videos(clause: Clause) -> bool:
    """Whether one session is to make several videos: "turn it into 3 shorts"."""
    if clause.symbols.isdisjoint({Slot.ASPECT_RATIO}) or Slot.NUMBER not in clause.symbols:
        return False
    several = any(token.value >= 2 for token in clause.tokens if token.symbol == Slot.NUMBER)
    return several and any(said in _SEVERAL_VIDEOS for said in _said(clause, Slot.ASPECT_RATIO))


def _said(clause: Clause, symbol: str) -> list[str]:
    """The user's words for each token with this symbol."""
    return [
        clause.original[token.start : token.end].lower()
        for token in clause.tokens
        if token.symbol == symbol
    ]
