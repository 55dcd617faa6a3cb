"""The lexicon: the words and phrases of both languages and their symbols, read from TOML files."""

import math
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from nemolocal_contract.audio_effects import audio_effect_rows, sound_rows
from nemolocal_contract.effect_presets import effect_presets

from ..tokens import Slot, TokenKind

SKIPPABLE_WORDS = frozenset("the a an my our your this that it them these those its".split())
"""Words that a phrase may contain without a change of meaning: "reduce (the) file size"."""

WORD_SIGNS = "°"
"""Signs that are looked up as English words are."""

_FILES = (
    "commands", "nouns_and_modifiers", "slot_values", "conversation", "picture_effects", "sound",
    "structure",
)  # fmt: skip
PRESET_SYMBOL = "preset"
"""The symbol of all looks of `effect_presets.toml`; the value is the type of the effect."""
AUDIO_EFFECT_SYMBOL = "audiofx"
"""The symbol of all audio effects of `audio_effects.toml`; the value is the type of the effect."""
AUDIO_FAULT_SYMBOL = "audiofault"
"""The symbol of what audio effects remove; the value is the type of the effect."""
SOUND_SYMBOL = "sfx"
"""The symbol of all sounds of `sound_effects.toml`; the value is the name of the row."""
# What cannot be done: a "transation" is a transition rather than a translation.
_UNSUPPORTED_SYMBOLS = ("translating", "transcript", "lip_sync", "filler_words", "novoice")
_SLOT_SECTIONS = {
    slot.name.lower(): slot
    for slot in (
        Slot.COLOR, Slot.MOOD, Slot.SCENE, Slot.POSITION, Slot.ASPECT_RATIO, Slot.RESOLUTION,
        Slot.ORDINAL, Slot.FRACTION, Slot.FILE_LIMIT,
    )
}  # fmt: skip
# Things that are seldom asked for: a "champ" is no ramp, "mumble" no order.
_SELDOM_SYMBOLS = frozenset(
    "freeze boomerang ramp seamless shuffle gap card intro outro creditsroll countdown timer "
    "progressbar typewriter karaoke banner".split()
)
_MIN_CORRECTED_SELDOM = 9
# A shorter filler is no correction: "hiss" is not "his".
_MIN_CORRECTED_FILLER = 6
_NUMERIC_SLOTS = (Slot.ORDINAL, Slot.FRACTION, Slot.FILE_LIMIT)
_INFLECTED_KINDS = (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT, TokenKind.TRANSITION)
_VOWELS = "aeiou"
_AUXILIARIES = frozenset(
    "has have had need needs must should can could may might will would ought shall got does "
    "are".split()
)
# Chinese words of this length are found even with one wrong character.
_MIN_FUZZY_LENGTH = 4


class LexiconEntry(NamedTuple):
    """An entry: its symbol, kind, value if it is a slot, and whether it is a base form."""

    symbol: str
    kind: TokenKind
    value: Any = None
    is_base_form: bool = True


class Lexicon:
    """All entries: English by first word, longest phrase first; Chinese by the word.

    `meanings` has the meaning of each English word of a command. `known_words` are never corrected.
    """

    def __init__(self) -> None:
        self.english: dict[str, list[tuple[tuple[str, ...], LexiconEntry]]] = {}
        self.chinese: dict[str, LexiconEntry] = {}
        phrases: dict[tuple[str, ...], LexiconEntry] = {}
        for phrase, word in _entries():
            if phrase.isascii() or phrase in WORD_SIGNS:
                phrases[tuple(phrase.replace("-", " ").split())] = word
            else:
                self.chinese[phrase] = word
        for words, word in phrases.items():
            self.english.setdefault(words[0], []).append((words, word))
        for entries in self.english.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        self.max_chinese_length = max(map(len, self.chinese))
        self.chinese_first_characters = frozenset(phrase[0] for phrase in self.chinese)
        self.fuzzy_chinese: dict[str, list[str]] = {}
        for phrase in self.chinese:
            if len(phrase) >= _MIN_FUZZY_LENGTH:
                self.fuzzy_chinese.setdefault(phrase[0], []).append(phrase)
        corrected = {
            word: None
            for words, entry in phrases.items()
            for word in words
            if len(word) >= _min_corrected(entry.kind, entry.symbol, entry.value is not None)
        }
        self.meanings = {word: _meaning(phrases.get((word,)), word) for word in corrected}
        spelled = {word for words in phrases for word in words}
        self.known_words = spelled.union(_toml("spellcheck_allowlist")["words"].split())


