"""Turns normalized text into tokens: the longest phrase of the lexicon, numbers, file names."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .chinese import find_longest_word, tokenize_chinese
from .lexicon import SKIPPABLE_WORDS, load_lexicon
from .normalization import NormalizedMessage
from .tokens import COMMA, SENTENCE_END, LexToken, Slot, TokenKind
from .units import TIME_UNITS

_EXTENSION = r"\.(?:mp4|mov|avi|webm|mkv|jpe?g|png|gif|webp|mp3|wav|m4a|aac)(?![a-z0-9])"
_HAN = "\u3400-\u9fff"
_FILE = rf"""
    (?P<file>[{_HAN}]{{0,20}}[a-z0-9_][a-z0-9_-]{{0,60}}(?:\.[a-z0-9_-]{{1,60}}){{0,3}}{_EXTENSION}
        |[{_HAN}]{{1,20}}{_EXTENSION})|"""
_LEXEMES = rf"""
    (?P<quote>\x01\x02*)
    |(?P<link>https?://[^\s\x01]{{1,300}})
    |(?P<color>\#(?:[0-9a-f]{{6}}|[0-9a-f]{{3}})(?![0-9a-z]))
    |(?P<clock>\d{{1,3}}:\d{{2}}(?::\d{{2}})?(?:\.\d{{1,3}})?(?![\d:]))
    |(?P<ratio>\d{{1,2}}(?:\.\d{{1,2}})?\ ?[:/比]\ ?\d{{1,2}}(?:\.\d{{1,2}})?(?![\d:])
        |\d{{1,2}}[x×]\d{{1,2}}(?![\da-z]))
    |(?P<pixels>\d{{3,4}}\ ?[x×]\ ?\d{{3,4}}(?!\d))
    |(?P<count>\d{{1,9}}(?:\.\d{{1,6}})?|\.\d{{1,6}})
    |(?P<word>(?:mp[34]|m4[av]|h26[45])(?![a-z0-9])|[a-zà-ÿ]+(?:'[a-z]+)?)
    |(?P<han>[{_HAN}]+)
    |(?P<sentence_end>[.!?;\n]+)
    |(?P<sign>[,:&+%°×/@=\#-])"""
_ASCII_NAME = re.compile(r"[a-z_]{2}[a-z0-9_.-]*\.")
_HAS_FILE = re.compile(_EXTENSION)
_LEXEME = re.compile(_LEXEMES, re.VERBOSE)
# Used only if there is a file extension, since this pattern looks far ahead.
_LEXEME_OR_FILE = re.compile(_FILE + _LEXEMES, re.VERBOSE)


class _Lexeme(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def tokenize(normalized: NormalizedMessage) -> list[LexToken]:
    """The tokens of a message, including fillers."""
    pattern = _LEXEME_OR_FILE if _HAS_FILE.search(normalized.text) else _LEXEME
    lexemes = [
        _Lexeme(str(match.lastgroup), match[0], match.start(), match.end())
        for match in pattern.finditer(normalized.text)
    ]
    tokens: list[LexToken] = []
    index = 0
    while index < len(lexemes):
        lexeme = lexemes[index]
        if lexeme.kind == "word" or lexeme.text in "&%°×@=":
            index = _read_word(lexemes, index, tokens)
            continue
        if lexeme.kind == "han":
            end = tokenize_chinese(normalized.text, lexeme.start, lexeme.end, tokens)
            index += 1
            while index < len(lexemes) and lexemes[index].start < end:
                index += 1
            continue
        tokens.extend(_read_other(normalized, lexemes, index))
        index += 1
    return tokens


def _read_other(
    normalized: NormalizedMessage, lexemes: list[_Lexeme], index: int
) -> Iterator[LexToken]:
    """The tokens of what is neither an English nor a Chinese word."""
    kind, text, start, end = lexemes[index]
    if kind == "quote":
        quoted = normalized.quoted_parts[start]
        yield LexToken(
            Slot.QUOTED_TEXT if isinstance(quoted, str) else Slot.SUBTITLES,
            TokenKind.SLOT,
            start,
            end,
            quoted,
        )
    elif kind == "file":
        yield from _read_file(normalized, start, end)
    elif kind == "color":
        digits = text[1:] if len(text) == 7 else "".join(c * 2 for c in text[1:])
        yield LexToken(Slot.COLOR, TokenKind.SLOT, start, end, f"#{digits}")
    elif kind == "count":
        yield LexToken("", TokenKind.NUMBER, start, end, float(text))
    elif kind == "sentence_end":
        yield LexToken(SENTENCE_END, TokenKind.SEPARATOR, start, end, text)
    elif kind == "sign":
        yield from _read_sign(normalized.text, text, start)
    elif kind != "link":
        yield LexToken(kind, TokenKind.RAW_VALUE, start, end, text)


def _read_sign(text: str, sign: str, at: int) -> Iterator[LexToken]:
    if sign in "+-" and _is_signed(text, at):
        yield LexToken("more" if sign == "+" else "less", TokenKind.MODIFIER, at, at + 1)
    elif sign == "-":
        yield from _read_dash(text, at)
    elif sign in ",:+":
        yield LexToken("and" if sign == "+" else COMMA, TokenKind.SEPARATOR, at, at + 1, sign)
    elif sign == "#":
        yield LexToken("hash", TokenKind.MODIFIER, at, at + 1)


def _is_signed(text: str, at: int) -> bool:
    """Whether a plus or minus belongs to the number after it: "+20%"."""
    before = text[max(0, at - 20) : at].rstrip()[-1:]
    return text[at + 1 : at + 2].isdigit() and (not before or before not in "0123456789s秒分m%:")


def _read_dash(text: str, at: int) -> Iterator[LexToken]:
    """A dash between numbers means "to", in a word it has no meaning, else it is a separator."""
    before, after = text[max(0, at - 20) : at], text[at + 1 : at + 20]
    end = before.rstrip()[-1:]
    if end and end in "0123456789s秒分m" and after.lstrip()[:1].isdigit():
        yield LexToken("to", TokenKind.MODIFIER, at, at + 1, "-")
    elif before[-1:].isspace() or after[:1].isspace():
        yield LexToken(COMMA, TokenKind.SEPARATOR, at, at + 1, "-")


def _read_file(normalized: NormalizedMessage, start: int, end: int) -> Iterator[LexToken]:
    """A file name, without the Chinese words that come directly before it."""
    while start < end and (found := find_longest_word(normalized.text, start, end)):
        word, length = found
        named = word.kind == TokenKind.SLOT and not _ASCII_NAME.search(normalized.text, start, end)
        if named or normalized.text[start + length] == ".":
            break
        yield LexToken(word.symbol, word.kind, start, start + length, word.value)
        start += length
    yield LexToken(Slot.FILE_NAME, TokenKind.SLOT, start, end, normalized.original[start:end])


def _read_word(lexemes: list[_Lexeme], index: int, tokens: list[LexToken]) -> int:
    """A phrase of the lexicon, or an unknown word; returns the index after it."""
    text = lexemes[index].text
    entries = load_lexicon().english.get(text)
    if entries is None and "'" in text:
        text = text.removesuffix("'s") if text.endswith("'s") else text.replace("'", "")
        entries = load_lexicon().english.get(text)
    if entries is None and (corrected := load_lexicon().spell_checker.correct(text)):
        text, entries = corrected, load_lexicon().english.get(corrected, [])
    for words, word in entries or ():
        skipped: list[_Lexeme] = []
        after = _match(lexemes, index + 1, words[1:], skipped)
        if after is not None and not (
            words[1:] and _is_number_of_unit(words[-1], lexemes[after : after + 1])
        ):
            tokens.append(
                LexToken(
                    word.symbol,
                    word.kind,
                    lexemes[index].start,
                    lexemes[after - 1].end,
                    # Not `or`: zero is a value.
                    text if word.value is None else word.value,
                    word.is_base_form,
                )
            )
            tokens.extend(
                LexToken("it", TokenKind.MODIFIER, i.start, i.end)
                for i in skipped
                if i.text in _PRONOUNS
            )
            return after
    if lexemes[index].kind == "word":
        tokens.append(
            LexToken(
                Slot.UNKNOWN_WORD,
                TokenKind.UNKNOWN,
                lexemes[index].start,
                lexemes[index].end,
                lexemes[index].text,
            )
        )
    return index + 1


def _is_number_of_unit(last: str, lexemes: list[_Lexeme]) -> bool:
    """Whether the last word of a phrase counts what follows: "into a one minute video"."""
    if last != "one":
        return False
    entries = load_lexicon().english.get(lexemes[0].text, []) if lexemes else []
    return any(len(words) == 1 and word.symbol in TIME_UNITS for words, word in entries)


_PRONOUNS = frozenset("it this that them these those".split())


def _match(
    lexemes: list[_Lexeme], index: int, words: tuple[str, ...], skipped: list[_Lexeme]
) -> int | None:
    """The index after these words, which can have articles and hyphens between them; or None."""
    for word in words:
        while index < len(lexemes) and lexemes[index].text != word:
            lexeme = lexemes[index]
            if lexeme.text in SKIPPABLE_WORDS and len(skipped) < 2:
                skipped.append(lexeme)
            elif lexeme.text != "-":
                if lexeme.kind == "word" and load_lexicon().spell_checker.is_match(
                    lexeme.text, word
                ):
                    break
                return None
            index += 1
        if index == len(lexemes):
            return None
        index += 1
    return index
