"""The layout of a document: fenced blocks, and tables with or without their bars.

A page that was flattened to text has lost its bars: cells stand behind a tab, or right behind each
other (`Backend saysYou do`). Such a table is known by its header line and ends at an empty line.
"""

import re
from collections.abc import Iterator

import msgspec

_FENCE = re.compile(r"[ \t]{0,8}(`{3,}|~{3,})[ \t]*([\w+-]{0,20})")
_RULER = re.compile(r"[ \t|:-]+$")
_INLINE = re.compile(r"`(curl [^`]{1,4000})`")
_LONGEST_LINE = 10_000
_MOST_CELLS = 12
# The headers of the tables that skills have, as they look when their cells stick together.
_STUCK_HEADERS = (
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
_STUCK_CELLS = re.compile(r"(?<=[\"”」])(?=\w)|(?=→)|(?<=[a-z:)])(?=[A-Z])")


class Block(msgspec.Struct, frozen=True):
    """A fenced block: its language, its lines, and the number of the first of them."""

    language: str
    lines: tuple[str, ...]
    line: int


class Row(msgspec.Struct, frozen=True):
    """The cells of a row, as text without marks of Markdown."""

    cells: tuple[str, ...]
    line: int


class Table(msgspec.Struct, frozen=True):
    """A table: header in small letters, and rows."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    line: int


def find_blocks(lines: tuple[str, ...], first: int) -> tuple[Block, ...]:
    """The fenced blocks from line `first` on; one that is never closed reaches to the end."""
    found: list[Block] = []
    fence, language, begun = "", "", 0
    for number in range(first, len(lines) + 1):
        match = _FENCE.match(lines[number - 1])
        if not fence and match is not None:
            fence, language, begun = match[1], match[2].lower(), number + 1
        elif fence and match is not None and match[1].startswith(fence):
            found.append(Block(language, lines[begun - 1 : number - 1], begun))
            fence = ""
    if fence:
        found.append(Block(language, lines[begun - 1 :], begun))
    return tuple(found)


def find_inline_commands(lines: tuple[str, ...], first: int) -> tuple[Block, ...]:
    """Each `curl …` in a sentence as a block of one line, its columns kept."""
    fenced = _fenced(find_blocks(lines, first))
    return tuple(
        Block("", (" " * match.start(1) + match[1],), number)
        for number in range(first, len(lines) + 1)
        if number not in fenced
        for match in _INLINE.finditer(lines[number - 1][:_LONGEST_LINE])
    )


def _fenced(blocks: tuple[Block, ...]) -> frozenset[int]:
    """The numbers of the lines in fenced blocks, fences included."""
    return frozenset(
        number
        for block in blocks
        for number in range(block.line - 1, block.line + len(block.lines) + 1)
    )


def find_tables(lines: tuple[str, ...], first: int) -> tuple[Table, ...]:
    """All tables from line `first` on, outside fenced blocks."""
    fenced = _fenced(find_blocks(lines, first))
    found: list[Table] = []
    number = first
    while number <= len(lines):
        table = None if number in fenced else _table_at(lines, number)
        if table is None:
            number += 1
        else:
            found.append(table)
            number += len(table.rows) + 1
    return tuple(found)


def _table_at(lines: tuple[str, ...], number: int) -> Table | None:
    line = lines[number - 1]
    if line.count("|") >= 2:
        rows = tuple(_barred_rows(lines, number))
        return Table(_lowered(rows[0].cells), rows[1:], number)
    header = _stuck_header(line)
    if header is None:
        return None
    return Table(header, tuple(_stuck_rows(lines, number + 1, len(header))), number)


def _lowered(cells: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cell.lower() for cell in cells)


def _barred_rows(lines: tuple[str, ...], first: int) -> Iterator[Row]:
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        if "|" not in line:
            return
        if number == first or not _RULER.match(line):
            yield Row(_cells(line), number)


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(plain(cell) for cell in inner.split("|", _MOST_CELLS))


def _stuck_header(line: str) -> tuple[str, ...] | None:
    """The header that a line is without its bars, if it is one of those known."""
    if "\t" in line:
        cells = tuple(plain(cell).lower() for cell in line.strip().split("\t", _MOST_CELLS))
        known = {header[0] for header in _STUCK_HEADERS}
        return cells if len(cells) > 1 and cells[0] in known else None
    squeezed = line.strip().lower()
    return next((h for h in _STUCK_HEADERS if squeezed == "".join(h)), None)


def _stuck_rows(lines: tuple[str, ...], first: int, width: int) -> Iterator[Row]:
    for number in range(first, len(lines) + 1):
        line = lines[number - 1].strip()
        if not line:
            return
        if "\t" in line:
            cells = line.split("\t", _MOST_CELLS)
        else:
            end = [match.start() for match in _STUCK_CELLS.finditer(line)]
            cut = _best_cut(line, end)
            cells = [line[:cut], line[cut:]] if cut else [line]
            cells += _mark_at_end(cells) if width > 2 else []
        yield Row(tuple(plain(cell) for cell in cells), number)


def _best_cut(line: str, ends: list[int]) -> int:
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


def plain(cell: str) -> str:
    """Text without backticks, stars and the space around it."""
    return cell.replace("`", "").replace("**", "").strip()
