"""Scripts that become a sequence of cards: "script to video: …" with several lines or sentences."""

import re
from itertools import cycle

from nemolocal_contract.effect_presets import PresetColor

from ...intents import AddCard

_SOURCE = r"(?:text|script|prompt|story|article|blog post|idea)"
_OPENINGS = tuple(
    re.compile(rf"^\s*(?:please |pls |can you |could you )*{opening}\s*[:：]\s*", re.IGNORECASE)
    for opening in (
        rf"{_SOURCE}[ -]to[ -]video",
        rf"(?:turn|make|convert) (?:this|the|my|the following) {_SOURCE} (?:into|to) (?:an? )?"
        r"(?:video|clip|film)",
        r"(?:make|create|generate) (?:an? )?(?:video|clip|film) (?:from|out of|of) "
        rf"(?:this|the|my|the following) {_SOURCE}",
        r"(?:文字|文案|脚本|文章|故事)(?:转|变成|做成|生成)(?:一个|一段)?视频",
        r"把(?:这段|这个|下面的|以下)?(?:文字|文案|脚本|文章|故事)(?:变成|做成|转成)(?:一个|一段)?视频",
    )
)
_BREAK = re.compile(r"\n+|(?<=[.!?])\s+(?=\S)|(?<=[。！？])\s*")
_LEAST_CARDS, _MOST_CARDS, _MOST_CHARACTERS = 2, 30, 200
_COLORS: tuple[PresetColor, ...] = ("black", "blue", "purple")
# Time to see that there is something new, and to read a character.
_BASE_MS, _CHARACTER_MS, _LONGEST_MS = 1500, 60, 8000


def cards_from_script(message: str) -> tuple[AddCard, ...] | None:
    """A card for each line or sentence of a script; None if the message has none, or one only."""
    opening = next((match for one in _OPENINGS if (match := one.match(message))), None)
    if opening is None:
        return None
    lines = [line.strip(" \t'\"“”‘’") for line in _BREAK.split(message[opening.end() :])]
    lines = [line for line in lines if line]
    if not _LEAST_CARDS <= len(lines) <= _MOST_CARDS:
        return None
    if max(map(len, lines)) > _MOST_CHARACTERS:
        return None
    return tuple(
        AddCard(line, duration_ms=_reading_time(line), color=color)
        for line, color in zip(lines, cycle(_COLORS), strict=False)
    )


def _reading_time(line: str) -> int:
    return min(_BASE_MS + _CHARACTER_MS * len(line), _LONGEST_MS)
