"""What is too much is to be less: "it's too dark" asks for more light."""

from collections.abc import Iterable

from .words.tokens import Token

_OPPOSITES = {
    "brighter": "darker", "louder": "quieter", "loud": "quieter", "quiet": "louder",
    "fast": "slower", "faster": "slower", "slow": "faster", "warmer": "cooler", "vivid": "dull",
    "big": "smaller", "small": "bigger", "huge": "smaller", "blur": "sharpen", "contrast": "flat",
}  # fmt: skip
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items() if other not in _OPPOSITES}


def _wanted(token: Token) -> Token:
    """What there is not enough of is to be more."""
    if token.canon != "lacks":
        return token
    return Token("more", "word", token.start, token.end)


def turned_round(tokens: Iterable[Token]) -> list[Token]:
    """The tokens, with the opposites of what is said to be too much."""
    row = [_wanted(token) for token in tokens]
    if not any(token.canon == "too" for token in row):
        return row
    return [
        Token(_OPPOSITES.get(t.canon, t.canon), t.kind, t.start, t.end, t.value)
        for t in row
        if t.canon not in ("too", "much", "bit")
    ]
