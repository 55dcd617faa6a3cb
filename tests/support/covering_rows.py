"""Rows of levels in which every two levels of different factors meet at least once."""

import itertools
import random
from collections.abc import Mapping, Sequence

Level = tuple[str, str]
"""A factor and one of its levels."""


def covering_rows(factors: Mapping[str, Sequence[str]], seed: int) -> list[dict[str, str]]:
    """Return such rows; the same ones for the same factors and seed.

    Each row begins with two levels that have not met, and takes for each other factor the level
    that meets the most new ones.
    """
    drawn = random.Random(seed)
    levels = {name: [(name, level) for level in known] for name, known in factors.items()}
    unmet = {
        frozenset(pair)
        for one, other in itertools.combinations(levels, 2)
        for pair in itertools.product(levels[one], levels[other])
    }
    rows: list[dict[str, str]] = []
    while unmet:
        row = dict(min(sorted(pair) for pair in unmet))
        rest = [name for name in factors if name not in row]
        for name in drawn.sample(rest, len(rest)):
            row[name] = _best(levels[name], row, unmet, drawn)[1]
        unmet -= {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        rows.append({name: row[name] for name in factors})
    return rows


def _best(
    levels: Sequence[Level],
    row: Mapping[str, str],
    unmet: set[frozenset[Level]],
    drawn: random.Random,
) -> Level:
    """Return the level that meets the most new ones of a row; any of those that do."""
    mixed = drawn.sample(levels, len(levels))
    return max(mixed, key=lambda level: sum(frozenset((level, o)) in unmet for o in row.items()))
