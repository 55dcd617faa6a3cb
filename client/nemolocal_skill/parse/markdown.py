"""Finds the fenced blocks and the tables of a document.

markdown-it locates blocks and tables. It gets the lines without indentation, because authors indent
lists freely, and the lines of a block less than its fences.

In a page that was flattened to text the tables have no pipes: cells are separated by a tab or by
nothing (`Backend saysYou do`). Such a table is recognised by its header and ends at an empty line.
Rows with pipes but without a line of dashes are a table as well.
"""

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LANGUAGE = re.compile(r"[ \t]*([\w+-]{0,20})")
# Pipes at the edges of a row, and between its cells; `\|` is text, also in code.
_EDGES = re.compile(r"^\||(?<!\\)\|$")
_BAR = re.compile(r"(?<!\\)\|")
_RULER = re.compile(r"[ \t|:-]+$")
_INLINE = re.compile(r"`(curl [^`]{1,4000})`")
_MAX_LINE_LENGTH = 10_000
_MAX_CELLS = 12
# The headers of tables in skills, to recognise them when their cells are joined.
_FLATTENED_HEADERS = (
    ("user says...", "action", "skip sse?"),
    ("user says", "action", "skip sse?"),
    ("user says...", "action"),
    ("user says", "action"),
    ("backend says", "you do"),
    ("event", "action"),
    ("code", "meaning", "action"),
    ("endpoint", "method", "purpose"),
)
# Possible boundaries between two cells of a flattened row.
_FLATTENED_CELL_END = re.compile(r"(?<=[\"”」])(?=\w)|(?=→)|(?<=[a-z:)])(?=[A-Z])")


class CodeBlock(msgspec.Struct, frozen=True):
    """A fenced block: its language, its lines, and the number of the first of them."""

    language: str
    lines: tuple[str, ...]
    line: int


class TableRow(msgspec.Struct, frozen=True):
    """The cells of a row, as text without Markdown."""

    cells: tuple[str, ...]
    line: int


class Table(msgspec.Struct, frozen=True):
    """A table: its header in lower case, and its rows."""

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    line: int


class _Layout(msgspec.Struct, frozen=True):
    """The fenced blocks of a document, and the lines of table headers."""

    blocks: tuple[CodeBlock, ...]
    headers: frozenset[int]


def find_code_blocks(lines: tuple[str, ...], first: int) -> tuple[CodeBlock, ...]:
    """Return the fenced blocks from line `first` on; an unclosed one reaches to the end."""
    return _layout(lines, first).blocks


@functools.lru_cache(maxsize=1)
def _layout(lines: tuple[str, ...], first: int) -> _Layout:
    """Parse from line `first` on; cached, as it is needed several times for a document."""
    text = "\n".join(line.lstrip(" \t") for line in lines[first - 1 :])
    placed = [(token, first + token.map[0]) for token in _parser().parse(f"{text}\n") if token.map]
    return _Layout(
        tuple(_block(token, lines, number) for token, number in placed if token.type == "fence"),
        frozenset(number for token, number in placed if token.type == "table_open"),
    )


def _block(token: "Token", lines: tuple[str, ...], fence: int) -> CodeBlock:
    """Return the block with this opening fence; its lines keep their indentation."""
    language = _LANGUAGE.match(token.info)
    end = fence + token.content.count("\n")
    return CodeBlock(language[1].lower() if language else "", lines[fence:end], fence + 1)


@functools.cache
def _parser() -> "MarkdownIt":
    # Imported here, because most commands do not read a document.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero").enable(["fence", "table"])
    parser.core.ruler.enableOnly(["block"])
    return parser


def find_inline_commands(lines: tuple[str, ...], first: int) -> tuple[CodeBlock, ...]:
    """Return each `curl …` in a sentence or a cell as a block of one line, at its column."""
    fenced = _fenced(find_code_blocks(lines, first))
    rows = {row.line for table in find_tables(lines, first) for row in table.rows}
    return tuple(
        CodeBlock("", (" " * match.start(1) + _unescaped(match[1], number in rows),), number)
        for number in range(first, len(lines) + 1)
        if number not in fenced
        for match in _INLINE.finditer(lines[number - 1][:_MAX_LINE_LENGTH])
    )