def _meaning(entry: LexiconEntry | None, word: str) -> str:
    return word if entry is None else f"{entry.symbol} {entry.value}"


@cache
def _min_corrected(kind: TokenKind, symbol: str, has_value: bool) -> float:
    """How long a word of such an entry must be for a typo to become it; infinite for never."""
    if kind == TokenKind.FILLER:
        return _MIN_CORRECTED_FILLER
    if symbol in (AUDIO_EFFECT_SYMBOL, AUDIO_FAULT_SYMBOL, SOUND_SYMBOL) and has_value:
        return math.inf  # a row of sound: no typo is corrected into one of so many words
    if symbol in _UNSUPPORTED_SYMBOLS:
        return math.inf
    if not _SELDOM_SYMBOLS.isdisjoint(symbol.split()):
        return _MIN_CORRECTED_SELDOM
    return math.inf if kind == TokenKind.SMALL_TALK or symbol == Slot.SCENE else 0


def _toml(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _entries() -> Iterator[tuple[str, LexiconEntry]]:
    for name in _FILES:
        for section, entries in _toml(name).items():
            for lemma, phrases in entries.items():
                entry = _entry(section, lemma)
                for phrase in phrases.split("|"):
                    yield from _forms(phrase.strip(), entry)
    for words, entry in _row_entries():
        for phrase in filter(None, words.split("|")):
            yield from _forms(phrase, entry)


def _row_entries() -> Iterator[tuple[str, LexiconEntry]]:
    """The words of the rows of data that the contract has."""
    for name, preset in effect_presets().items():
        yield preset.words, LexiconEntry(PRESET_SYMBOL, TokenKind.EFFECT, name)
    for name, row in audio_effect_rows().items():
        yield row.words, LexiconEntry(AUDIO_EFFECT_SYMBOL, TokenKind.EFFECT, name)
        yield row.fault, LexiconEntry(AUDIO_FAULT_SYMBOL, TokenKind.NOUN, name)
    for name, sound in sound_rows().items():
        yield sound.words, LexiconEntry(SOUND_SYMBOL, TokenKind.NOUN, name)


def _entry(section: str, lemma: str) -> LexiconEntry:
    if slot := _SLOT_SECTIONS.get(section):
        value = float(lemma) if slot in _NUMERIC_SLOTS else lemma
        return LexiconEntry(slot, TokenKind.SLOT, value)
    kind = TokenKind(section)
    if kind == TokenKind.NUMBER:
        return LexiconEntry(lemma, kind, float(lemma))
    if kind == TokenKind.UNIT:
        return LexiconEntry(lemma, kind, lemma)
    return LexiconEntry("" if kind == TokenKind.FILLER else lemma, kind)


def _forms(phrase: str, word: LexiconEntry) -> Iterator[tuple[str, LexiconEntry]]:
    """The phrase and, if it is English, its inflected forms."""
    head, space, rest = phrase.partition(" ")
    if phrase.isascii() and head.isalpha():
        if word.kind in _INFLECTED_KINDS and not _is_invariable(head, rest):
            inflected = word._replace(is_base_form=False)
            for form in inflect(head):
                yield form + space + rest, inflected
        elif word.kind == TokenKind.NOUN:
            yield phrase + "s", word
    yield phrase, word


def _is_invariable(head: str, rest: str) -> bool:
    """Whether a verb is not inflected here: "has to be"."""
    return len(head) < 3 or (bool(rest) and head in _AUXILIARIES)


def inflect(verb: str) -> Iterator[str]:
    """The regular forms of an English verb: trims, trimming, trimmed."""
    stem = verb[:-1] if verb.endswith("e") else verb
    yield verb + ("es" if verb.endswith(("s", "x", "ch", "sh")) else "s")
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        yield from (verb[:-1] + "ies", verb[:-1] + "ied")
    else:
        yield stem + "ed"
    yield stem + "ing"
    if stem == verb and verb[-1] not in "wxy" + _VOWELS and verb[-2] in _VOWELS:
        yield from (verb + verb[-1] + "ing", verb + verb[-1] + "ed")


@cache
def load_lexicon() -> Lexicon:
    """The lexicon, read on first use: the server starts without it."""
    return Lexicon()
