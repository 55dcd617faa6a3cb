"""Times and amounts as people write them: `10s`, `0:30`, `1m20s`, `ten seconds`, `35%`."""

import re

_NUMBERS = {
    "half a": 0.5,
    "one": 1,
    "a": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
}
_WORDS = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_NUMBER = rf"(?:\d+(?:\.\d+)?|\b(?:{_WORDS})\b)"
_UNIT = r"(?:minutes?|mins?|m|seconds?|secs?|s)(?![a-z])"
_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:\.\d+)?"
_SPOKEN = rf"{_NUMBER}[\s-]*{_UNIT}(?:\s*(?:and\s+)?{_NUMBER}[\s-]*(?:seconds?|secs?|s)(?![a-z]))?"

TIME = rf"(?:{_CLOCK}|{_SPOKEN})"
"""A pattern without groups that finds one time."""

_PIECE = re.compile(rf"({_NUMBER})[\s-]*({_UNIT})", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent\b)", re.IGNORECASE)
_FRACTION = re.compile(r"\bvolume\s*(?:of|to|at|=|:)?\s*(0?\.\d+|[01](?:\.0+)?)\b", re.IGNORECASE)


def milliseconds(text: str) -> int:
    """The ms of a time that `TIME` found."""
    if ":" in text:
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + float(part)
        return round(total * 1000)
    return round(sum(_piece(*match) for match in _PIECE.findall(text)) * 1000)


def _piece(number: str, unit: str) -> float:
    amount = _NUMBERS.get(number.lower())
    seconds = float(number) if amount is None else amount
    return seconds * 60 if unit.lower().startswith("m") else seconds


def volume(text: str) -> float | None:
    """A loudness from 0 to 1 in the words, if one is named: `35%`, `volume 0.3`."""
    if percent := _PERCENT.search(text):
        return min(float(percent[1]) / 100, 1.0)
    if fraction := _FRACTION.search(text):
        return float(fraction[1])
    return None