def _unescaped(command: str, in_table: bool) -> str:
    """Unescape the pipes of a command in a table."""
    return command.replace("\\|", " |") if in_table else command


def _fenced(blocks: tuple[CodeBlock, ...]) -> frozenset[int]:
    """Return the numbers of the lines in fenced blocks, fences included."""
    return frozenset(
        number
        for block in blocks
        for number in range(block.line - 1, block.line + len(block.lines) + 1)
    )


def find_tables(lines: tuple[str, ...], first: int) -> tuple[Table, ...]:
    """Return all tables from line `first` on, outside fenced blocks."""
    layout = _layout(lines, first)
    fenced = _fenced(layout.blocks)
    found: list[Table] = []
    number = first
    while number <= len(lines):
        table = None if number in fenced else _table_at(lines, number, layout.headers)
        if table is None:
            number += 1
        else:
            found.append(table)
            number = (table.rows[-1].line if table.rows else number) + 1
    return tuple(found)


def _table_at(lines: tuple[str, ...], number: int, headers: frozenset[int]) -> Table | None:
    line = lines[number - 1]
    if number in headers or len(_BAR.findall(line)) > 1:
        rows = tuple(_pipe_rows(lines, number, headers))
        return Table(_lowered(rows[0].cells), rows[1:], number)
    header = _flattened_header(line)
    if header is None:
        return None
    return Table(header, tuple(_flattened_rows(lines, number + 1, len(header))), number)


def _lowered(cells: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cell.lower() for cell in cells)


def _pipe_rows(lines: tuple[str, ...], first: int, headers: frozenset[int]) -> Iterator[TableRow]:
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        if "|" not in line or (number != first and number in headers):
            return
        if number == first or not _RULER.match(line):
            yield TableRow(_cells(line), number)


def _cells(line: str) -> tuple[str, ...]:
    inner = _EDGES.sub("", line.strip())
    return tuple(strip_markup(cell.replace("\\|", "|")) for cell in _BAR.split(inner, _MAX_CELLS))


def _flattened_header(line: str) -> tuple[str, ...] | None:
    """Return the known header that a flattened line contains, None if there is none."""
    if "\t" in line:
        cells = tuple(strip_markup(cell).lower() for cell in line.strip().split("\t", _MAX_CELLS))
        known = {header[0] for header in _FLATTENED_HEADERS}
        return cells if len(cells) > 1 and cells[0] in known else None
    squeezed = line.strip().lower()
    return next((h for h in _FLATTENED_HEADERS if squeezed == "".join(h)), None)


def _flattened_rows(lines: tuple[str, ...], first: int, width: int) -> Iterator[TableRow]:
    for number in range(first, len(lines) + 1):
        line = lines[number - 1].strip()
        if not line:
            return
        if "\t" in line:
            cells = line.split("\t", _MAX_CELLS)
        else:
            end = [match.start() for match in _FLATTENED_CELL_END.finditer(line)]
            cut = _split_position(line, end)
            cells = [line[:cut], line[cut:]] if cut else [line]
            cells += _mark_at_end(cells) if width > 2 else []
        yield TableRow(tuple(strip_markup(cell) for cell in cells), number)


def _split_position(line: str, ends: list[int]) -> int:
    """Return where to split: at an arrow, else after the last quotation mark, else at a word."""
    arrow = line.find("→")
    if arrow > 0:
        return arrow
    quoted = [end for end in ends if line[end - 1] in '"”」']
    return quoted[-1] if quoted else next(iter(ends), 0)


def _mark_at_end(cells: list[str]) -> list[str]:
    """Return the tick or cross at the end of the last cell as a separate cell."""
    last = cells[-1].rstrip("\ufe0f ")
    return [last[-1]] if last[-1:] in ("✅", "❌", "✓", "✗") else []


def strip_markup(cell: str) -> str:
    """Return a text without backticks, stars and the space around it."""
    return cell.replace("`", "").replace("**", "").strip()
