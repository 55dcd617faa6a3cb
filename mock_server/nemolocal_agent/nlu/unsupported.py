"""Why words that are not understood cannot be done: a table of patterns, the first that fits."""

import re
import tomllib
from functools import cache
from importlib.resources import files


def find_reason(words: str) -> str:
    """The reason for these words, a key of the replies; empty if nobody knows."""
    for reason, pattern in _patterns():
        if pattern.search(words):
            return reason
    return ""


def reason_text(reason: str, language: str) -> str:
    """The reason in English or Chinese; empty if there is none."""
    return _table()[reason][language] if reason else ""


@cache
def _table() -> dict[str, dict[str, str]]:
    text = files(__package__).joinpath("unsupported.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """English phrases match whole words, Chinese ones anywhere."""
    return tuple(
        (reason, re.compile(_pattern_of_row(row), re.IGNORECASE))
        for reason, row in _table().items()
    )


def _pattern_of_row(row: dict[str, str]) -> str:
    """Of `words`, anywhere in what was not understood, and of `exact`, all of it."""
    parts = [_pattern(phrase) for phrase in row.get("words", "").split("|") if phrase]
    parts += [
        rf"^\W*{re.escape(phrase)}\W*$" for phrase in row.get("exact", "").split("|") if phrase
    ]
    return "|".join(parts)


def _pattern(phrase: str) -> str:
    escaped = re.escape(phrase)
    return rf"\b{escaped}\b" if phrase.isascii() else escaped
