"""Plain text becomes tokens: the longest phrase of the lexicon at each place, numbers, names."""

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
    (?P<hole>\x01\x02*)
    |(?P<link>https?://[^\s\x01]{{1,300}})
    |(?P<color>\#(?:[0-9a-f]{{6}}|[0-9a-f]{{3}})(?![0-9a-z]))
    |(?P<clock>\d{{1,3}}:\d{{2}}(?::\d{{2}})?(?:\.\d{{1,3}})?(?![\d:]))
    |(?P<ratio>\d{{1,2}}(?:\.\d{{1,2}})?\ ?[:/比]\ ?\d{{1,2}}(?:\.\d{{1,2}})?(?![\d:])
        |\d{{1,2}}[x×]\d{{1,2}}(?![\da-z]))
    |(?P<pixels>\d{{3,4}}\ ?[x×]\ ?\d{{3,4}}(?!\d))
    |(?P<count>\d{{1,9}}(?:\.\d{{1,6}})?|\.\d{{1,6}})
    |(?P<word>(?:mp[34]|m4[av]|h26[45])(?![a-z0-9])|[a-zà-ÿ]+(?:'[a-z]+)?)
    |(?P<han>[{_HAN}]+)
    |(?P<strong>[.!?;\n]+)
    |(?P<mark>[,:&+%°×/@=\#-])"""
_ASCII_NAME = re.compile(r"[a-z_]{2}[a-z0-9_.-]*\.")
_HAS_FILE = re.compile(_EXTENSION)
_LEXEME = re.compile(_LEXEMES, re.VERBOSE)
# File names are looked for only where there is one: no other pattern has to look so far ahead.
_LEXEME_OR_FILE = re.compile(_FILE + _LEXEMES, re.VERBOSE)


class _Lexeme(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def tokenize(plain: NormalizedMessage) -> list[LexToken]:
    """The tokens of a message, fillers and all."""
    pattern = _LEXEME_OR_FILE if _HAS_FILE.search(plain.text) else _LEXEME
    items = [
        _Lexeme(str(match.lastgroup), match[0], match.start(), match.end())
        for match in pattern.finditer(plain.text)
    ]
    tokens: list[LexToken] = []
    index = 0
    while index < len(items):
        item = items[index]
        if item.kind == "word" or item.text in "&%°×@=":
            index = _read_word(items, index, tokens)
            continue
        if item.kind == "han":
            end = tokenize_chinese(plain.text, item.start, item.end, tokens)
            index += 1
            while index < len(items) and items[index].start < end:
                index += 1
            continue
        tokens.extend(_read_mark(plain, items, index))
        index += 1
    return tokens


def _read_mark(plain: NormalizedMessage, items: list[_Lexeme], index: int) -> Iterator[LexToken]:
    """What is neither an English nor a Chinese word."""
    kind, text, start, end = items[index]
    if kind == "hole":
        held = plain.quoted_parts[start]
        yield LexToken(
            Slot.QUOTED_TEXT if isinstance(held, str) else Slot.SUBTITLES,
            TokenKind.SLOT,
            start,
            end,
            held,
        )
    elif kind == "file":
        yield from _read_file(plain, start, end)
    elif kind == "color":
        digits = text[1:] if len(text) == 7 else "".join(c * 2 for c in text[1:])
        yield LexToken(Slot.COLOR, TokenKind.SLOT, start, end, f"#{digits}")
    elif kind == "count":
        yield LexToken("", TokenKind.NUMBER, start, end, float(text))
    elif kind == "strong":
        yield LexToken(SENTENCE_END, TokenKind.SEPARATOR, start, end, text)
    elif kind == "mark":
        yield from _read_sign(plain.text, text, start)
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
    """A dash between numbers means "to"; between words it is nothing; else it separates."""
    before, after = text[max(0, at - 20) : at], text[at + 1 : at + 20]
    end = before.rstrip()[-1:]
    if end and end in "0123456789s秒分m" and after.lstrip()[:1].isdigit():
        yield LexToken("to", TokenKind.MODIFIER, at, at + 1, "-")
    elif before[-1:].isspace() or after[:1].isspace():
        yield LexToken(COMMA, TokenKind.SEPARATOR, at, at + 1, "-")


def _read_file(plain: NormalizedMessage, start: int, end: int) -> Iterator[LexToken]:
    """A file name, without the Chinese words of a command that stand right before it."""
    while start < end and (found := find_longest_word(plain.text, start, end)):
        word, length = found
        named = word.kind == TokenKind.SLOT and not _ASCII_NAME.search(plain.text, start, end)
        if named or plain.text[start + length] == ".":
            break
        yield LexToken(word.symbol, word.kind, start, start + length, word.value)
        start += length
    yield LexToken(Slot.FILE_NAME, TokenKind.SLOT, start, end, plain.original[start:end])


def _read_word(items: list[_Lexeme], index: int, tokens: list[LexToken]) -> int:
    """One phrase of the lexicon, or one word that it has not; returns the place after it."""
    text = items[index].text
    entries = load_lexicon().english.get(text)
    if entries is None and "'" in text:
        text = text.removesuffix("'s") if text.endswith("'s") else text.replace("'", "")
        entries = load_lexicon().english.get(text)
    if entries is None and (corrected := load_lexicon().spell_checker.correct(text)):
        text, entries = corrected, load_lexicon().english.get(corrected, [])
    for words, word in entries or ():
        skipped: list[_Lexeme] = []
        after = _match(items, index + 1, words[1:], skipped)
        if after is not None and not (
            words[1:] and _is_number_of_unit(words[-1], items[after : after + 1])
        ):
            tokens.append(
                LexToken(
                    word.symbol,
                    word.kind,
                    items[index].start,
                    items[after - 1].end,
                    # Zero is a value too.
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
    if items[index].kind == "word":
        tokens.append(
            LexToken(
                Slot.UNKNOWN_WORD,
                TokenKind.UNKNOWN,
                items[index].start,
                items[index].end,
                items[index].text,
            )
        )
    return index + 1


def _is_number_of_unit(last: str, items: list[_Lexeme]) -> bool:
    """Whether a phrase ends in a number of what follows: "into a one minute video" joins none."""
    if last != "one":
        return False
    entries = load_lexicon().english.get(items[0].text, []) if items else []
    return any(len(words) == 1 and word.symbol in TIME_UNITS for words, word in entries)


_PRONOUNS = frozenset("it this that them these those".split())


def _match(
    items: list[_Lexeme], index: int, words: tuple[str, ...], skipped: list[_Lexeme]
) -> int | None:
    """The place after these words, which may have articles and hyphens between them."""
    for word in words:
        while index < len(items) and items[index].text != word:
            item = items[index]
            if item.text in SKIPPABLE_WORDS and len(skipped) < 2:
                skipped.append(item)
            elif item.text != "-":
                if item.kind == "word" and load_lexicon().spell_checker.is_match(item.text, word):
                    break
                return None
            index += 1
        if index == len(items):
            return None
        index += 1
    return index
