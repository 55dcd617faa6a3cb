"""Finds the limits that a document states in its text and in its polling loops.

A number counts only in words that make it a limit: "up to 2GB" does, "a file at 800MB" does not.
Every pattern is bounded.
"""

import re
from collections.abc import Callable, Iterator

from nemolocal_contract.media import ACCEPTED_EXTENSIONS, MB, normalize_extension

from ..model import FormatList, LimitKind, StatedLimit
from .markdown import CodeBlock

_4K = 2160
_UNITS = {"kb": MB // 1000, "mb": MB, "gb": 1000 * MB, "tb": 1000_000 * MB}
_SIZE = r"(\d{1,6}(?:\.\d{1,3})?)\s?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)\b"
_TIME = r"(\d{1,5})[ -]?(s|secs?|seconds?|m|mins?|minutes?|秒|分钟)(?![\w])"
# Chinese has no spaces between words.
_CHINESE_TIME = r"(\d{1,5})\s?(秒|分钟)"
_STATUS = r"render/proxy/lambda/[<${:]"
_LIMIT = (
    r"(?:up to|max(?:imum|\.)?|limit(?:ed)?|at most|no (?:larger|more|bigger) than|under|≤|最大)"
)

_ValueReader = Callable[[re.Match[str]], int]
_RESOLUTION = (
    r"(?:(?P<width>\d{3,4})\s?[x×]\s?(?P<height>\d{3,4})|(?P<lines>\d{3,4})p\b|4k\b|uhd\b)"
)
_EXPORT_NOUNS = r"(?:mp4|(?:\w{2,10} )?videos?|output|exports?|quality|files?)\b"
_ACCEPTED = re.compile(
    r"\b(?:supported|accepted|accepts|allowed|supports)(?: (?:upload|input|media|file|video)){0,2}"
    r"(?: (?:formats?|types?|files?|extensions?)){0,2}\s?(?::|are\b|=|—|\|)\s?"
    r"|(?:支持|接受)的?(?:文件|素材)?(?:格式|类型)\s?[:：|]\s?",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\(([A-Za-z0-9, /]{7,200}?)(?:,? (?:up to|max)\b[^()]{0,30})?\)")
_NAME = re.compile(r"(?<![\w/.<-])[A-Za-z][A-Za-z0-9]{1,4}(?![\w-])")
_LIST_END = re.compile(r"\.(?:\s|$)|。|;|\(|\bup to\b|\bmax\b")
_MAX_LIST_LENGTH = 400
_RENDER_STATUS_URL = re.compile(r"/api/render/proxy/lambda/[<${:]")
_BEGINS = re.compile(r"([ \t]{0,40})(?:for|while|until)\b")
_OPENS = re.compile(r"[ \t]{0,40}(?:do|\{)[ \t]{0,8}$")
_ENDS = re.compile(r"[ \t]{0,40}done\b|[^#\n]{0,400};[ \t]{0,8}done\b")
_PAUSE = re.compile(r"\bsleep(?:[ \t]{1,4}|\()(\d{1,3}(?:_\d{3}){1,2}|\d{1,6})\b")
_TIMES = re.compile(
    r"\bseq (?:1 )?(\d{1,4})\b|\{1\.\.(\d{1,4})\}|\brange\((?:\d, ?)?(\d{1,4})\)"
    r"|\b[a-z]\w{0,15} ?<=? ?(\d{1,4})\b"
)
# A number of credits is a grant where the line is about a token, and not about costs.
_PRICE = re.compile(
    r"\b(?:costs?|charged?|spend|spent|deduct\w*|price|per|each)\b|消耗|花费|收取|收费|扣|每次",
    re.IGNORECASE,
)
# What a number of credits buys, in the clause before it.
_BUYS = re.compile(r"(?:[编剪]辑|生成|字幕)[^，。；|]{0,40}$")
_GRANTED = re.compile(r"token|anonymous|sign|start|free|trial|令牌|匿名|免费", re.IGNORECASE)
# A sleep this long is in milliseconds.
_MILLISECONDS = 1000


def _size(match: re.Match[str]) -> int:
    number, unit = match[1], match[2].lower().replace("i", "")
    return int(float(number) * _UNITS[unit])


def _seconds(match: re.Match[str]) -> int:
    return int(match[1]) * (60 if match[2][0].lower() in "m分" else 1)


def _count(match: re.Match[str]) -> int:
    return int(next(group for group in match.groups() if group))


def _height(match: re.Match[str]) -> int:
    """Return the pixels of the shorter side, which 1080p and 4K (2160) name.

    In patterns with two alternatives the groups of the second have a prefix.
    """
    groups = match.groupdict()
    for more in ("", "k", "r"):
        width, height = groups.get(f"{more}width"), groups.get(f"{more}height")
        if width and height:
            return min(int(width), int(height))
        if named := groups.get(f"{more}lines"):
            return int(named)
    return _4K


_PATTERNS: tuple[tuple[LimitKind, _ValueReader, str], ...] = (
    ("upload_limit", _size, rf"{_LIMIT}[^.;|\n]{{0,30}}?\b{_SIZE}"),
    ("upload_limit", _size, rf"\b{_SIZE}\s(?:max\b|maximum|limit|or (?:less|smaller))"),
    ("poll_interval", _seconds, rf"{_STATUS}[^;|\n]{{0,60}}?\bevery {_TIME}"),
    ("poll_interval", _seconds, rf"\bpoll(?:s|ing)?\b[^.;|\n]{{0,90}}?\bevery {_TIME}"),
    ("poll_interval", _seconds, rf"\bevery {_TIME}[^.;|\n]{{0,40}}?\bpoll"),
    ("poll_interval", _seconds, rf"(?:轮询|查询)[^。；|\n状态]{{0,40}}?每隔?\s?{_CHINESE_TIME}"),
    ("poll_interval", _seconds, rf"每隔?\s?{_CHINESE_TIME}[^。；|\n状态]{{0,20}}?(?:轮询|查询)"),
    ("poll_interval", _seconds, rf"\bpoll(?:ing)? interval\W{{1,4}}(?:is )?{_TIME}"),
    (
        "poll_tries",
        _count,
        rf"\bpoll[^;|\n]{{0,100}}?\b{_LIMIT} (\d{{1,4}}) (?:times|tries|attempts|polls)\b"
        r"|\bpoll[^;|\n]{0,100}?\b(\d{1,4}) (?:times|polls|attempts) (?:at most|max)"
        r"|\b(\d{1,4}) polls? (?:at most|max)|\bmax(?:imum)? (?:of )?(\d{1,4}) polls?\b"
        rf"|{_STATUS}[^;|\n]{{0,90}}?\b(?:{_LIMIT} (\d{{1,4}}) times|(\d{{1,4}}) times at most)"
        r"|(?:轮询|查询)[^。；|\n状态]{0,40}?最多\s?(\d{1,4})\s?次"
        r"|\bpoll(?:s|ing)?(?: (?:limit|tries|attempts|count))?\s?\|\s?(?:at most |up to |max )?"
        r"(\d{1,4})(?=(?: (?:times|tries|attempts|polls))?(?: at most| max)?\s?(?:\||$))",
    ),
    ("turn_timeout", _seconds, rf"\btime-?out\b\W{{0,5}}(?:is |of |after )?(?:at )?{_TIME}"),
    ("turn_timeout", _seconds, rf"\b{_TIME} time-?out\b"),
    ("turn_timeout", _seconds, rf"SSE[^。\n]{{0,300}}?(?:最长|超时)\W{{0,3}}{_CHINESE_TIME}"),
    ("working_note", _seconds, rf"\bevery {_TIME}[^.;|\n]{{0,12}}[^|\n]{{0,12}}still working"),
    ("working_note", _seconds, rf"每隔?\s?{_CHINESE_TIME}[^。|\n]{{0,16}}still working"),
    ("working_note", _seconds, rf"still working[^|\n]{{0,20}}\bevery {_TIME}"),
    (
        "token_life",
        _count,
        r"\bvalid (?:for )?(\d{1,4}) days?\b|\b(\d{1,4})[ -]days? expir"
        r"|\bexpires? (?:in|after) (\d{1,4}) days?\b|\blasts? (\d{1,4}) days?\b"
        r"|\btoken (?:life(?:time)?|validity|expiry)\s?[|:]\s?(\d{1,4}) days?\b"
        r"|有效期\s?(\d{1,4})\s?天",
    ),
    (
        "grant",
        _count,
        r"(?<![\w.§])(\d{1,6}) (?:free |starter |trial ){0,2}credits?\b(?! (?:per|each|a|for)\b)"
        r"|(?<![\w.§])(\d{1,6})\s?个?(?:免费)?积分",
    ),
    (
        "rate_limit_wait",
        _seconds,
        rf"\b(?:429|rate[ -]limit)[^\n]{{0,80}}?\b(?:wait|retry in|retry after|pause) {_TIME}",
    ),
    ("rate_limit_wait", _seconds, rf"\b429\b[^\n]{{0,80}}?等待?\s?{_CHINESE_TIME}"),
    (
        "resolution_promised",
        _height,
        r"\b(?:export|download|deliver|get|receive|hands? you|save)s?\b[^.;|\n]{0,12}?\b"
        rf"{_RESOLUTION}(?= {_EXPORT_NOUNS})"
        rf"|\bkeep(?:s|ing)? {_RESOLUTION.replace('?P<', '?P<k')} quality",
    ),
    (
        "resolution_given",
        _height,
        rf"\b(?:up to|at most|max(?:imum)?|limited to) {_RESOLUTION}|\b(?:runs|renders|exports)\b"
        rf"[^.;|\n]{{0,20}}?\bat {_RESOLUTION.replace('?P<', '?P<r')}",
    ),
)
_COMPILED = tuple((k, read, re.compile(p, re.IGNORECASE)) for k, read, p in _PATTERNS)


def find_stated_limits(lines: tuple[str, ...], first: int) -> tuple[StatedLimit, ...]:
    """Return the limits from line `first` on, in the order of the document, none twice."""
    found = {
        (s.kind, s.value, s.line): s
        for number in range(first, len(lines) + 1)
        for s in _limits_in_line(lines[number - 1], number)
    }
    return tuple(sorted(found.values(), key=lambda s: (s.line, s.column, s.kind)))


def _limits_in_line(line: str, number: int) -> Iterator[StatedLimit]:
    if not any(character.isdigit() for character in line):
        return
    is_grant = _GRANTED.search(line) and not _PRICE.search(line)
    for kind, read, pattern in _COMPILED:
        if kind == "grant" and not is_grant:
            continue
        for match in pattern.finditer(line):
            if kind == "grant" and _BUYS.search(line[: match.start()]):
                continue
            text = match.group().strip()
            yield StatedLimit(kind, read(match), number, match.start() + 1, text)


def find_formats(lines: tuple[str, ...], first: int) -> tuple[FormatList, ...]:
    """Return the lists of file formats: the accepted list, and lists in brackets."""
    found: list[FormatList] = []
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        match = _ACCEPTED.search(line)
        if match is not None:
            names = _names(line[match.end() : match.end() + _MAX_LIST_LENGTH], whole=True)
            if sum(map(_is_accepted, names)) > 1:
                found.append(FormatList(names, number, match.end() + 1, is_accepted_list=True))
                continue
        for bracket in _BRACKETED.finditer(line):
            names = _names(bracket[1], whole=False)
            if sum(map(_is_accepted, names)) > 1:
                found.append(
                    FormatList(names, number, bracket.start(1) + 1, is_accepted_list=False)
                )
    return tuple(found)


def _names(text: str, *, whole: bool) -> tuple[str, ...]:
    end = _LIST_END.search(text) if whole else None
    words = _NAME.findall(text[: end.start()] if end else text)
    return tuple(word.lower() for word in words if word.lower() not in ("and", "or", "also"))


def _is_accepted(name: str) -> bool:
    return name in ACCEPTED_EXTENSIONS or normalize_extension(f"x.{name}") is not None


def find_polling_loops(blocks: tuple[CodeBlock, ...]) -> tuple[StatedLimit, ...]:
    """Return the interval and the number of polls of every loop that polls a render."""
    return tuple(limit for block in blocks for limit in _in_block(block))


def _in_block(block: CodeBlock) -> Iterator[StatedLimit]:
    last = max((n for n, line in enumerate(block.lines) if _ENDS.match(line)), default=-1)
    number = 0
    while number < len(block.lines):
        begun = _BEGINS.match(block.lines[number])
        end = _end(block.lines, number, len(begun[1]), last) if begun else number + 1
        loop = block.lines[number:end]
        if begun and any(map(_RENDER_STATUS_URL.search, loop)):
            yield from _limits_in_loop(loop, block.line + number)
        number = end


def _end(lines: tuple[str, ...], first: int, indent: int, last: int) -> int:
    """Return the first line after a loop: after its `done`, or where the indentation ends.

    `last` is the line of the last `done`.
    """
    if _ENDS.match(lines[first]):
        return first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if _ENDS.match(line):
            return number + 1
        inside = not line.strip() or len(line) - len(line.lstrip()) > indent or _OPENS.match(line)
        if not inside and last < number:
            return number
    return len(lines)


def _limits_in_loop(loop: tuple[str, ...], first: int) -> Iterator[StatedLimit]:
    for number, line in enumerate(loop, first):
        pause, times = _PAUSE.search(line), _TIMES.search(line)
        if pause is not None:
            length = int(pause[1])  # with the underscores of Python and JavaScript
            seconds = length // _MILLISECONDS if length >= _MILLISECONDS else length
            text = pause.group().rstrip("(")
            yield StatedLimit("poll_interval", seconds, number, pause.start() + 1, text)
        if times is not None and number == first:
            count = int(next(group for group in times.groups() if group))
            yield StatedLimit("poll_tries", count, number, times.start() + 1, times.group())
