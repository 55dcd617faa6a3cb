"""The layout of a document: fenced blocks, and tables with or without their bars.

markdown-it says where blocks and tables are. Indentation is kept from it: authors of lists indent
as they please, and the lines of a block less than its fences.

A page that was flattened to text has lost its bars: cells stand behind a tab, or right behind each
other (`Backend saysYou do`). Such a table is known by its header line and ends at an empty line.
Bars without a line of dashes below the first row are a table as well.
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
# Bars at the edges of a row, and between its cells; `\|` is text, in code too.
_EDGES = re.compile(r"^\||(?<!\\)\|$")
_BAR = re.compile(r"(?<!\\)\|")
_RULER = re.compile(r"[ \t|:-]+$")
_INLINE = re.compile(r"`(curl [^`]{1,4000})`")
_MAX_LINE_LENGTH = 10_000
_MAX_CELLS = 12
# The headers of the tables that skills have, as they look when their cells stick together.
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
# Where one cell of a flattened row ends and the next begins.
_FLATTENED_CELL_END = re.compile(r"(?<=[\"”」])(?=\w)|(?=→)|(?<=[a-z:)])(?=[A-Z])")


class CodeBlock(msgspec.Struct, frozen=True):
    """A fenced block: its language, its lines, and the number of the first of them."""

    language: str
    lines: tuple[str, ...]
    line: int


class TableRow(msgspec.Struct, frozen=True):
    """The cells of a row, as text without marks of Markdown."""

    cells: tuple[str, ...]
    line: int


class Table(msgspec.Struct, frozen=True):
    """A table: header in small letters, and rows."""

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    line: int


class _Layout(msgspec.Struct, frozen=True):
    """The fenced blocks of a document, and the numbers of the lines that head a table."""

    blocks: tuple[CodeBlock, ...]
    headers: frozenset[int]


def find_code_blocks(lines: tuple[str, ...], first: int) -> tuple[CodeBlock, ...]:
    """The fenced blocks from line `first` on; one that is never closed reaches to the end."""
    return _layout(lines, first).blocks


@functools.lru_cache(maxsize=1)
def _layout(lines: tuple[str, ...], first: int) -> _Layout:
    """What markdown-it finds from line `first` on; asked several times for the same document."""
    text = "\n".join(line.lstrip(" \t") for line in lines[first - 1 :])
    placed = [(token, first + token.map[0]) for token in _parser().parse(f"{text}\n") if token.map]
    return _Layout(
        tuple(_block(token, lines, number) for token, number in placed if token.type == "fence"),
        frozenset(number for token, number in placed if token.type == "table_open"),
    )


def _block(token: "Token", lines: tuple[str, ...], fence: int) -> CodeBlock:
    """The block whose opening fence is this line, its lines as they stand."""
    language = _LANGUAGE.match(token.info)
    end = fence + token.content.count("\n")
    return CodeBlock(language[1].lower() if language else "", lines[fence:end], fence + 1)


@functools.cache
def _parser() -> "MarkdownIt":
    # Not every command reads a document.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero").enable(["fence", "table"])
    parser.core.ruler.enableOnly(["block"])
    return parser


def find_inline_commands(lines: tuple[str, ...], first: int) -> tuple[CodeBlock, ...]:
    """Each `curl …` in a sentence or a cell as a block of one line, its columns kept."""
    fenced = _fenced(find_code_blocks(lines, first))
    rows = {row.line for table in find_tables(lines, first) for row in table.rows}
    return tuple(
        CodeBlock("", (" " * match.start(1) + _unescaped(match[1], number in rows),), number)
        for number in range(first, len(lines) + 1)
        if number not in fenced
        for match in _INLINE.finditer(lines[number - 1][:_MAX_LINE_LENGTH])
    )


def _unescaped(command: str, in_table: bool) -> str:
    """A command whose pipes are escaped only because it stands in a table."""
    return command.replace("\\|", " |") if in_table else command


def _fenced(blocks: tuple[CodeBlock, ...]) -> frozenset[int]:
    """The numbers of the lines in fenced blocks, fences included."""
    return frozenset(
        number
        for block in blocks
        for number in range(block.line - 1, block.line + len(block.lines) + 1)
    )


def find_tables(lines: tuple[str, ...], first: int) -> tuple[Table, ...]:
    """All tables from line `first` on, outside fenced blocks."""
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
    """The header that a line is without its bars, if it is one of those known."""
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
    """An arrow decides, then the last quotation mark, then the first word that sticks."""
    arrow = line.find("→")
    if arrow > 0:
        return arrow
    quoted = [end for end in ends if line[end - 1] in '"”」']
    return quoted[-1] if quoted else next(iter(ends), 0)


def _mark_at_end(cells: list[str]) -> list[str]:
    """A tick or cross behind the last cell is a cell of its own."""
    last = cells[-1].rstrip("\ufe0f ")
    return [last[-1]] if last[-1:] in ("✅", "❌", "✓", "✗") else []


def strip_markup(cell: str) -> str:
    """Text without backticks, stars and the space around it."""
    return cell.replace("`", "").replace("**", "").strip()
