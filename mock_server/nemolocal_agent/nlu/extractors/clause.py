"""The words of one command as extractors match them: a line of symbols with numbered slots."""

from collections.abc import Iterable
from typing import Any

from ..lexer.tokens import LexToken, Slot, TokenKind

# "Take the logo off", "cut the first part out", "turn the sound off".
_SEPARABLE_VERBS = frozenset(("take", "cut", "trim", "split", "set", "edit", "move"))
_REMOVAL_PARTICLES = frozenset(("out", "off", "away"))

SLOT_KINDS = (TokenKind.SLOT, TokenKind.UNKNOWN)
"""The kinds of tokens that have a name and a value in the line of a clause."""


class Clause:
    """Some tokens and the line that they make: ` remove first T2 of O3 clip `.

    In the line a slot is the letter of its `Slot` and the index of its token, `T2`: its name.
    """

    def __init__(self, tokens: Iterable[LexToken], original: str) -> None:
        self.tokens = [
            token for token in tokens if token.symbol and token.kind != TokenKind.SEPARATOR
        ]
        self.original = original
        words = {word for token in self.tokens for word in token.symbol.split()}
        if not words.isdisjoint(_SEPARABLE_VERBS) and not words.isdisjoint(_REMOVAL_PARTICLES):
            words.add("remove")
        self.symbols = frozenset(words)
        self.reset_line()

    def reset_line(self) -> None:
        """Undo what an extractor consumed."""
        self.line = f" {' '.join(map(_symbol_text, range(len(self.tokens)), self.tokens))} "
        self._unread_indexes = {
            n for n, token in enumerate(self.tokens) if token.kind == TokenKind.SLOT
        }

    def value(self, slot_name: str) -> Any:
        """The value of the slot with this name, such as `T2`."""
        index = int(slot_name[1:])
        self._unread_indexes.discard(index)
        return self.tokens[index].value

    def values(self, slot: Slot) -> list[Any]:
        """The values of all slots of this type."""
        indexes = [
            index
            for index, token in enumerate(self.tokens)
            if token.kind in SLOT_KINDS and token.symbol == slot
        ]
        self._unread_indexes.difference_update(indexes)
        return [self.tokens[index].value for index in indexes]

    def first_value(self, slot: Slot) -> Any:
        """The value of the first slot of this type; None if there is none."""
        return next(iter(self.values(slot)), None)

    def unread_slots(self) -> set[str]:
        """The slots whose values nobody has asked for; a number 1 does not count ("this one")."""
        left = (self.tokens[index] for index in self._unread_indexes)
        return {token.symbol for token in left if (token.symbol, token.value) != (Slot.NUMBER, 1.0)}

    def original_text(self, slot_name: str) -> str:
        """The user's own words for the slot with this name."""
        index = int(slot_name[1:])
        token = self.tokens[index]
        self._unread_indexes.discard(index)
        return self.original[token.start : token.end]

    def has_any(self, *words: str) -> bool:
        """Whether one of these words is in it."""
        return not self.symbols.isdisjoint(words)

    def consume(self, start: int, end: int) -> None:
        """Replace a part of the line that has been understood by `~`."""
        self.line = f"{self.line[:start].rstrip()} ~ {self.line[end:].lstrip()}"


def _symbol_text(index: int, token: LexToken) -> str:
    return f"{token.symbol}{index}" if token.kind in SLOT_KINDS else token.symbol
