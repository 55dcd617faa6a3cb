"""One command's worth of words, as readers see it: a line of plain words with numbered slots."""

from collections.abc import Iterable
from typing import Any

from ..words.tokens import Token

# "Take the logo off", "cut the first part out", "turn the sound off".
_TAKING = frozenset(("take", "cut", "trim", "split", "set", "edit", "move"))
_AWAY = frozenset(("out", "off", "away"))


class Clause:
    """Some tokens and the line that they make: ` remove first T2 of O3 clip `.

    A slot is a letter and the place of its token. Letters: T time (ms), P share of percent,
    F fraction, K factor, N number, O ordinal, H quoted text, G subtitles, W file name, C colour,
    M mood, S scene, A place, R shape, Q definition, D degrees, U frames a second, B megabytes,
    Z pixels, Y width and height, X a word that the lexicon has not.
    """

    def __init__(self, tokens: Iterable[Token], original: str) -> None:
        self.tokens = [token for token in tokens if token.canon and token.kind != "stop"]
        self.original = original
        self.line = f" {' '.join(map(_written, range(len(self.tokens)), self.tokens))} "
        words = {word for token in self.tokens for word in token.canon.split()}
        if not words.isdisjoint(_TAKING) and not words.isdisjoint(_AWAY):
            words.add("remove")
        self.words = frozenset(words)

    def value(self, slot: str) -> Any:
        """What a slot of the line stands for, by its name there, such as `T2`."""
        return self.tokens[int(slot[1:])].value

    def first(self, letter: str) -> Any:
        """The value of the first slot of this letter, None where there is none."""
        return next(
            (t.value for t in self.tokens if t.kind in ("slot", "unknown") and t.canon == letter),
            None,
        )

    def surface(self, slot: str) -> str:
        """The user's own words for a slot."""
        token = self.tokens[int(slot[1:])]
        return self.original[token.start : token.end]

    def has(self, *words: str) -> bool:
        """Whether one of these words is in it."""
        return not self.words.isdisjoint(words)

    def without(self, start: int, end: int) -> None:
        """Take a part of the line out, which has been understood."""
        self.line = f"{self.line[:start].rstrip()} ~ {self.line[end:].lstrip()}"


def _written(place: int, token: Token) -> str:
    return f"{token.canon}{place}" if token.kind in ("slot", "unknown") else token.canon
