"""Tokens of Chinese text: the longest word of the lexicon at each position, and numerals."""

import re

from .lexicon import LexiconEntry, load_lexicon
from .tokens import TOTAL_SYMBOLS, LexToken, Slot, TokenKind

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "〇": 0}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = r"[零〇一二两俩三四五六七八九十百千]{1,9}(?:点[零〇一二三四五六七八九]{1,6})?"
_NUMBER = re.compile(_NUMERAL)
_TENTHS = re.compile(r"([一二三四五六七八九])成(?![一二两三四五六七八九十\d个片])")
_PERCENT = re.compile(rf"百分之(?:(?P<numeral>{_NUMERAL})|(?P<digits>\d{{1,3}}(?:\.\d{{1,2}})?))")
_DIRECTION = re.compile(r"[出起过下上进回]?[去来](?=[吧啊呀哦]*(?![\u3400-\u9fff]))")
# 后面三十秒 is "the last 30 s", 5秒后面 "after 5 s".
_LAST = re.compile(rf"后面的?(?=(?:\d|{_NUMERAL}秒|{_NUMERAL}分))")
# 十分 alone means "very".
_COUNTED = ("十分钟", "两倍")


def find_longest_word(text: str, at: int, end: int) -> tuple[LexiconEntry, int] | None:
    """The longest word of the lexicon at this position, and its length."""
    if text[at] not in load_lexicon().chinese_first_characters:
        return None
    for length in range(min(load_lexicon().max_chinese_length, end - at), 0, -1):
        if (word := load_lexicon().chinese.get(text[at : at + length])) is not None:
            return word, length
    return None


def tokenize_chinese(text: str, at: int, end: int, tokens: list[LexToken]) -> int:
    """Append the tokens of a run of Chinese characters; returns the end.

    The end can be after the run: 百分之30.
    """
    while at < end:
        if percent := _PERCENT.match(text, at):
            share = float(percent["digits"] or parse_numeral(percent["numeral"])) / 100
            tokens.append(LexToken(Slot.PERCENT, TokenKind.SLOT, at, percent.end(), share))
            at = percent.end()
        elif tenths := _TENTHS.match(text, at):
            tokens.append(
                LexToken(
                    Slot.PERCENT, TokenKind.SLOT, at, tenths.end(), parse_numeral(tenths[1]) / 10
                )
            )
            at = tenths.end()
        else:
            at = _read_one(text, at, end, tokens)
    return at


def _read_one(text: str, at: int, end: int, tokens: list[LexToken]) -> int:
    if (edge := _LAST.match(text, at)) and not _is_time(tokens):
        tokens.append(LexToken("last", TokenKind.MODIFIER, at, edge.end()))
        return edge.end()
    found, number = find_longest_word(text, at, end), _NUMBER.match(text, at, end)
    if number and (found is None or _is_counted(text, at, number.end() - at, found[1])):
        tokens.append(LexToken("", TokenKind.NUMBER, at, number.end(), parse_numeral(number[0])))
        return number.end()
    if found is None and (after := _after_direction(text, at, end, tokens)):
        tokens.append(LexToken("", TokenKind.FILLER, at, after))
        return after
    if found is None and _is_removal(text, at, end):
        tokens.append(LexToken("remove", TokenKind.VERB, at, at + 1))
        return at + 1
    found = found or _find_fuzzy_word(text, at, end)
    if found:
        word, length = found
        tokens.append(
            LexToken(word.symbol, word.kind, at, at + length, word.value, word.is_base_form)
        )
        return at + length
    last = tokens[-1] if tokens else None
    if last is not None and last.kind == TokenKind.UNKNOWN and last.end == at:
        last.end = at + 1
        last.value = text[last.start : last.end]
    else:
        tokens.append(LexToken(Slot.UNKNOWN_WORD, TokenKind.UNKNOWN, at, at + 1, text[at]))
    return at + 1


def _is_time(tokens: list[LexToken]) -> bool:
    """Whether a number or its unit comes directly before."""
    kind = next(
        (token.kind for token in reversed(tokens[-2:]) if token.kind != TokenKind.FILLER), None
    )
    return kind in (TokenKind.NUMBER, TokenKind.RAW_VALUE, TokenKind.UNIT)


def _after_direction(text: str, at: int, end: int, tokens: list[LexToken]) -> int | None:
    """The end of a 去 or 起来 that only completes the verb: 放到结尾去."""
    match = _DIRECTION.match(text, at, end)
    follows = bool(tokens) and tokens[-1].end == at
    return match.end() if match and follows else None


def _is_removal(text: str, at: int, end: int) -> bool:
    """Whether a 去 before a noun means "remove": 去水印."""
    if text[at] != "去" or at + 1 == end or (after := find_longest_word(text, at + 1, end)) is None:
        return False
    return after[0].kind in (TokenKind.NOUN, TokenKind.TRANSITION)


def _find_fuzzy_word(text: str, at: int, end: int) -> tuple[LexiconEntry, int] | None:
    """A long word that differs in one character: 背静音乐."""
    for entry in load_lexicon().fuzzy_chinese.get(text[at], ()):
        if not TOTAL_SYMBOLS.isdisjoint(load_lexicon().chinese[entry].symbol.split()):
            continue
        typed = text[at : min(at + len(entry), end)]
        if sum(a == b for a, b in zip(typed, entry, strict=False)) == len(entry) - 1:
            return load_lexicon().chinese[entry], len(entry)
    return None


def _is_counted(text: str, at: int, numerals: int, word: int) -> bool:
    """Whether the numerals are a number, although a word starts with them: 第一段 is not 一段."""
    ordinal = at > 0 and text[at - 1] in "第数"
    return ordinal or numerals > word or text.startswith(_COUNTED, at)


def parse_numeral(text: str) -> float:
    """The value of Chinese numerals: 二十五, 一百二, 一点五."""
    whole, _, fraction = text.partition("点")
    total = digit = 0
    for sign in whole:
        if sign in _DIGITS:
            digit = digit * 10 + _DIGITS[sign]
        else:
            total += (digit or 1) * _POWERS[sign]
            digit = 0
    decimals = "".join(str(_DIGITS[sign]) for sign in fraction)
    return float(f"{total + digit}.{decimals or 0}")
