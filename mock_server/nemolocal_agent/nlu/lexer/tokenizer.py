"""Turns a message into tokens: the longest phrases of the lexicon, numbers, file names, quotes.

The message is normalized first, without moving a character: case, width, Traditional Chinese. One
typo in a word of a command is corrected: a missing, extra, wrong or swapped letter.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import cache, lru_cache
from typing import NamedTuple

from ...intents import Cue
from .chinese import find_longest_word, tokenize_chinese
from .lexicon import SKIPPABLE_WORDS, LexiconEntry, load_lexicon
from .srt import find_subtitles
from .tokens import COMMA, SENTENCE_END, TOTAL_SYMBOLS, LexToken, Slot, TokenKind
from .units import TIME_UNITS

_TRADITIONAL = (
    "輯頻視畫標題樂聲後個鐘長開頭結刪減調節轉場換動鏡亂順優橫豎壓縮寬圖檔傳輸導載點積餘態層疊邊"
    "圓綠藍黃紅銀對飽濾複復舊淨讓給請幫這裡裏麼樣為與無須還並間從將變淺過閃爍員顯隱靜關閉響輕溫"
    "愛歡傷電腦網紋夢圍繞遠園樹葉陽雲霧風湧濤濕際線組連續製倉庫補銷業務號碼質頁鍵時單雙幾兩萬億"
    "進階幀預覽剛應該說話講簡緩劇體檢狀條張塊滿鋪豐艷鮮銳虛暈燈擊總約項裝戲歷僅隻雜鎖腳煩謝嗎麽"
    "親師斷別夠啟飛噴懷漸擴縱鏈佈內於週訊設護讀寫錄鬆級終絲絕細紹經統緊編練乾夾滾擋畢適當錯讚嘆"
    "棄蓋貼來發兒們塗粵鬧憂鬱慘壯闊偉戰靈強濃專廣灑煙熱聖誕賽龍鳥貓車橋樓鄉異國會現觀賞記憶難報"
    "實處隨爾拋擲捲倆餵擇擬揀據縫攝銜併聯屬誰問術稱臺灣徑維彈鋼嘗試確認輝燦爛穩倫壞價費戶帳賬準"
    "備溝獨擁遞險隊陰陳雖頂頓顏願類顧飾馬駛驚魚齊齡針"
)
_SIMPLIFIED = (
    "辑频视画标题乐声后个钟长开头结删减调节转场换动镜乱顺优横竖压缩宽图档传输导载点积余态层叠边"
    "圆绿蓝黄红银对饱滤复复旧净让给请帮这里里么样为与无须还并间从将变浅过闪烁员显隐静关闭响轻温"
    "爱欢伤电脑网纹梦围绕远园树叶阳云雾风涌涛湿际线组连续制仓库补销业务号码质页键时单双几两万亿"
    "进阶帧预览刚应该说话讲简缓剧体检状条张块满铺丰艳鲜锐虚晕灯击总约项装戏历仅只杂锁脚烦谢吗么"
    "亲师断别够启飞喷怀渐扩纵链布内于周讯设护读写录松级终丝绝细绍经统紧编练干夹滚挡毕适当错赞叹"
    "弃盖贴来发儿们涂粤闹忧郁惨壮阔伟战灵强浓专广洒烟热圣诞赛龙鸟猫车桥楼乡异国会现观赏记忆难报"
    "实处随尔抛掷卷俩喂择拟拣据缝摄衔并联属谁问术称台湾径维弹钢尝试确认辉灿烂稳伦坏价费户帐账准"
    "备沟独拥递险队阴陈虽顶顿颜愿类顾饰马驶惊鱼齐龄针"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PUNCTUATION = {
    ord(mark): replacement
    for replacement, marks in {
        "'": "‘’ʼ´`",
        '"': "„‟〝〞",
        ".": "。｡",
        ",": "、…—―،",
        "-": "–‐‑‒−~～〜",
        " ": "\t\r\v\f\u00a0\u2002\u2003\u2009\u200a\u200b\u3000\ufeff*|^\\<>{}[]",
        "\n": "\u2028\u2029\x85",
        "%": "％",
    }.items()
    for mark in marks
}
_FOLD = _FULL_WIDTH | str.maketrans(_TRADITIONAL, _SIMPLIFIED) | _PUNCTUATION
# Each pattern stops at the next opening mark: many marks in a row must not take quadratic time.
# A backslash before the last quotation mark belongs to the text.
_QUOTED = re.compile(
    r"\"((?:[^\"\\]|\\.){1,2000})\"|\"([^\"]{0,1999}\\)\""
    r"|“([^“”]{1,2000})[”\"]|「([^「」]{1,2000})」|『([^『』]{1,2000})』"
    r"|《([^《》]{1,2000})》|«([^«»]{1,2000})»|【([^【】]{1,2000})】|‘([^‘’]{1,200})’"
    r"|(?<!\w)['’]([^\n]{1,100}?)['’](?!\w)"
)
# The number or bullet of a list item.
_LISTED = re.compile(r"(?:^|\n)[ ]{0,8}(?:\(?\d{1,2}[.):,](?=[^\d])|[-•·]) ?")
_QUOTE_PLACEHOLDER, _QUOTE_PADDING = "\x01", "\x02"
_MAX_MESSAGE_LENGTH = 2000
_EXTENSION = (
    r"\.(?:mp4|mov|avi|webm|mkv|jpe?g|png|gif|webp|mp3|wav|m4a|aac|cube|srt|vtt)(?![a-z0-9])"
)
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
    |(?P<word>(?:mp[34]|m4[av]|h26[45])(?![a-z0-9])|(?:(?![{_HAN}])[^\W\d_])+(?:'[a-z]+)?)
    |(?P<han>[{_HAN}]+)
    |(?P<sentence_end>[.!?;\n]+)
    |(?P<arrow>→)
    |(?P<sign>[,:&+%°×/@=\#()-])"""
