"""Splits a shell command into words, and keeps their quotes and positions.

`shlex` returns the words only, but most mistakes are in the quotes. Nothing is executed:
substitutions stay text.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

Quote = Literal["", "'", '"']

_NAME = re.compile(r"\{([A-Za-z_]\w{0,60})[^}\n]{0,200}\}|([A-Za-z_]\w{0,60})|([@*#?0-9])")
# `<sid>` is a placeholder, not a redirection.
_ANGLED = re.compile(r"<[A-Za-z][\w .-]{0,40}>")
_OPERATORS = ";|&()<>"
_ESCAPED_IN_QUOTES = '"\\$`'
_MAX_DEPTH = 60


class WordPart(msgspec.Struct, frozen=True):
    """A part of a word: plain text, or a `$NAME` or `$(…)` that the shell would expand.

    `variable` is the name, `substitution` the command inside `$(…)` or backticks.
    """

    text: str
    quote: Quote
    line: int
    column: int
    variable: str = ""
    substitution: str = ""


class ShellWord(msgspec.Struct, frozen=True):
    """A word; `unclosed_quote` is its quotation mark that is never closed."""

    parts: tuple[WordPart, ...]
    line: int
    column: int
    unclosed_quote: str = ""

    @property
    def text(self) -> str:
        """The word without its quotes; nothing is expanded."""
        return "".join(part.text for part in self.parts)


class ShellCommand(msgspec.Struct, frozen=True):
    """The words of a simple command; `end` is the offset of its end in the text."""

    words: tuple[ShellWord, ...]
    end: int
    last_line: int
    operator: str = ""


def parse_command(text: str, start: int, line: int, column: int) -> ShellCommand:
    """Parse the command at `start`, up to an operator or the end of its line."""
    lexer = _Lexer(text, start, line, column)
    words = tuple(lexer.words())
    return ShellCommand(words, lexer.at, lexer.line, lexer.operator)


class _Lexer:
    def __init__(self, text: str, start: int, line: int, column: int) -> None:
        self.text, self.at, self.line, self.column = text, start, line, column
        self.operator = ""

    def words(self) -> Iterator[ShellWord]:
        while True:
            self._skip_space()
            here = self._peek()
            named = here == "<" and _ANGLED.match(self.text, self.at)
            if not here or here in "\r\n#" or (here in _OPERATORS and not named):
                self.operator = here
                return
            yield self._word()

    def _peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def _take(self) -> str:
        character = self.text[self.at]
        self.at += 1
        if character == "\n":
            self.line, self.column = self.line + 1, 1
        else:
            self.column += 1
        return character

    def _skip_space(self) -> None:
        while self._peek() in (" ", "\t") or (self._peek() == "\\" and self._peek(1) == "\n"):
            if self._take() == "\\":
                self._take()

    def _word(self) -> ShellWord:
        line, column = self.line, self.column
        parts: list[WordPart] = []
        while here := self._peek():
            if here in " \t\r\n" or here in _OPERATORS:
                if here != "<" or not (name := self._angled()):
                    break
                parts.append(name)
            elif here == "'":
                parts.append(self._single())
                if not self._close("'"):
                    return ShellWord(tuple(parts), line, column, "'")
            elif here == '"':
                parts += self._double()
                if not self._close('"'):
                    return ShellWord(tuple(parts), line, column, '"')
            elif here == "\\" and self._peek(1) == "\n":
                break
            else:
                parts.append(self._bare())
        return ShellWord(tuple(parts), line, column)

    def _angled(self) -> WordPart | None:
        match = _ANGLED.match(self.text, self.at)
        return self._advance(match.group(), "") if match else None

    def _advance(self, text: str, quote: Quote) -> WordPart:
        part = WordPart(text, quote, self.line, self.column)
        for _ in text:
            self._take()
        return part

    def _close(self, quote: str) -> bool:
        if self._peek() != quote:
            return False
        self._take()
        return True

    def _single(self) -> WordPart:
        self._take()
        end = self.text.find("'", self.at)
        return self._advance(self.text[self.at : end if end >= 0 else len(self.text)], "'")

    def _double(self) -> list[WordPart]:
        self._take()
        parts = [WordPart("", '"', self.line, self.column)]
        while (here := self._peek()) and here != '"':
            if here in "$`":
                parts.append(self._expansion('"'))
            else:
                parts.append(self._text_until('"$`', '"'))
        return parts

    def _bare(self) -> WordPart:
        if self._peek() in "$`":
            return self._expansion("")
        return self._text_until(" \t\r\n'\"$`" + _OPERATORS, "")

    def _text_until(self, ends: str, quote: Quote) -> WordPart:
        line, column, kept = self.line, self.column, []
        while (here := self._peek()) and here not in ends:
            self._take()
            if here == "\\" and (following := self._peek()):
                if following == "\n":
                    if not quote:
                        self.at, self.column = self.at - 1, self.column - 1
                        break
                    self._take()
                    continue
                if not quote or following in _ESCAPED_IN_QUOTES:
                    here = self._take()
            kept.append(here)
        return WordPart("".join(kept), quote, line, column)

    def _expansion(self, quote: Quote) -> WordPart:
        """Read `$NAME`, `${NAME…}`, `$(…)` or `` `…` ``; a single dollar sign is text."""
        line, column = self.line, self.column
        if self._peek() == "`":
            end = self.text.find("`", self.at + 1)
            whole = self._advance(self.text[self.at : end + 1] if end >= 0 else "`", quote)
            return WordPart(whole.text, quote, line, column, substitution=whole.text.strip("`"))
        if self._peek(1) == "(":
            whole = self._advance(self.text[self.at : self._end_of_substitution()], quote)
            return WordPart(whole.text, quote, line, column, substitution=whole.text[2:-1] or " ")
        match = _NAME.match(self.text, self.at + 1)
        text = f"${match.group()}" if match else "$"
        self._advance(text, quote)
        name = next((group for group in match.groups() if group), "") if match else ""
        return WordPart(text, quote, line, column, variable=name)

    def _end_of_substitution(self) -> int:
        depth, at = 0, self.at + 1
        while at < len(self.text) and self.text[at] not in "\n":
            depth += {"(": 1, ")": -1}.get(self.text[at], 0)
            at += 1
            if not depth or depth > _MAX_DEPTH:
                break
        return at
