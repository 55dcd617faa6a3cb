"""Finds the messages that a document proposes to its users: the list below "Try saying:"."""

import re
from collections.abc import Iterator
from itertools import islice

from ..model import ExamplePhrase

# A line that introduces examples: "**Try saying:**", "Examples of good prompts:", "试试说：".
_INTRODUCES = re.compile(
    r"\btry (?:saying|asking|these)\b|\btry[*_ ]{0,3}[:：]"
    r"|\b(?:example|sample|good) (?:prompts?|messages?|phrases?|requests?)\b|\bexamples? of\b"
    r"|(?:试试|可以)(?:说|这样说)|示例(?:提示|消息|指令)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"[ \t>]{0,8}(?:[-*•+]|\d{1,2}[.)])[ \t]{1,4}")
# The whole of a list item, or a part of a line between two separators.
_QUOTED = re.compile(r"[\"“「‘]([^\"”」’\n]{3,400})[\"”」’]")
_MAX_GAP = 2
_MAX_PHRASES = 20


def find_example_phrases(lines: tuple[str, ...], first: int) -> tuple[ExamplePhrase, ...]:
    """Return the example messages from line `first` on, none twice; 20 at most."""
    found: dict[str, ExamplePhrase] = {}
    for number in range(first, len(lines) + 1):
        if _INTRODUCES.search(lines[number - 1]):
            for phrase in _phrases_below(lines, number):
                found.setdefault(phrase.text, phrase)
    return tuple(islice(found.values(), _MAX_PHRASES))


def _phrases_below(lines: tuple[str, ...], number: int) -> Iterator[ExamplePhrase]:
    """Yield the phrases on the introducing line, else those of the list below it."""
    introduction = _INTRODUCES.search(lines[number - 1])
    start = introduction.end() if introduction else 0
    own = tuple(_phrases_in(lines[number - 1], number, start))
    yield from own
    gap = 0
    for following in range(number + 1, len(lines) + 1) if not own else ():
        line = lines[following - 1]
        if not line.strip():
            gap += 1
        elif _ITEM.match(line):
            gap = 0
            yield from islice(_phrases_in(line, following, 0), 1)
        else:
            return
        if gap > _MAX_GAP:
            return


def _phrases_in(line: str, number: int, start: int) -> Iterator[ExamplePhrase]:
    for match in islice(_QUOTED.finditer(line, start), _MAX_PHRASES):
        yield ExamplePhrase(" ".join(match[1].split()), number, match.start(1) + 1)
