"""Checks the tables of a document for missing and wrong rows."""

import re
from collections.abc import Iterator

from ..model import ErrorRow, RawFinding, RouteTarget
from ..parse.document import Skill

_TARGETS: tuple[RouteTarget, ...] = ("export", "credits", "state", "upload", "chat")
# The quoted words of each route, for documents without a routing table.
_WORDS: dict[RouteTarget, str] = {
    "export": "export|导出|download|send me the video",
    "credits": "credits|积分|balance|余额",
    "state": "status|状态|show tracks",
    "upload": "upload|上传",
}
_CODES = {
    1001: r"token|auth|sign|log",
    1002: r"session|project|task",
    2001: r"credit|balance|top.?up",
    4001: r"type|format|support|file",
    4002: r"large|size|big|limit|compress|trim",
    400: r"client|param|request|missing|bad",
    402: r"plan|subscri|tier|upgrade|register|export|header",
    429: r"rate|limit|many|often|wait|throttl",
}
_BLAMES_CREDITS = re.compile(
    r"(?<!\bnot )(?<!\bnever )\b(?:out of|not enough|insufficient|buy(?: more)?|no) credits\b"
    r"|\btop[ -]?up\b|积分不足|充值",
    re.IGNORECASE,
)
_MORE_TRIES = re.compile(
    r"\b(?:retry|try|repeat)\b[^.;|\n]{0,40}"
    r"\b(?:twice|forever|until|[2-9]\d? times|two|three|five)\b"
    r"|(?:再试|重试)\s?(?:[二两三四五十]|[2-9]\d?)\s?次",
    re.IGNORECASE,
)
_GUI = {
    "click [button]": r"\bclick|点击",
    "open [panel]": r"\bopen\b|打开",
    "drag/drop": r"\bdrag|拖",
    "preview in timeline": r"\bpreview\b|预览",
    "Export button": r"\bexport\b|导出",
}
_STREAM_END = "the stream closes"
_EVENTS = {
    "text": r"\btext\b|文字|文本",
    "tool call/result": r"\btools?\b|\bfunction|工具",
    "heartbeat / empty data:": r"\bheartbeats?\b|心跳|\bempty\b[^.\n]{0,12}\bdata:",
    _STREAM_END: r"\b(?:stream|sse|connection|response)\b[^.;|\n]{0,30}"
    r"\b(?:close[sd]?|closing|ends?|ended|is over|finish(?:es|ed)?)\b"
    r"|\bclos(?:e[sd]?|ing)\b[^.;|\n]{0,30}\b(?:stream|sse|connection)\b"
    r"|\bclos(?:e[sd]?|ing)\b[`*\"' ]{0,4}(?:→|[-=]>|=|:|—|–)"
    r"|流(?:结束|关闭)|没有(?:任何)?(?:文字|文本)|无文本|\bend of (?:the )?stream"
    r"|\bno text\b|\bwithout (?:any )?text\b",
}
# A cell that is only the word for the end of the stream.
_END_CELL = re.compile(
    r"\W{0,4}(?:close[sd]?|closing|ends?|ended|end of stream|eof|finished)\b", re.IGNORECASE
)
# A code in a sentence; a line with more than a few codes explains them.
_CODE_IN_TEXT = re.compile(r"(?<![\w.-])(\d{3,4})(?![\w.]?\w)")
_MAX_CODES_IN_PASSING = 2
_CHINESE = re.compile("[\u4e00-\u9fff]")
_NUMBERED = re.compile(
    r"[ \t]{0,4}#{0,6}[ \t]{0,3}§?[ \t]?(\d{1,2}(?:\.\d{1,2}){0,2})\.?(?=[ \t:]|$)"
)