_ASCII_NAME = re.compile(r"[a-z_]{2}[a-z0-9_.-]*\.")
_HAS_FILE = re.compile(_EXTENSION)
_AFTER_NUMBER = re.compile(r"(?:\d ?(?:s|secs?|m|mins?|秒|分|%)?|:)$")
_ARROW = re.compile(r"(?<![-=])[-=]>|⇒")
_ESCAPED = re.compile(r"\\([\"'])")
_LEXEME = re.compile(_LEXEMES, re.VERBOSE)
# Used only if there is a file extension, since this pattern looks far ahead.
_LEXEME_OR_FILE = re.compile(_FILE + _LEXEMES, re.VERBOSE)
_PRONOUNS = frozenset("it this that them these those".split())
_MIN_TYPO_LENGTH = 3
# Shorter words are similar to too many others.
_MIN_COMMAND_LENGTH = 4


class _NormalizedMessage(NamedTuple):
    """A normalized message: `text` is as long as the original, with placeholders for quoted parts.

    `quoted_parts` are the quoted texts, or the cues of an SRT, by the index where they start.
    """

    text: str
    original: str
    quoted_parts: dict[int, str | tuple[Cue, ...]]


def _normalize(message: str) -> _NormalizedMessage:
    """Convert to lower case, half width and simplified characters; cut out quoted parts."""
    quoted_parts: dict[int, str | tuple[Cue, ...]] = {}
    without_cues = message.replace(_QUOTE_PLACEHOLDER, " ").replace(_QUOTE_PADDING, " ")
    if "-->" in message:
        without_cues = _cut_out_subtitles(without_cues, quoted_parts)

    def cut_out(match: re.Match[str]) -> str:
        words = next(group for group in match.groups() if group is not None)
        if not words.strip() or _QUOTE_PLACEHOLDER in words:
            return match[0]
        quoted_parts[match.start()] = _ESCAPED.sub(r"\1", words)
        return _placeholder(len(match[0]))

    text = _QUOTED.sub(cut_out, without_cues)
    text = _ARROW.sub(lambda arrow: "→".ljust(len(arrow[0])), text)
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    unlisted = _LISTED.sub(lambda item: "\n" + " " * (len(item[0]) - 1), lower.translate(_FOLD))
    return _NormalizedMessage(unlisted, message, quoted_parts)


def _placeholder(length: int) -> str:
    return _QUOTE_PLACEHOLDER + _QUOTE_PADDING * (length - 1)


def _cut_out_subtitles(message: str, quoted_parts: dict[int, str | tuple[Cue, ...]]) -> str:
    """The message with a placeholder for an SRT; its cues go to `quoted_parts`."""
    pasted = find_subtitles(message)
    if pasted is None:
        return message
    quoted_parts[pasted.start] = pasted.cues
    placeholder = _placeholder(pasted.end - pasted.start)
    return message[: pasted.start] + placeholder + message[pasted.end :]


