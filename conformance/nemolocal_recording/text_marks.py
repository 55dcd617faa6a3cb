"""What is told of a text without the text: its length, and which phrases of the contract it has."""

import re

from nemolocal_contract.media import ACCEPTED_EXTENSIONS

_FORMATS = frozenset(ACCEPTED_EXTENSIONS)
_WORD = re.compile(r"[a-z0-9]{2,5}")
_PHRASES = {
    # SSE-10
    "gui": re.compile(r"\b(?:click|open|drag|drop|button|panel|preview|export)\b", re.IGNORECASE),
    "gui_zh": re.compile("点击|打开|拖拽|导出"),
    # SSE-9
    "temporary_issue": re.compile("i encountered a temporary issue|遇到了?临时问题", re.IGNORECASE),
    # CRD-4, SES-4
    "bind_link": re.compile(r"[?&]bind="),
    "top_up": re.compile(r"\btop up\b", re.IGNORECASE),
    # REN-2
    "register": re.compile(r"\bregister\b", re.IGNORECASE),
    "credits": re.compile(r"\bcredits?\b|积分", re.IGNORECASE),
    # REN-6
    "duplicate": re.compile(r"\bduplicate\b", re.IGNORECASE),
    # GEN-6: a field of a request by name.
    "field": re.compile(
        r"\b(?:[a-z]+_[a-z_]+|X-Client-Id|sessionId|files|draft|urls|parts?|text|id)\b",
        re.IGNORECASE,
    ),
    # GEN-7: a hint that something exists.
    "exists": re.compile(r"\b(?:another|other|belongs?|exists?)\b", re.IGNORECASE),
    # What a GUI text is about, in Chinese.
    "han": re.compile("[\u4e00-\u9fff]"),
}
_LONGEST = 20_000
_MOST_BLANK = 16


def describe_text(text: str) -> str:
    """Return what a recording keeps of a text: `<text:120 gui>`; blanks and "" stay."""
    if not text.strip(" \t\r\n"):
        return text[:_MOST_BLANK]
    return f"<text:{' '.join([str(len(text)), *text_marks(text[:_LONGEST])])}>"


def text_marks(text: str) -> list[str]:
    """Return the names of the phrases of the contract that a text has."""
    marks = [name for name, phrase in _PHRASES.items() if phrase.search(text)]
    if set(_WORD.findall(text.lower())) >= _FORMATS:
        marks.append("formats")  # UPL-3
    return marks


def marks_of(kept: object) -> frozenset[str]:
    """Return the marks of a text as it stands in a recording."""
    if not isinstance(kept, str) or not kept.startswith("<text:") or not kept.endswith(">"):
        return frozenset(text_marks(kept) if isinstance(kept, str) else ())
    return frozenset(kept[len("<text:") : -1].split()[1:])
