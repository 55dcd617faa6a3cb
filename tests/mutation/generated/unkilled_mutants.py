"""The generated mutants that no check kills: those that break no rule, with the reason, and those
that survive, with what it would take to kill them.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from nemolocal_contract.rules import rules

_FOLDER = Path(__file__).parent


class _MutantRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mutants by patterns of their ids (`*` is any text)."""

    ids: tuple[str, ...]

    def fits(self, name: str) -> bool:
        return any(_id_pattern(id).fullmatch(name) for id in self.ids)


_Row = TypeVar("_Row", bound=_MutantRow)


class EquivalentMutants(_MutantRow, frozen=True):
    """Mutants that break no rule, the rule that allows them, and why."""

    rule: str
    reason: str


class SurvivingMutants(_MutantRow, frozen=True):
    """Mutants that survive, and what a check would need."""

    needs: str


def _read_rows(file: str, table: str, kind: type[_Row]) -> tuple[_Row, ...]:
    """Read the tables of this name, the only ones of their file."""
    tables = tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))
    if tables.keys() != {table}:
        raise ValueError(f"{file} has tables [[{table}]] and no others")
    return tuple(msgspec.convert(row, kind) for row in tables[table])


@functools.cache
def equivalent_mutants() -> tuple[EquivalentMutants, ...]:
    """Return what the file says; raises `ValueError` for a rule that is not there."""
    found = _read_rows("equivalent.toml", "equivalent", EquivalentMutants)
    for one in found:
        if one.rule not in rules() or not one.reason:
            raise ValueError(f"{one.ids}: names no rule, or gives no reason")
    return found


@functools.cache
def surviving_mutants() -> tuple[SurvivingMutants, ...]:
    """Return what the file says."""
    return _read_rows("survivors.toml", "survivor", SurvivingMutants)


def find_reasons(names: Iterable[str]) -> dict[str, str]:
    """Return the reason of each of these mutants that is equivalent."""
    rows = ((name, _row_of(name, equivalent_mutants())) for name in names)
    return {name: row.reason for name, row in rows if row is not None}


def find_needs(name: str) -> str:
    """Return what a check for this mutant would need, "" if the file does not say."""
    row = _row_of(name, surviving_mutants())
    return "" if row is None else row.needs


def group_by_needs(names: Iterable[str]) -> dict[str, Sequence[str]]:
    """Return the mutants by what a check for them would need."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find_needs(name), []).append(name)
    return dict(groups)


def find_stale_patterns(names: Iterable[str], killed: Iterable[str]) -> list[str]:
    """Return the patterns of equivalent mutants that fit no mutant, or one that a check kills."""
    every, dead = list(names), list(killed)
    patterns = _patterns(equivalent_mutants())
    return [id for id in patterns if not _fits_any(id, every) or _fits_any(id, dead)]


def find_unused_patterns(names: Sequence[str]) -> list[str]:
    """Return the patterns of survivors that fit none of these."""
    return [id for id in _patterns(surviving_mutants()) if not _fits_any(id, names)]


def _row_of(name: str, rows: Iterable[_Row]) -> _Row | None:
    return next((row for row in rows if row.fits(name)), None)


def _patterns(rows: Iterable[_MutantRow]) -> Iterator[str]:
    return (id for row in rows for id in row.ids)


def _fits_any(id: str, names: Iterable[str]) -> bool:
    return any(map(_id_pattern(id).fullmatch, names))


@functools.cache
def _id_pattern(id: str) -> re.Pattern[str]:
    """Return the pattern of ids in which `*` is any text."""
    return re.compile(re.escape(id).replace(r"\*", ".*"))
