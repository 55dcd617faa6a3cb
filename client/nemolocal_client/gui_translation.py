"""The backend's words without its GUI (CLI-6, SSE-10).

The backend writes for people who sit before its editor. Here nobody does: a sentence that tells
the user to click, open, drag or press something is replaced by what this client does instead, or
dropped; what describes the result stays. The phrases are data, in `gui_phrases.toml`.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Literal

import msgspec

GuiAction = Literal["export", "timeline", "edit", "balance", "click"]


class GuiPhrase(msgspec.Struct, frozen=True):
    """A way in which the backend points at its GUI, and what is said in its place."""

    pattern: re.Pattern[str]
    action: GuiAction
    replacement: str


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    language: str
    action: GuiAction
    patterns: tuple[str, ...]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instead: dict[str, dict[GuiAction, str]]
    fragments: dict[str, str]
    phrase: tuple[_Entry, ...]


@functools.cache
def phrases() -> tuple[GuiPhrase, ...]:
    """Every phrase of the table; the first that fits a sentence decides what it means."""
    table = _table()
    return tuple(
        GuiPhrase(
            re.compile(_expand_fragments(pattern, table.fragments), re.IGNORECASE),
            entry.action,
            table.instead[entry.language].get(entry.action, ""),
        )
        for entry in table.phrase
        for pattern in entry.patterns
    )


def hints_for(action: GuiAction) -> frozenset[str]:
    """What is said in place of an action, in every language."""
    table = _table()
    return frozenset(said[action] for said in table.instead.values() if action in said)


@functools.cache
def _table() -> _Table:
    text = files(__package__).joinpath("gui_phrases.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table)


def _expand_fragments(pattern: str, fragments: dict[str, str]) -> str:
    for name, fragment in fragments.items():
        pattern = pattern.replace(f"<{name}>", fragment)
    return pattern


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")
_CLAUSE_END = re.compile(
    r"[,;:—–，；、：]\s*(?:and\s+|but\s+|so\s+|or\s+)?(?:then\s+)?"
    r"|\s+-\s+|\s+(?:and|but|so|or)\s+(?=then\b|you\b|click|tap|press|open|drag|drop|preview|check)",
    re.IGNORECASE,
)
# A clause that only leads up to the GUI action says nothing without it.
_LEADS_UP = re.compile(
    r"(?:to|if|when|once|after|before|for|in order|you can|you may|please|next|then|now|finally)\b"
    r"|请|如|若|要|想|接下来|然后|现在|您可以|你可以|满意后",
    re.IGNORECASE,
)
# A clause with a subject of its own says something, whatever stands before it.
_OWN_SUBJECT = re.compile(r"(?:I|we|it|they|there|your \w+|the \w+) \w", re.IGNORECASE)
_CHINESE_END = re.compile(r"[\u4e00-\u9fff】”）]$")
_LOOSE_END = re.compile(r"(?:[\s,;:—–，；、：-]|\b(?:and|but|so|or|then)\b)+$")


# What is quoted, or a summary of the timeline, is content, whatever words are in it.
_CONTENT = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|「[^」\n]{0,400}」|《[^》\n]{0,400}》"
    r"|(?<!\w)'[^'\n]{1,400}'(?!\w)"
    r"|Timeline \(\d{1,4} tracks?\):[^\n]{0,4000}?\)(?=\.(?:\s|$)|\s*$)"
    r"|时间线（\d{1,4}条轨道）：[^\n]{0,4000}?）(?=。|\s*$)",
    re.MULTILINE,
)
_MASK = "\ue000"


class _MaskedText(msgspec.Struct, frozen=True):
    """A piece of text, and the same with its content masked, letter by letter."""

    text: str
    masked: str

    def part(self, start: int, end: int) -> "_MaskedText":
        return _MaskedText(self.text[start:end], self.masked[start:end])

    def split(self, at: re.Pattern[str]) -> Iterator["_MaskedText"]:
        start = 0
        for found in at.finditer(self.masked):
            yield self.part(start, found.start())
            start = found.end()
        yield self.part(start, len(self.text))

    @property
    def phrase(self) -> GuiPhrase | None:
        """How it points at the GUI; content alone never does, but it may tell what is meant."""
        if _first_phrase(self.masked) is None:
            return None
        return _first_phrase(self.text)


class Translation(msgspec.Struct, frozen=True):
    """Texts to show, and the GUI actions that were taken out of them."""

    texts: tuple[str, ...]
    actions: frozenset[GuiAction] = frozenset()

    @property
    def wants_state(self) -> bool:
        """Whether the backend pointed at something that the state shows."""
        return "timeline" in self.actions


class Translator:
    """Takes the texts of a turn as they come; what is said in place of the GUI comes at the end."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._phrases: list[GuiPhrase] = []

    def feed(self, text: str) -> str:
        """What is left of a text without the GUI, "" where nothing is."""
        known = len(self._phrases)
        kept = " ".join(self._sentences(text))
        # Without a GUI action the text stays as it was, line breaks included.
        shown = kept if len(self._phrases) > known else text.strip()
        self._kept += [shown] if shown else []
        return shown

    @property
    def hints(self) -> tuple[str, ...]:
        """What the client does in place of the actions so far, each once."""
        return tuple(
            dict.fromkeys(phrase.replacement for phrase in self._phrases if phrase.replacement)
        )

    def finish(self) -> Translation:
        """All of it."""
        actions = frozenset(phrase.action for phrase in self._phrases)
        return Translation((*self._kept, *self.hints), actions)

    def _sentences(self, text: str) -> Iterator[str]:
        masked = _CONTENT.sub(lambda content: _MASK * len(content[0]), text)
        for sentence in _MaskedText(text, masked).split(_SENTENCE_END):
            phrase = sentence.phrase
            if phrase is None:
                if sentence.text.strip():
                    yield sentence.text.strip()
            else:
                self._phrases.append(phrase)
                yield from _without_gui_action(sentence)


def translate(texts: Iterable[str]) -> Translation:
    """The texts of a turn without the GUI; empty ones are left out."""
    translator = Translator()
    for text in texts:
        translator.feed(text)
    return translator.finish()


def _first_phrase(text: str) -> GuiPhrase | None:
    return next((phrase for phrase in phrases() if phrase.pattern.search(text)), None)


def _without_gui_action(sentence: _MaskedText) -> Iterator[str]:
    """What a sentence says before its GUI action, and what it says of itself after it."""
    end, after = 0, len(sentence.text)
    for clause_end in _CLAUSE_END.finditer(sentence.masked):
        clause = sentence.part(end, clause_end.start())
        if clause.phrase or _LEADS_UP.match(clause.masked.strip()):
            after = clause_end.end()
            break
        end = clause_end.end()
    yield from _as_sentence(sentence.part(0, end))
    rest = sentence.part(after, len(sentence.text))
    if _OWN_SUBJECT.match(rest.masked):
        start = rest.text[0].upper() + rest.text[1:]
        yield from _as_sentence(
            _MaskedText(start.rstrip(".!?。！？"), rest.masked.rstrip(".!?。！？"))
        )


def _as_sentence(words: _MaskedText) -> Iterator[str]:
    """Words as a sentence of their own, if they are any and do not point at the GUI themselves."""
    loose = _LOOSE_END.search(words.masked)
    kept = words.part(0, loose.start() if loose else len(words.text))
    if kept.text and kept.phrase is None:
        yield kept.text + ("。" if _CHINESE_END.search(kept.text) else ".")