class _Lexeme(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def tokenize(message: str) -> list[LexToken] | None:
    """The tokens of a message, including fillers; None if it is too long."""
    normalized = _normalize(message)
    if len(normalized.text) - normalized.text.count(_QUOTE_PADDING) > _MAX_MESSAGE_LENGTH:
        return None
    pattern = _LEXEME_OR_FILE if _HAS_FILE.search(normalized.text) else _LEXEME
    lexemes = [
        _Lexeme(match.lastgroup or "", match[0], *match.span())
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
    normalized: _NormalizedMessage, lexemes: list[_Lexeme], index: int
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
    elif kind == "arrow":
        yield LexToken("to", TokenKind.MODIFIER, start, end, text)
    elif kind == "sign":
        yield from _read_sign(normalized.text, text, start)
    elif kind != "link":
        yield LexToken(kind, TokenKind.RAW_VALUE, start, end, text)


def _read_sign(text: str, sign: str, at: int) -> Iterator[LexToken]:
    if sign in "+-" and _is_signed(text, at):
        yield LexToken("more" if sign == "+" else "less", TokenKind.MODIFIER, at, at + 1)
    elif sign == "-":
        yield from _read_dash(text, at)
    elif sign in ",:+()":
        yield LexToken("and" if sign == "+" else COMMA, TokenKind.SEPARATOR, at, at + 1, sign)
    elif sign == "#":
        yield LexToken("hash", TokenKind.MODIFIER, at, at + 1)


def _is_signed(text: str, at: int) -> bool:
    """Whether a plus or minus belongs to the number after it: "+20%"."""
    before = text[max(0, at - 20) : at].rstrip()
    return text[at + 1 : at + 2].isdigit() and not _AFTER_NUMBER.search(before)


def _read_dash(text: str, at: int) -> Iterator[LexToken]:
    """A dash between numbers means "to", in a word it has no meaning, else it is a separator."""
    before, after = text[max(0, at - 20) : at], text[at + 1 : at + 20]
    if _AFTER_NUMBER.search(before.rstrip()) and after.lstrip()[:1].isdigit():
        yield LexToken("to", TokenKind.MODIFIER, at, at + 1, "-")
    elif before[-1:].isspace() or after[:1].isspace():
        yield LexToken(COMMA, TokenKind.SEPARATOR, at, at + 1, "-")


def _read_file(normalized: _NormalizedMessage, start: int, end: int) -> Iterator[LexToken]:
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
    lexeme = lexemes[index]
    text, corrected = _find_spelling(lexeme.text)
    for words, word in _find_entries(text, _next_words(lexemes, index)):
        if corrected and _is_total(word.symbol):
            continue
        skipped: list[_Lexeme] = []
        after = _phrase_end(lexemes, index, words, word.symbol, skipped)
        if after is None:
            continue
        # Not `or`: zero is a value.
        value = text if word.value is None else word.value
        end = lexemes[after - 1].end
        tokens.append(LexToken(word.symbol, word.kind, lexeme.start, end, value, word.is_base_form))
        if skipped:
            tokens.extend(
                LexToken("it", TokenKind.MODIFIER, i.start, i.end)
                for i in skipped
                if i.text in _PRONOUNS
            )
        return after
    if lexeme.kind == "word":
        tokens.append(
            LexToken(Slot.UNKNOWN_WORD, TokenKind.UNKNOWN, lexeme.start, lexeme.end, lexeme.text)
        )
    return index + 1


def _phrase_end(
    lexemes: list[_Lexeme], index: int, words: tuple[str, ...], symbol: str, skipped: list[_Lexeme]
) -> int | None:
    """The index after a phrase whose first word is at `index`; None if it is another phrase."""
    if len(words) == 1:
        return index + 1
    after = _match(lexemes, index + 1, words[1:], skipped, exact=_is_total(symbol))
    if after is None or _is_number_of_unit(words[-1], lexemes[after : after + 1]):
        return None
    return after


def _next_words(lexemes: list[_Lexeme], index: int) -> tuple[str, ...] | None:
    """What the second word of a phrase can be, across articles; None if it can be a typo."""
    found: list[str] = []
    skipped = 0
    for lexeme in lexemes[index + 1 : index + 5]:
        text = lexeme.text
        found.append(text)
        if text in SKIPPABLE_WORDS and skipped < 2:
            skipped += 1
        elif text not in ("-", "+"):
            known = lexeme.kind != "word" or text in load_lexicon().known_words
            return tuple(found) if known else None
    return tuple(found) if index + 1 + len(found) == len(lexemes) else None


@cache
def _is_total(symbol: str) -> bool:
    return not TOTAL_SYMBOLS.isdisjoint(symbol.split())


@lru_cache(maxsize=4096)
def _find_entries(
    first: str, seconds: tuple[str, ...] | None
) -> tuple[tuple[tuple[str, ...], LexiconEntry], ...]:
    """The phrases that start with a word and one of these, or with any second one if None."""
    return tuple(
        (words, word)
        for words, word in load_lexicon().english.get(first, ())
        if seconds is None or len(words) == 1 or words[1] in seconds
    )


def _find_spelling(text: str) -> tuple[str, bool]:
    """The word as the lexicon spells it, and whether it had a typo."""
    english = load_lexicon().english
    if text not in english and "'" in text:
        text = text.removesuffix("'s") if text.endswith("'s") else text.replace("'", "")
    corrected = None if text in english else _correct(text)
    text = corrected or text
    return text, corrected is not None


def _is_number_of_unit(last: str, lexemes: list[_Lexeme]) -> bool:
    """Whether the last word of a phrase counts what follows: "into a one minute video"."""
    if last != "one":
        return False
    entries = load_lexicon().english.get(lexemes[0].text, []) if lexemes else []
    return any(len(words) == 1 and word.symbol in TIME_UNITS for words, word in entries)


def _match(
    lexemes: list[_Lexeme],
    index: int,
    words: tuple[str, ...],
    skipped: list[_Lexeme],
    *,
    exact: bool = False,
) -> int | None:
    """The index after these words, which can have articles and hyphens between them; or None.

    `exact` words have no typo.
    """
    for word in words:
        while index < len(lexemes) and lexemes[index].text != word:
            lexeme = lexemes[index]
            if lexeme.text in SKIPPABLE_WORDS and len(skipped) < 2:
                skipped.append(lexeme)
            elif lexeme.text not in ("-", "+"):
                if exact or lexeme.kind != "word":
                    return None
                if _spell_checker().is_match(lexeme.text, word):
                    break
                return None
            index += 1
        if index == len(lexemes):
            return None
        index += 1
    return index


class _SpellChecker:
    """Corrects words of commands; `known` words are never corrected."""

    def __init__(self, meanings: Mapping[str, str], known: Set[str]) -> None:
        self._meanings = meanings
        self._known = known
        self._near: dict[str, list[str]] = {}
        for word in sorted(meanings):
            if len(word) >= _MIN_COMMAND_LENGTH and word.isalpha():
                for form in (word, *_single_deletions(word)):
                    self._near.setdefault(form, []).append(word)

    def is_match(self, typed: str, word: str) -> bool:
        """Whether this is the next word of a phrase, possibly with a typo.

        Since a word is expected here, two letters are enough: "fade ot".
        """
        if len(typed) < _MIN_TYPO_LENGTH:
            return typed not in self._known and _classify_typo(typed, word) in (1, 2)
        return _correct(typed) == word

    def correct(self, word: str) -> str | None:
        """The word of a command that differs in one letter.

        None if there is none, or if several with different meanings are equally near.
        """
        if len(word) < _MIN_TYPO_LENGTH or word in self._known:
            return None
        ranks: dict[str, tuple[int, bool]] = {}
        for form in (word, *_single_deletions(word)):
            for near in self._near.get(form, ()):
                if (kind := _classify_typo(word, near)) and (
                    len(word) > _MIN_TYPO_LENGTH or kind == 2
                ):
                    ranks[near] = (kind, near[0] != word[0])
        best = min(ranks.values(), default=None)
        nearest = [near for near, rank in ranks.items() if rank == best]
        if len({self._meanings[near] for near in nearest}) != 1:
            return None
        return nearest[0]


@cache
def _spell_checker() -> _SpellChecker:
    return _SpellChecker(load_lexicon().meanings, load_lexicon().known_words)


@lru_cache(maxsize=1024)
def _correct(word: str) -> str | None:
    """As `_SpellChecker.correct`: a word is compared with the next one of many phrases."""
    return _spell_checker().correct(word)


def _single_deletions(word: str) -> Iterable[str]:
    """The word without each of its letters."""
    return (word[:n] + word[n + 1 :] for n in range(len(word)))


def _classify_typo(typed: str, word: str) -> int:
    """The kind of typo, the most likely first: 0 if it is not one.

    1 two letters swapped, 2 one missing, 3 one too many, 4 one wrong.
    """
    at = next((n for n, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), None)
    at = min(len(typed), len(word)) if at is None else at
    if typed[at:] == word[at + 1 :]:
        return 2
    if typed[at + 1 :] == word[at:]:
        return 3
    if typed[at : at + 2] == word[at : at + 2][::-1] and typed[at + 2 :] == word[at + 2 :]:
        return 1
    return 4 if typed[at + 1 :] == word[at + 1 :] else 0
