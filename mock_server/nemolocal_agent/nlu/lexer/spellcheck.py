"""Corrects one typo in a word of a command: a missing, extra, wrong or swapped letter."""

from collections.abc import Iterable, Mapping, Set

_MIN_LENGTH = 3
# Shorter words are similar to too many others.
_MIN_COMMAND_LENGTH = 4


class SpellChecker:
    """Knows the words of commands, and ordinary words that must not be corrected to them."""

    def __init__(self, commands: Mapping[str, str], known: Set[str]) -> None:
        """`commands` maps each word to its meaning; `known` words are never corrected."""
        self._meanings = commands
        self._known = known
        self._near: dict[str, list[str]] = {}
        for word in sorted(commands):
            if len(word) >= _MIN_COMMAND_LENGTH and word.isalpha():
                for form in (word, *single_deletions(word)):
                    self._near.setdefault(form, []).append(word)

    def is_match(self, typed: str, word: str) -> bool:
        """Whether this is the next word of a phrase, possibly with a typo.

        Since a word is expected here, two letters are enough: "fade ot".
        """
        if len(typed) < _MIN_LENGTH:
            return typed not in self._known and classify_typo(typed, word) in (1, 2)
        return self.correct(typed) == word

    def correct(self, word: str) -> str | None:
        """The word of a command that differs in one letter.

        None if there is none, or if several with different meanings are equally near.
        """
        if len(word) < _MIN_LENGTH or word in self._known:
            return None
        ranks: dict[str, tuple[int, bool]] = {}
        for form in (word, *single_deletions(word)):
            for near in self._near.get(form, ()):
                if (kind := classify_typo(word, near)) and (len(word) > _MIN_LENGTH or kind == 2):
                    ranks[near] = (kind, near[0] != word[0])
        best = min(ranks.values(), default=None)
        nearest = [near for near, rank in ranks.items() if rank == best]
        if len({self._meanings[near] for near in nearest}) != 1:
            return None
        return nearest[0]


def single_deletions(word: str) -> Iterable[str]:
    """The word without each of its letters."""
    return (word[:n] + word[n + 1 :] for n in range(len(word)))


def classify_typo(typed: str, word: str) -> int:
    """The kind of typo, the most likely first: 0 if it is not one.

    1 two letters swapped, 2 one missing, 3 one too many, 4 one wrong.
    """
    at = next((n for n, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), None)
    at = min(len(typed), len(word)) if at is None else at
    if typed[at:] == word[at + 1 :]:
        return 2
    if typed[at + 1 :] == word[at:]:
        return 3
    if typed[at : at + 2] == word[at : at + 2][::-1] and typed[at + 2 :] == word[at + 2 :]:
        return 1
    return 4 if typed[at + 1 :] == word[at + 1 :] else 0
