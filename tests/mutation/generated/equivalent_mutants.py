"""Equivalent mutants: those that break no rule, each with the reason."""

import functools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from nemolocal_contract.rules import rules

FILE = Path(__file__).with_name("equivalent.toml")


class EquivalentMutants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mutants by patterns of their ids (`*` is any text), the rule that allows them, and why."""

    ids: tuple[str, ...]
    rule: str
    reason: str


class _EquivalentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: tuple[EquivalentMutants, ...] = ()


@functools.cache
def equivalent_mutants() -> tuple[EquivalentMutants, ...]:
    """Return what the file says; raises `ValueError` for a rule that is not there."""
    text = FILE.read_text(encoding="utf-8")
    found = msgspec.convert(tomllib.loads(text), _EquivalentFile).equivalent
    for one in found:
        if one.rule not in rules() or not one.reason:
            raise ValueError(f"{one.ids}: names no rule, or gives no reason")
    return found


def find_reasons(names: Iterable[str]) -> dict[str, str]:
    """Return the reason of each of these mutants that is equivalent."""
    patterns = [(id_pattern(id), one.reason) for one in equivalent_mutants() for id in one.ids]
    return {
        name: reason
        for name in names
        for reason in [next((why for one, why in patterns if one.fullmatch(name)), "")]
        if reason
    }


def find_stale_patterns(names: Iterable[str], killed: Iterable[str]) -> list[str]:
    """Return the patterns that fit no mutant, or one that a check kills."""
    every, dead = list(names), list(killed)
    return [
        id
        for one in equivalent_mutants()
        for id in one.ids
        if not any(map(id_pattern(id).fullmatch, every)) or any(map(id_pattern(id).fullmatch, dead))
    ]


@functools.cache
def id_pattern(id: str) -> re.Pattern[str]:
    """Return the pattern of ids in which `*` is any text."""
    return re.compile(re.escape(id).replace(r"\*", ".*"))
