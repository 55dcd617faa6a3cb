"""One command's worth of words, as readers see it: a line of plain words with numbered slots."""

from collections.abc import Iterable
from typing import Any

from ..lexer.tokens import LexToken

# "Take the logo off", "cut the first part out", "turn the sound off".
_SEPARABLE_VERBS = frozenset(("take", "cut", "trim", "split", "set", "edit", "move"))
_REMOVAL_PARTICLES = frozenset(("out", "off", "away"))


class Clause:
    """Some tokens and the line that they make: ` remove first T2 of O3 clip `.

    A slot is a letter and the place of its token. Letters: T time (ms), P share of percent,
    F fraction, K factor, N number, O ordinal, H quoted text, G subtitles, W file name, C colour,
    M mood, S scene, A place, R shape, Q definition, D degrees, U frames a second, B megabytes,
    Z pixels, Y width and height, X a word that the lexicon has not.
    """

    def __init__(self, tokens: Iterable[LexToken], original: str) -> None:
        self.tokens = [token for token in tokens if token.symbol and token.kind != "stop"]
        self.original = original
        words = {word for token in self.tokens for word in token.symbol.split()}
        if not words.isdisjoint(_SEPARABLE_VERBS) and not words.isdisjoint(_REMOVAL_PARTICLES):
            words.add("remove")
        self.symbols = frozenset(words)
        self.reset_line()

    def reset_line(self) -> None:
        """Back to how it was before a reader took it apart."""
        self.line = f" {' '.join(map(_symbol_text, range(len(self.tokens)), self.tokens))} "
        self._unread_indexes = {n for n, token in enumerate(self.tokens) if token.kind == "slot"}

    def value(self, slot: str) -> Any:
        """What a slot of the line stands for, by its name there, such as `T2`."""
        place = int(slot[1:])
        self._unread_indexes.discard(place)
        return self.tokens[place].value

    def values(self, letter: str) -> list[Any]:
        """The values of the slots of this letter."""
        places = [
            place
            for place, token in enumerate(self.tokens)
            if token.kind in ("slot", "unknown") and token.symbol == letter
        ]
        self._unread_indexes.difference_update(places)
        return [self.tokens[place].value for place in places]

    def first_value(self, letter: str) -> Any:
        """The value of the first slot of this letter, None where there is none."""
        return next(iter(self.values(letter)), None)

    def unread_slots(self) -> set[str]:
        """The letters of the slots whose values nobody has asked for; "one" says nothing."""
        left = (self.tokens[place] for place in self._unread_indexes)
        return {token.symbol for token in left if (token.symbol, token.value) != ("N", 1.0)}

    def original_text(self, slot: str) -> str:
        """The user's own words for a slot."""
        token = self.tokens[int(slot[1:])]
        self._unread_indexes.discard(int(slot[1:]))
        return self.original[token.start : token.end]

    def has_any(self, *words: str) -> bool:
        """Whether one of these words is in it."""
        return not self.symbols.isdisjoint(words)

    def consume(self, start: int, end: int) -> None:
        """Take a part of the line out, which has been understood."""
        self.line = f"{self.line[:start].rstrip()} ~ {self.line[end:].lstrip()}"


def _symbol_text(place: int, token: LexToken) -> str:
    return f"{token.symbol}{place}" if token.kind in ("slot", "unknown") else token.symbol
