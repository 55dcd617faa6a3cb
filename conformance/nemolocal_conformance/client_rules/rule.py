"""A check of a client: a sentence, its rules, and what finds out from the client's record."""

from collections.abc import Callable, Iterator

import msgspec

from nemolocal_contract.rules import Grade, Level, rules

from ..check import sentence_level
from ..records.act import Act
from ..records.record import Record
from ..records.turn import Turn


class Finding(msgspec.Struct, frozen=True):
    """A situation that came up: whether the sentence held there, None where nobody can tell.

    `entries` are the ids of the entries that show it. `credits` is what breaking it costs in the
    cloud. `missing` says that something was not there, which dropped entries may have been.
    """

    holds: bool | None
    entries: tuple[int, ...]
    reason: str = ""
    expected: str = ""
    actual: str = ""
    credits: int = 0
    missing: bool = False


Evidence = Act | Turn
Seek = Callable[[Record], Iterator[Finding]]


def held(*evidence: Evidence) -> Finding:
    """The sentence held."""
    return Finding(True, _ids(evidence))


def broken(
    reason: str,
    expected: object,
    actual: object,
    *evidence: Evidence,
    credits: int = 0,
    missing: bool = False,
) -> Finding:
    """The sentence did not hold; `expected` and `actual` are shown by `repr`, words as they are."""
    ids = _ids(evidence)
    return Finding(False, ids, reason, _shown(expected), _shown(actual), credits, missing)


def unclear(reason: str, *evidence: Evidence) -> Finding:
    """The situation came up, and this record cannot tell."""
    return Finding(None, _ids(evidence), reason)


class ClientCheck(msgspec.Struct, frozen=True):
    """One check of a client; `id` is stable and dotted, `rules` are what it judges."""

    id: str
    rules: tuple[str, ...]
    sentence: str
    seek: Seek

    @property
    def level(self) -> Level:
        """MUST or SHOULD, as its sentence says."""
        return sentence_level(self.sentence)

    @property
    def grade(self) -> Grade:
        """How sure the rule is that it is about."""
        return rules()[self.rules[0]].grade


def client_check(id: str, *about: str) -> Callable[[Seek], ClientCheck]:
    """Make a check of a function: its docstring is the sentence, `about` are ids of rules."""

    def make(seek: Seek) -> ClientCheck:
        sentence = " ".join((seek.__doc__ or "").split())
        sentence_level(sentence)
        unknown = [name for name in about if name not in rules()]
        if unknown or not about:
            raise ValueError(f"{id}: no such rule: {', '.join(unknown) or 'none is named'}")
        return ClientCheck(id, about, sentence, seek)

    return make


def _ids(evidence: tuple[Evidence, ...]) -> tuple[int, ...]:
    acts = (item.act if isinstance(item, Turn) else item for item in evidence)
    return tuple(dict.fromkeys(act.id for act in acts))


def _shown(value: object) -> str:
    return (value or "nothing") if isinstance(value, str) else repr(value)
