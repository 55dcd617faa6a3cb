"""The backend's words without its GUI (CLI-6, SSE-10).

The backend writes for people who sit before its editor. Here nobody does: a sentence that tells
the user to click, open, drag or press something is replaced by what this client does instead, or
dropped; what describes the result stays.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

Action = Literal["export", "timeline", "edit", "balance", "click"]


class Phrase(msgspec.Struct, frozen=True):
    """A way in which the backend points at its GUI, and what is said in its place."""

    pattern: re.Pattern[str]
    action: Action
    instead: str = ""


def _phrase(pattern: str, action: Action, instead: str = "") -> Phrase:
    return Phrase(re.compile(pattern, re.IGNORECASE), action, instead)


_EXPORT = 'Say "export" to get the file.'
_EDIT = "Say what to move and where, and it is done."
_BALANCE = 'Say "credits" to see the balance.'
# Where an imperative stands: at the start, or after a word or sign that leads one in.
_LEAD = r"(?:^|[,;:(—–-]\s*|\b(?:to|can|could|may|please|and|then|or|just|simply|now|you)\s+)"
# "open the Audio panel", "open Settings", but not "a calm, open sea".
_THING = r"(?:the\b|your\b|this\b|it\b|(?-i:[A-Z\[“\x22]))"
_BUTTONS = r"(?:button|menu|panel|tab|icon|toolbar|sidebar|settings)"

PHRASES: tuple[Phrase, ...] = (
    _phrase(r"\bexport\s+(?:button|menu|panel|tab|icon|dialog)\b", "export", _EXPORT),
    _phrase(r"\b(?:click|tap|press|hit)\b[^.!?]*\b(?:export|download)\b", "export", _EXPORT),
    _phrase(r"(?:点击|打开|按)[^。！？]*(?:导出|下载)", "export", '回复 "export" 即可获得文件。'),
    _phrase(r"导出", "export", '回复 "export" 即可获得文件。'),
    _phrase(r"\bpreview\b[^.!?]*\b(?:timeline|editor|player)\b", "timeline"),
    _phrase(r"\b(?:see|view|check)\b[^.!?]*\bin\s+(?:the|your)\s+timeline\b", "timeline"),
    _phrase(r"(?:时间线|时间轴)[^。！？]*预览|预览[^。！？]*(?:时间线|时间轴)", "timeline"),
    _phrase(rf"{_LEAD}(?:re)?open\s+(?:up\s+)?{_THING}", "timeline"),
    _phrase(rf"\bopen(?:ing)?\b[^.!?]*\b{_BUTTONS}\b", "timeline"),
    _phrase(r"打开", "timeline"),
    _phrase(r"\bdrag(?:ging)?\b|\bdrag-and-drop\b", "edit", _EDIT),
    _phrase(rf"{_LEAD}drop\s+(?:it|them|the|your|a|an)\b", "edit", _EDIT),
    _phrase(r"拖拽|拖动|拖放|拖到", "edit", "告诉我要移动什么、移到哪里即可。"),
    _phrase(r"\bcheck\s+(?:your\s+|the\s+)?(?:account|billing)\b", "balance", _BALANCE),
    _phrase(
        r"(?:查看|检查)(?:您的|你的)?(?:账户|账单|帐户)", "balance", '回复 "credits" 可查看余额。'
    ),
    _phrase(r"\b(?:double-|right-)?click(?:ing)?\b(?!\s+(?:tracks?|sounds?|noises?))", "click"),
    _phrase(rf"\b(?:tap|press|hit|select|choose|use)\b[^.!?]*\b{_BUTTONS}\b", "click"),
    _phrase(r"点击|单击|双击", "click"),
)

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")
_CLAUSE_END = re.compile(
    r"[,;:—–，；、：]\s*(?:and\s+|but\s+|so\s+|or\s+)?(?:then\s+)?"
    r"|\s+-\s+|\s+(?:and|but|so|or)\s+(?=then\b|you\b|click|tap|press|open|drag|drop|preview|check)",
    re.IGNORECASE,
)
# A clause that only leads up to the GUI action says nothing without it.
_LEADS_UP = re.compile(
    r"(?:to|if|when|once|after|before|for|in order|you can|you may|please|next|then|now|finally)\b"
    r"|请|如|若|要|想|接下来|然后|现在|您可以|你可以",
    re.IGNORECASE,
)


class Translation(msgspec.Struct, frozen=True):
    """Texts to show, and the GUI actions that were taken out of them."""

    texts: tuple[str, ...]
    actions: frozenset[Action] = frozenset()

    @property
    def wants_state(self) -> bool:
        """Whether the backend pointed at something that the state shows."""
        return "timeline" in self.actions


def translate(texts: Iterable[str]) -> Translation:
    """The texts of a turn without the GUI; empty ones are left out."""
    shown: list[str] = []
    found: list[Phrase] = []
    for text in texts:
        known = len(found)
        kept = " ".join(_sentences(text, found))
        # Without a GUI action the text stays as it was, line breaks included.
        shown += [kept if len(found) > known else text.strip()] if kept else []
    for instead in dict.fromkeys(phrase.instead for phrase in found if phrase.instead):
        shown.append(instead)
    return Translation(tuple(shown), frozenset(phrase.action for phrase in found))


def _sentences(text: str, found: list[Phrase]) -> Iterable[str]:
    for sentence in _SENTENCE_END.split(text):
        phrase = _points_at_gui(sentence)
        if phrase is None:
            if sentence.strip():
                yield sentence.strip()
        else:
            found.append(phrase)
            kept = _before_the_action(sentence)
            if kept:
                yield kept


def _points_at_gui(text: str) -> Phrase | None:
    return next((phrase for phrase in PHRASES if phrase.pattern.search(text)), None)


def _before_the_action(sentence: str) -> str:
    """The part of a sentence that stands before its GUI action, as a sentence of its own."""
    end = 0
    for clause_end in [*_CLAUSE_END.finditer(sentence), None]:
        clause = sentence[end : clause_end.start() if clause_end else None]
        if _points_at_gui(clause) or _LEADS_UP.match(clause.strip()):
            break
        end = clause_end.end() if clause_end else len(sentence)
    kept = re.sub(r"(?:[\s,;:—–，；、：-]|\b(?:and|but|so|or|then)\b)+$", "", sentence[:end])
    if not kept:
        return ""
    return kept + ("。" if re.search(r"[\u4e00-\u9fff]$", kept) else ".")
