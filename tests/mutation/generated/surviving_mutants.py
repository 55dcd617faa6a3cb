"""What it would take to kill the generated mutants that survive."""

import functools
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from .equivalent_mutants import id_pattern

FILE = Path(__file__).with_name("survivors.toml")


class SurvivingMutants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mutants by patterns of their ids (`*` is any text), and what a check would need."""

    ids: tuple[str, ...]
    needs: str


class _SurvivorsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    survivor: tuple[SurvivingMutants, ...] = ()


@functools.cache
def surviving_mutants() -> tuple[SurvivingMutants, ...]:
    """Return what the file says."""
    text = FILE.read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _SurvivorsFile).survivor


def find_needs(name: str) -> str:
    """Return what a check for this mutant would need, "" if the file does not say."""
    return next(
        (
            one.needs
            for one in surviving_mutants()
            if any(id_pattern(id).fullmatch(name) for id in one.ids)
        ),
        "",
    )


def group_by_needs(names: Iterable[str]) -> dict[str, Sequence[str]]:
    """Return the mutants by what a check for them would need."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find_needs(name), []).append(name)
    return dict(groups)


def find_unused_patterns(names: Sequence[str]) -> list[str]:
    """Return the patterns that fit none of these survivors."""
    return [
        id
        for one in surviving_mutants()
        for id in one.ids
        if not any(map(id_pattern(id).fullmatch, names))
    ]
