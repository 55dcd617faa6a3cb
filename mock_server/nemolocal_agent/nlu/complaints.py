"""What is too much is to be less: "it's too dark" asks for more light."""

from collections.abc import Iterable

from .lexer.tokens import LexToken

_OPPOSITES = {
    "brighter": "darker", "louder": "quieter", "loud": "quieter", "quiet": "louder",
    "fast": "slower", "faster": "slower", "slow": "faster", "warmer": "cooler", "vivid": "dull",
    "big": "smaller", "small": "bigger", "huge": "smaller", "blur": "sharpen", "contrast": "flat",
}  # fmt: skip
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items() if other not in _OPPOSITES}


def _lacks_to_more(token: LexToken) -> LexToken:
    """What there is not enough of is to be more."""
    if token.symbol != "lacks":
        return token
    return LexToken("more", "word", token.start, token.end)


def invert_complaint(tokens: Iterable[LexToken]) -> list[LexToken]:
    """The tokens, with the opposites of what is said to be too much."""
    row = [_lacks_to_more(token) for token in tokens]
    if not any(token.symbol == "too" for token in row):
        return row
    return [
        LexToken(_OPPOSITES.get(t.symbol, t.symbol), t.kind, t.start, t.end, t.value)
        for t in row
        if t.symbol not in ("too", "much", "bit")
    ]