def check_routing(skill: Skill) -> Iterator[RawFinding]:
    """Check that all five routes exist, are right, and refer to existing sections."""
    rows = skill.routing
    found = {row.target for row in rows} if rows else set(_quoted_targets(skill))
    missing = [target for target in _TARGETS if target not in found]
    if missing:
        line = rows[0].line if rows else 0
        yield RawFinding("skill.routing.missing", line, f"no row for {', '.join(missing)}")
    for row in rows:
        if row.skips_sse is None or row.target == "other":
            continue
        if row.skips_sse != (row.target != "chat"):
            way = "goes to the chat" if row.target != "chat" else "never reaches the chat"
            yield RawFinding("skill.routing.skip-sse", row.line, f'"{row.words[0]}" {way}')
    sections = {match[1] for line in skill.lines if (match := _NUMBERED.match(line))}
    dead = [row for row in rows if row.section and row.section not in sections]
    if dead:
        names = ", ".join(f"§{row.section}" for row in dead)
        message = f"the document has no section {names}"
        yield RawFinding("skill.routing.dead-reference", dead[0].line, message)


def _quoted_targets(skill: Skill) -> Iterator[RouteTarget]:
    """Yield the routes of a document without a table, by the words that it quotes."""
    text = _text(skill)
    yield "chat"
    for target, words in _WORDS.items():
        if re.search(rf"[\"'“「`](?:{words})[\"'”」`]", text, re.IGNORECASE):
            yield target


def _text(skill: Skill) -> str:
    return "\n".join(skill.lines[skill.body_line - 1 :])


def check_errors(skill: Skill) -> Iterator[RawFinding]:
    """Check that every code is there with the right meaning."""
    rows = {row.code: row for row in skill.errors if row.code in _CODES}
    line = skill.errors[0].line if skill.errors else 0
    text = "" if skill.errors else _text(skill)
    in_text = {int(match[1]) for match in _CODE_IN_TEXT.finditer(text)}
    missing = [str(code) for code in _CODES if code not in rows and code not in in_text]
    if missing:
        yield RawFinding("skill.errors.missing", line, f"no row for {', '.join(missing)}")
    for row in skill.errors or _errors_in_text(skill):
        advice = tuple(_check_advice(row))
        yield from advice
        known = _CODES.get(row.code, "") if skill.errors and not advice else ""
        if not _CHINESE.search(row.text) and not re.search(known, row.text, re.IGNORECASE):
            message = f'{row.code} does not mean "{row.text[:60]}"'
            yield RawFinding("skill.errors.meaning", row.line, message)


def _errors_in_text(skill: Skill) -> Iterator[ErrorRow]:
    """Yield the codes of a document without a table or list, from lines with several codes."""
    for number in range(skill.body_line, len(skill.lines) + 1):
        line = skill.lines[number - 1]
        named = [match for match in _CODE_IN_TEXT.finditer(line) if int(match[1]) in _CODES]
        ends = [*(match.start() for match in named[1:]), len(line)]
        if len(named) > _MAX_CODES_IN_PASSING:
            for match, end in zip(named, ends, strict=True):
                yield ErrorRow(int(match[1]), line[match.end() : end], number)


def _check_advice(row: ErrorRow) -> Iterator[RawFinding]:
    if row.code == 402 and _BLAMES_CREDITS.search(row.text):
        yield RawFinding(
            "skill.errors.meaning", row.line, "402 is about the plan, never about credits"
        )
    elif row.code == 429 and (match := _MORE_TRIES.search(row.text)):
        message = f'"{match.group()}": one more try, after 30 seconds'
        yield RawFinding("skill.retry.rate-limit", row.line, message)


def check_gui(skill: Skill) -> Iterator[RawFinding]:
    """Check that every phrase of the GUI has a translation, in a table or in the text."""
    says = "\n".join(row.says for row in skill.gui) if skill.gui else _text(skill)
    missing = [name for name, words in _GUI.items() if not re.search(words, says, re.IGNORECASE)]
    if missing:
        line = skill.gui[0].line if skill.gui else 0
        yield RawFinding("skill.gui.missing", line, f"no row for {', '.join(missing)}")


def check_events(skill: Skill) -> Iterator[RawFinding]:
    """Check that every kind of event is described, in a table or in the text."""
    rows = skill.events
    says = "\n".join(row.event for row in rows) if rows else _text(skill)
    missing = [name for name, words in _EVENTS.items() if not re.search(words, says, re.IGNORECASE)]
    if any(_END_CELL.match(row.event) for row in rows):
        missing = [name for name in missing if name != _STREAM_END]
    if missing:
        line = rows[0].line if rows else 0
        yield RawFinding("skill.events.missing", line, f"not mentioned: {', '.join(missing)}")
