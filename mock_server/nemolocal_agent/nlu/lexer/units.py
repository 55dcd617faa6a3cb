"""Units and what they mean, named sizes and rates, and numbers that share a unit."""

from .tokens import COMMA, LexToken, Slot

UNITS: dict[str, tuple[Slot, float]] = {
    "ms": (Slot.TIME, 1),
    "s": (Slot.TIME, 1000),
    "min": (Slot.TIME, 60_000),
    "h": (Slot.TIME, 3_600_000),
    "quarter": (Slot.TIME, 900_000),
    "percent": (Slot.PERCENT, 0.01),
    "x": (Slot.FACTOR, 1),
    "deg": (Slot.DEGREES, 1),
    "db": (Slot.DECIBELS, 1),
    "fps": (Slot.FRAME_RATE, 1),
    "mb": (Slot.FILE_SIZE, 1),
    "gb": (Slot.FILE_SIZE, 1000),
    "kb": (Slot.FILE_SIZE, 0.001),
    "px": (Slot.FONT_SIZE, 1),
}
"""The slot that a number with a unit becomes, and the value of one unit."""
TIME_UNITS = ("s", "min", "h")
"""Units of time that can have no number: "a minute"."""
RESOLUTION_BY_HEIGHT = {
    480: "720p", 540: "720p", 720: "720p", 1080: "1080p", 1440: "4k", 2160: "4k",
}  # fmt: skip
"""The resolution by the number of lines, as in 1080p."""
RESOLUTION_BY_THOUSANDS = {4: "4k", 2: "1080p", 1: "1080p"}
"""The resolution by thousands of columns, as in 4K."""
ASPECT_RATIOS = frozenset("9:16 16:9 1:1 4:5 5:4 4:3 3:4 21:9 9:21 2:1 1:2 3:2 2:3".split())
"""Aspect ratios that could be read as times."""
MAX_TIME_MS = 360_000_000
"""The longest time: a hundred hours."""
FRAME_RATES = (24, 25, 30, 48, 50, 60, 120)
"""24p is a frame rate, 1080p a number of lines."""
_UNIT_SHARING_WORDS = ("to", "and", "until", "or")


def share_units(tokens: list[LexToken]) -> list[LexToken]:
    """Give a number the unit of the next one: `2 to 4 seconds`."""
    words = [token for token in tokens if token.symbol]
    before = ["", *(token.symbol for token in words)]
    rows = list(zip(before, words, words[1:], words[2:], strict=False))
    # Backwards, so that the unit is passed on: "at 3, 6 and 9 seconds".
    for name, one, two, three in reversed(rows):
        if (
            (one.symbol == Slot.NUMBER or (one.symbol == Slot.ORDINAL and name == "at"))
            and name not in ("clip", "hash", "photo")
            and three.symbol in (Slot.TIME, Slot.PERCENT)
            and (
                two.symbol in _UNIT_SHARING_WORDS or (two.symbol == COMMA and name in ("at", COMMA))
            )
        ):
            one.symbol, one.value = (
                three.symbol,
                (round(one.value * 1000) if three.symbol == Slot.TIME else one.value / 100),
            )
    return tokens
