"""What people say, and the word that readers know for it: loaded once, from the TOML beside it."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ..spelling import Speller

ARTICLES = frozenset("the a an my our your this that it them these those its".split())
"""Words that may stand inside a phrase without changing it: "reduce (the) file size"."""

SIGNS = "°"
"""What stands for a word and is no letter: it is looked up as an English word is."""

_FILES = ("verbs", "words", "values", "talk")
_SLOTS = {
    "color": "C", "mood": "M", "scene": "S", "place": "A", "shape": "R", "definition": "Q",
    "ordinal": "O", "fraction": "F",
}  # fmt: skip
_VOWELS = "aeiou"
_AUXILIARIES = frozenset(
    "has have had need needs must should can could may might will would ought shall got does "
    "are".split()
)
# Chinese words so long are known even with one wrong character.
_LONG = 4


class Word(NamedTuple):
    """One entry: the readers' word, its kind, a slot's value, and whether it is a base form."""

    canon: str
    kind: str
    value: Any = None
    base: bool = True


class Lexicon:
    """All entries: English by first word, longest first; Chinese by the text itself."""

    def __init__(self) -> None:
        self.english: dict[str, list[tuple[tuple[str, ...], Word]]] = {}
        self.chinese: dict[str, Word] = {}
        phrases: dict[tuple[str, ...], Word] = {}
        for phrase, word in _entries():
            if phrase.isascii() or phrase in SIGNS:
                phrases[tuple(phrase.replace("-", " ").split())] = word
            else:
                self.chinese[phrase] = word
        for words, word in phrases.items():
            self.english.setdefault(words[0], []).append((words, word))
        for entries in self.english.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        self.longest = max(map(len, self.chinese))
        self.heads = frozenset(phrase[0] for phrase in self.chinese)
        self.long: dict[str, list[str]] = {}
        for phrase in self.chinese:
            if len(phrase) >= _LONG:
                self.long.setdefault(phrase[0], []).append(phrase)
        spelled = {word for words in phrases for word in words}
        self.speller = Speller(
            {
                word: _meaning(phrases.get((word,)), word)
                for words, entry in phrases.items()
                if entry.kind != "chatter"
                for word in words
            },
            spelled.union(_toml("ordinary")["words"].split()),
        )


def _meaning(entry: Word | None, word: str) -> str:
    return word if entry is None else f"{entry.canon} {entry.value}"


def _toml(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _entries() -> Iterator[tuple[str, Word]]:
    for name in _FILES:
        for section, entries in _toml(name).items():
            for canon, phrases in entries.items():
                for phrase in phrases.split("|"):
                    yield from _forms(phrase.strip(), _word(section, canon))


def _word(section: str, canon: str) -> Word:
    if section in _SLOTS:
        value = canon if section not in ("ordinal", "fraction") else float(canon)
        return Word(_SLOTS[section], "slot", value)
    if section in ("unit", "number"):
        return Word(canon, section, float(canon) if section == "number" else canon)
    if section == "filler":
        return Word("", "filler")
    return Word(canon, section)


def _forms(phrase: str, word: Word) -> Iterator[tuple[str, Word]]:
    """The phrase, and its inflected forms where it is English."""
    head, space, rest = phrase.partition(" ")
    if phrase.isascii() and head.isalpha():
        if word.kind in ("verb", "act", "look", "trans") and not _stays(head, rest):
            for form in inflect(head):
                yield form + space + rest, word._replace(base=False)
        elif word.kind == "noun":
            yield phrase + "s", word
    yield phrase, word


def _stays(head: str, rest: str) -> bool:
    """Whether a verb has no other form here: "has to be" is no "hases to be"."""
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
def lexicon() -> Lexicon:
    """The one lexicon, read when it is first needed: a server starts without it."""
    return Lexicon()
