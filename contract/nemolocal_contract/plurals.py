"""Numbers with units: `1 error`, `2 entries`, `8.2 MB`."""

import string
from collections.abc import Mapping
from typing import Any


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun; `plural` is for nouns that do not just get an `s`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def format_counts(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with its values, and the nouns of its counts.

    `{count:entry|entries}` becomes "1 entry" or "2 entries", `{count:clip}` "1 clip" or "2 clips".
    Raises KeyError for a value that is missing.
    """
    return _CountFormatter().vformat(text, (), values)


class _CountFormatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return pluralize(value, *format_spec.split("|")) if format_spec else str(value)


def sized(size: int) -> str:
    """Return bytes in kB or MB: `12 kB`, `8.2 MB`, `1,340 MB`; only 0 bytes are `0 kB`."""
    if size < 1_000_000:
        return f"{max(size / 1e3, min(size, 1)):.0f} kB"
    amount = size / 1e6
    return f"{amount:,.0f} MB" if amount >= 100 else f"{amount:.1f} MB"
