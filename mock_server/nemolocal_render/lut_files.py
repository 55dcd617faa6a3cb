"""Color lookup tables in `.cube` files: read within limits, and written anew for FFmpeg.

FFmpeg never opens an uploaded table. It gets a file of ours with the same numbers, blended with
the unchanged colors if the table is applied at less than full strength.
"""

import math
from array import array
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.effects import Lut
from nemolocal_contract.plurals import pluralize

from .media import MediaRejected
from .text_files import read_text_file

LutKind = Literal["1d", "3d"]

MAX_LUT_BYTES = 12 << 20
_MAX_SIZES: dict[LutKind, int] = {"1d": 65_536, "3d": 65}
_MAX_LINE = 400
# Larger values are mistakes: tables for HDR go to about 10.
_MAX_VALUE = 64.0
_SIZES: dict[str, LutKind] = {"LUT_1D_SIZE": "1d", "LUT_3D_SIZE": "3d"}
_RANGES = ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE")
_DOMAINS = {"DOMAIN_MIN": 0.0, "DOMAIN_MAX": 1.0}


class LutTable(msgspec.Struct, frozen=True):
    """A table: red, green and blue of each entry, from 0 (none) to 1 (full).

    A 1D table has `size` entries, a 3D table `size` cubed ones, with red changing fastest.
    """

    kind: LutKind
    size: int
    values: "array[float]"


def read_lut(path: Path) -> LutTable:
    """Read a `.cube` file; raises MediaRejected with the line that is wrong."""
    return parse_lut(read_text_file(path, MAX_LUT_BYTES))


def parse_lut(text: str) -> LutTable:
    """Read the text of a `.cube` file; raises MediaRejected with the line that is wrong."""
    reader = _LutReader()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            reader.feed(line.strip())
        except ValueError as error:
            raise MediaRejected(f"line {number} of the LUT {error}") from None
    return reader.table()


class _LutReader:
    """Collects the lines of a file."""

    def __init__(self) -> None:
        self._kind: LutKind | None = None
        self._size = 0
        self._rows = 0
        self._values: array[float] = array("d")

    def feed(self, line: str) -> None:
        """Read a line without the white space around it; raises ValueError."""
        if len(line) > _MAX_LINE:
            raise ValueError(f"has more than {_MAX_LINE} characters")
        if not line or line[0] == "#":
            return
        if line[0].isalpha():
            self._read_keyword(line)
        else:
            self._read_row(line)

    def _read_keyword(self, line: str) -> None:
        keyword, *words = line.split()
        if keyword == "TITLE":
            return
        if keyword in _SIZES:
            self._read_size(keyword, words)
        elif keyword in _RANGES:
            if _numbers(words, 2) != [0.0, 1.0]:
                raise ValueError(f"has a {keyword} other than 0 to 1, which is not supported")
        elif keyword in _DOMAINS:
            if _numbers(words, 3) != [_DOMAINS[keyword]] * 3:
                raise ValueError(
                    f"has a {keyword} other than {_DOMAINS[keyword]:g}, which is not supported"
                )
        else:
            raise ValueError(f"begins with {keyword[:40]!r}, which is not a LUT keyword")

    def _read_size(self, keyword: str, words: list[str]) -> None:
        kind = _SIZES[keyword]
        if self._kind is not None:
            raise ValueError("sets the size again")
        most = _MAX_SIZES[kind]
        if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 6:
            raise ValueError(f"has a {keyword} that is not a number")
        if not 2 <= int(words[0]) <= most:
            raise ValueError(f"has a {keyword} of {int(words[0])}; it must be from 2 to {most}")
        self._kind, self._size = kind, int(words[0])
        self._rows = self._size if kind == "1d" else self._size**3

    def _read_row(self, line: str) -> None:
        if self._kind is None:
            raise ValueError("comes before LUT_3D_SIZE or LUT_1D_SIZE")
        if len(self._values) == 3 * self._rows:
            raise ValueError(f"exceeds the {self._rows} rows of its size")
        self._values.extend(_numbers(line.split(), 3))

    def table(self) -> LutTable:
        """Return the table; raises MediaRejected if rows are missing."""
        if self._kind is None:
            raise MediaRejected("not a LUT: the file has no LUT_3D_SIZE or LUT_1D_SIZE")
        found = len(self._values) // 3
        if found < self._rows:
            raise MediaRejected(
                f"the LUT has {pluralize(found, 'row')}, but its size requires {self._rows}"
            )
        return LutTable(self._kind, self._size, self._values)


def _numbers(words: list[str], count: int) -> list[float]:
    """Return the words as `count` numbers; raises ValueError."""
    if len(words) != count:
        raise ValueError(f"has {pluralize(len(words), 'number')}, not {count}")
    numbers = []
    for word in words:
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        # NaN fails this too; Python reads "1_0" as 10.
        if not abs(number) <= _MAX_VALUE or "_" in word:
            raise ValueError(f"has {word[:40]!r}, which is not a number from -64 to 64")
        numbers.append(number)
    return numbers


def lut_file(effect: Lut) -> str:
    """Return the name of a table's file in the job folder: a digest, never text from a user."""
    digest = sha256(f"{effect.amount!r} {effect.source}".encode(errors="surrogatepass"))
    return f"lut-{digest.hexdigest()[:32]}.cube"


def write_lut(table: LutTable, amount: float, path: Path) -> None:
    """Write a table, blended with the unchanged colors if `amount` is less than 1."""
    keyword = "LUT_1D_SIZE" if table.kind == "1d" else "LUT_3D_SIZE"
    with path.open("w", encoding="ascii") as file:
        file.write(f"{keyword} {table.size}\n")
        file.writelines(_rows(table, amount))


def _rows(table: LutTable, amount: float) -> Iterator[str]:
    values, size, last = table.values, table.size, table.size - 1
    for row in range(len(values) // 3):
        at = (row,) * 3 if table.kind == "1d" else (row % size, row // size % size, row // size**2)
        mixed = (
            (1 - amount) * index / last + amount * values[3 * row + color]
            for color, index in enumerate(at)
        )
        yield " ".join(f"{value:.7f}" for value in mixed) + "\n"
