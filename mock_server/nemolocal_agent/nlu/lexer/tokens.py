"""Tokens: the words and values of a message, each with the symbol that the extractors match."""

from enum import StrEnum, unique
from typing import Any

import msgspec


class TokenKind(StrEnum):
    """What sort of word a token is. The sections of the lexicon are called so, or as a `Slot`."""

    VERB = "verb"
    ACTION = "action"
    """A verb that names the edit by itself: speed up, mute, undo."""
    EFFECT = "effect"
    TRANSITION = "transition"
    NOUN = "noun"
    MODIFIER = "modifier"
    """A preposition, an adverb, a position: of, to, first, top."""
    FILLER = "filler"
    SMALL_TALK = "small_talk"
    """Greetings, praise, thanks."""
    DISCOURSE = "discourse"
    """Questions, negations, refusals."""
    SLOT = "slot"
    SEPARATOR = "separator"
    UNKNOWN = "unknown"
    """A word that the lexicon does not have."""

    # The tokenizer makes these; `quantities` turns them into slots.
    NUMBER = "number"
    UNIT = "unit"
    SUFFIX = "suffix"
    RAW_VALUE = "raw_value"
    """A clock time, ratio or size in pixels as it was written."""


@unique
class Slot(StrEnum):
    """A symbol that has a value: `T2` in the line of a clause is the time of its token 2."""

    TIME = "T"
    """Milliseconds, a length or a point: 5 s, 0:30, 五秒."""
    PERCENT = "P"
    """A float, 0.5 for 50 %."""
    FRACTION = "F"
    """A float: half, 1/3, 一半."""
    FACTOR = "K"
    """A float: 2x, 两倍."""
    NUMBER = "N"
    """A float, a number without a unit."""
    ORDINAL = "O"
    """A float, negative from the end: second, 第2; `first` and `last` are symbols of their own."""
    QUOTED_TEXT = "H"
    """Text in quotes, or what `quote_title_text` takes for a title."""
    SUBTITLES = "G"
    """A tuple of `Cue`: SRT or WebVTT in the message."""
    FILE_NAME = "W"
    COLOR = "C"
    """An English name or #rrggbb."""
    MOOD = "M"
    """A key of the renderer's MOODS."""
    SCENE = "S"
    """A key of the renderer's SCENES."""
    POSITION = "A"
    """A `Position` of the contract: top left, 右下角."""
    ASPECT_RATIO = "R"
    """The text `w:h`: 9:16, vertical, 竖屏."""
    RESOLUTION = "Q"
    """720p, 1080p or 4k."""
    DEGREES = "D"
    FRAME_RATE = "U"
    """Frames per second."""
    FILE_SIZE = "B"
    """Megabytes."""
    FONT_SIZE = "Z"
    """Points or pixels."""
    PIXEL_SIZE = "Y"
    """(width, height)."""
    DECIBELS = "L"
    """A float, negative for quieter."""
    FILE_LIMIT = "V"
    """Megabytes that a service takes: Discord, WhatsApp, e-mail."""
    UNKNOWN_WORD = "X"
    """A word that the lexicon does not have: the one slot whose kind is `UNKNOWN`."""


def slot_pattern(*slots: Slot) -> str:
    r"""A regular expression for one of these slots in the line of a clause: `[TPF]\d+`."""
    return rf"[{''.join(slots)}]\d+"


def symbol_set(words: str, *more: str) -> frozenset[str]:
    """The symbols that are these words, and more of them, mostly slots."""
    return frozenset((*words.split(), *more))


ANY_SLOT = r"[A-Z]\d+"
"""A regular expression for any slot in the line of a clause."""


class LexToken(msgspec.Struct):
    """A word, phrase or value of a message.

    `symbol` is what the extractors match: a lemma, several of them, or a `Slot`; empty for a word
    without meaning. `start` and `end` are its place in the message, `value` is that of a slot.
    """

    symbol: str
    kind: TokenKind
    start: int
    end: int
    value: Any = None
    is_base_form: bool = True
    """False for an inflected verb, which starts no command: "music turned down"."""


TOTAL_SYMBOLS = symbol_set("undo redo restart remove generate")
"""Symbols of commands that take away or cost the most: no typo is corrected into one of them."""

REMOVAL_SYMBOLS = symbol_set("remove", "remove hide", "remove halt", "remove undone")
"""The symbols of verbs that take something away. What is hidden ("turn off"), halted ("stop") or
undone is still there, so that only the first removes clips or parts of them."""

REMOVAL_WORDS = symbol_set("remove hide halt undone stop cancel without")
"""The words that say that an effect, a sound, a clock or a title goes."""

SENTENCE_END, COMMA = ".", ","
"""The symbols of the two separators: between sentences, and between the parts of a sentence."""
