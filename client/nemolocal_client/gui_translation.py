"""Removes references to the GUI from the backend's texts (CLI-6, SSE-10).

The backend writes for users of its web editor. A sentence that tells the user to click, open, drag
or press something is replaced by a hint for this client, or removed; descriptions of the result
stay. The phrases are in `gui_phrases.toml`.
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
    """A pattern of a reference to the GUI, and its replacement."""

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
    """Return all phrases of the table; the first that matches a sentence counts."""
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
    """Return the replacements of an action in all languages."""
    return frozenset(texts[action] for texts in _table().instead.values() if action in texts)


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
# A clause that only introduces the GUI action has no meaning without it.
_LEADS_UP = re.compile(
    r"(?:to|if|when|once|after|before|for|in order|you can|you may|please|next|then|now|finally)\b"
    r"|请|如|若|要|想|接下来|然后|现在|您可以|你可以|满意后",
    re.IGNORECASE,
)
# A clause with its own subject has a meaning without the clause before it.
_OWN_SUBJECT = re.compile(r"(?:I|we|it|they|there|your \w+|the \w+) \w", re.IGNORECASE)
_CHINESE_END = re.compile(r"[\u4e00-\u9fff】”）]$")
_LOOSE_END = re.compile(r"(?:[\s,;:—–，；、：-]|\b(?:and|but|so|or|then)\b)+$")


# Quoted text and timeline summaries are content, whatever words they contain.
_CONTENT = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|「[^」\n]{0,400}」|《[^》\n]{0,400}》"
    r"|(?<!\w)'[^'\n]{1,400}'(?!\w)"
    r"|Timeline \(\d{1,4} tracks?\):[^\n]{0,4000}?\)(?=\.(?:\s|$)|\s*$)"
    r"|时间线（\d{1,4}条轨道）：[^\n]{0,4000}?）(?=。|\s*$)",
    re.MULTILINE,
)
_MASK = "\ue000"


class _MaskedText(msgspec.Struct, frozen=True):
    """A text, and the same text with its content masked character by character."""

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
        """The GUI phrase in this text; content alone is none, but it may select which one."""
        if _first_phrase(self.masked) is None:
            return None
        return _first_phrase(self.text)


class Translation(msgspec.Struct, frozen=True):
    """Texts to show, and the GUI actions that were removed from them."""

    texts: tuple[str, ...]
    actions: frozenset[GuiAction] = frozenset()

    @property
    def wants_state(self) -> bool:
        """Whether the backend referred to something that the state shows."""
        return "timeline" in self.actions


class Translator:
    """Translates the texts of a turn as they arrive; the replacements come at the end."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._phrases: list[GuiPhrase] = []

    def feed(self, text: str) -> str:
        """Return a text without references to the GUI, "" if nothing is left."""
        known = len(self._phrases)
        remaining = " ".join(self._sentences(text))
        # Without a GUI action the text stays as it was, line breaks included.
        shown = remaining if len(self._phrases) > known else text.strip()
        self._kept += [shown] if shown else []
        return shown

    @property
    def hints(self) -> tuple[str, ...]:
        """The replacements for the actions so far, each once."""
        return tuple(
            dict.fromkeys(phrase.replacement for phrase in self._phrases if phrase.replacement)
        )

    def finish(self) -> Translation:
        """Return all texts and replacements."""
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
    """Translate the texts of a turn; empty ones are left out."""
    translator = Translator()
    for text in texts:
        translator.feed(text)
    return translator.finish()


def _first_phrase(text: str) -> GuiPhrase | None:
    return next((phrase for phrase in phrases() if phrase.pattern.search(text)), None)


def _without_gui_action(sentence: _MaskedText) -> Iterator[str]:
    """Yield the part of a sentence before its GUI action, and an independent clause after it."""
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
    """Yield the words as a sentence, unless they are empty or refer to the GUI themselves."""
    loose = _LOOSE_END.search(words.masked)
    kept = words.part(0, loose.start() if loose else len(words.text))
    if kept.text and kept.phrase is None:
        yield kept.text + ("。" if _CHINESE_END.search(kept.text) else ".")
