"""Reads the tables of a skill: routing, errors, GUI translation, events of the stream."""

import re
from collections.abc import Callable, Iterator

from ..model import ErrorRow, EventRow, GuiRow, RouteRow, RouteTarget
from .markdown import Table, TableRow

_QUOTED = re.compile(r"[\"“「]([^\"”」]{1,80})[\"”」]")
_SECTION = re.compile(r"§\s?(\d{1,2}(?:\.\d{1,2}){0,2})")
_YES = frozenset(("✅", "✓", "✔", "yes", "y", "true", "x", "是", "✔️", "☑"))
_NO = frozenset(("❌", "✗", "✘", "no", "n", "false", "-", "—", "否", "", "✖", "✖️"))
_TARGETS: tuple[tuple[RouteTarget, re.Pattern[str]], ...] = (
    (
        "chat",
        re.compile(
            r"\bsse\b|/run_sse|\bchat\b|(?:every|any)thing else|其他|其它|聊天", re.IGNORECASE
        ),
    ),
    ("export", re.compile(r"\bexport|\brender|导出", re.IGNORECASE)),
    ("credits", re.compile(r"\bcredits?\b|\bbalance\b|积分|余额", re.IGNORECASE)),
    ("state", re.compile(r"\bstate\b|\bstatus\b|状态", re.IGNORECASE)),
    ("upload", re.compile(r"\bupload|上传", re.IGNORECASE)),
)
# "  • 1001 — token expired", "- `402`: …", "* 2001 - …".
_CODE_LINE = re.compile(
    r"[ \t]{0,8}[•*+-]?[ \t]{0,4}[`*]{0,3}(0|[1-9]\d{2,3})[`*]{0,3}"
    r"[ \t]{0,2}(?:[—–:-]|→)[ \t]{1,3}(.+)"
)
_CODE = re.compile(r"(?:HTTP\s)?(\d{1,4})\b")
_EVENT_WORDS = re.compile(
    r"\b(?:tool|text|heartbeat|stream|data:)|工具|文字|文本|心跳", re.IGNORECASE
)
# Headers of the first column of a routing table.
_SPEAKER = re.compile(r"\busers?\b|\bthey say\b|\brequest\b|\bintent\b|用户", re.IGNORECASE)
_GUI_WORDS = re.compile(r"\b(click|open|drag|preview)|(点击|打开|拖|预览)", re.IGNORECASE)
_KNOWN_CODES = frozenset(("1001", "1002", "2001", "4001", "4002", "400", "402", "429"))
# The number of matching cells that identifies a table.
_MIN_MATCHES = 2


def routing_rows(tables: tuple[Table, ...]) -> tuple[RouteRow, ...]:
    """Return the rows of the routing table."""
    return tuple(
        _route(row.cells, row.line, table.header)
        for table in tables
        if _is_routing_table(table)
        for row in table.rows
        if len(row.cells) > 1
    )


def _is_routing_table(table: Table) -> bool:
    name = table.header[0] if table.header else ""
    if "user says" in name:
        return True
    ways = {_target(row.cells[0]) for row in table.rows} - {"chat", "other"}
    return _SPEAKER.search(name) is not None and len(ways) >= _MIN_MATCHES


def _route(cells: tuple[str, ...], line: int, header: tuple[str, ...]) -> RouteRow:
    says, action = cells[0], cells[1].removeprefix("→").strip()
    section = _SECTION.search(action)
    target = _target(_SECTION.sub(" ", action))
    if target == "other":
        target = _target(says)
    words = tuple(_QUOTED.findall(says)) or (says,)
    skips = _skips(cells, header)
    return RouteRow(words, action, target, section[1] if section else "", skips, line)


def _target(text: str) -> RouteTarget:
    return next((target for target, words in _TARGETS if words.search(text)), "other")


def _skips(cells: tuple[str, ...], header: tuple[str, ...]) -> bool | None:
    """Whether SSE is skipped, by a column "Skip SSE?" or one with the opposite meaning."""
    named = ((n, name) for n, name in enumerate(header) if n and "sse" in name)
    column, name = next(named, (0, ""))
    if not column or column >= len(cells):
        return None
    mark = cells[column].lower()
    if mark not in _YES | _NO:
        return None
    inverted = not re.search(r"skip|without|no sse|bypass|跳过|绕过|不经", name)
    return (mark in _YES) != inverted


def error_rows(
    tables: tuple[Table, ...], lines: tuple[str, ...], first: int
) -> tuple[ErrorRow, ...]:
    """Return the codes in the first column of tables, and in lists `1001 — …`."""
    found = [row for table in tables for row in _error_rows_of(table)]
    for number in range(first, len(lines) + 1):
        match = _CODE_LINE.match(lines[number - 1])
        if match is not None:
            found.append(ErrorRow(int(match[1]), match[2].strip(), number))
    return tuple(sorted(found, key=lambda row: row.line))


def _error_rows_of(table: Table) -> Iterator[ErrorRow]:
    name = table.header[0] if table.header else "code"
    codes = {match[1] for row in table.rows if (match := _CODE.match(row.cells[0]))}
    if "code" not in name and "error" not in name and len(codes & _KNOWN_CODES) <= _MIN_MATCHES:
        return
    for row in table.rows:
        match = _CODE.match(row.cells[0])
        if match is not None:
            yield ErrorRow(int(match[1]), " — ".join(row.cells[1:]), row.line)


def gui_rows(tables: tuple[Table, ...]) -> tuple[GuiRow, ...]:
    """Return the rows of the GUI translation table."""
    rows = _rows_of(tables, _is_gui_table)
    return tuple(GuiRow(row.cells[0], row.cells[1], row.line) for row in rows)


def _is_gui_table(table: Table) -> bool:
    if table.header and "backend says" in table.header[0]:
        return True
    words = {
        match.group().lower() for row in table.rows if (match := _GUI_WORDS.search(row.cells[0]))
    }
    return len(words) >= _MIN_MATCHES and not _is_routing_table(table)


def event_rows(tables: tuple[Table, ...]) -> tuple[EventRow, ...]:
    """Return the rows of the table of stream events."""
    rows = _rows_of(tables, _is_event_table)
    return tuple(EventRow(row.cells[0], row.cells[1], row.line) for row in rows)


def _is_event_table(table: Table) -> bool:
    name = table.header[0] if table.header else ""
    return ("event" in name or "事件" in name) and any(
        _EVENT_WORDS.search(row.cells[0]) for row in table.rows
    )


def _rows_of(tables: tuple[Table, ...], matches: Callable[[Table], bool]) -> Iterator[TableRow]:
    """Yield the rows with two or more cells of the matching tables."""
    for table in tables:
        if matches(table):
            yield from (row for row in table.rows if len(row.cells) > 1)
