"""A check of a client: a sentence, its rules, and the function that evaluates a client's log."""

from collections.abc import Callable, Iterator

import msgspec

from nemolocal_contract.rules import Grade, Level, rules

from ..server_check import sentence_level
from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from ..traffic.recorded_call import RecordedCall


class ClientFinding(msgspec.Struct, frozen=True):
    """A situation in the log, and whether the sentence held; None where that is unknown.

    `entries` are the ids of the entries that show it. `credits` is what a violation costs in the
    cloud. `missing` says that an expected call was not found, which dropped entries may have
    contained.
    """

    holds: bool | None
    entries: tuple[int, ...]
    reason: str = ""
    expected: str = ""
    actual: str = ""
    credits: int = 0
    missing: bool = False


CallOrTurn = RecordedCall | ClientTurn
ClientCheckFunction = Callable[[ClientLog], Iterator[ClientFinding]]


def passed(*evidence: CallOrTurn) -> ClientFinding:
    """Return a finding: the sentence held."""
    return ClientFinding(True, _ids(evidence))


def failed(
    reason: str,
    expected: object,
    actual: object,
    *evidence: CallOrTurn,
    credits: int = 0,
    missing: bool = False,
) -> ClientFinding:
    """Return a finding: the sentence did not hold. Values are shown by `repr`, strings as is."""
    ids = _ids(evidence)
    return ClientFinding(False, ids, reason, _shown(expected), _shown(actual), credits, missing)


def inconclusive(reason: str, *evidence: CallOrTurn) -> ClientFinding:
    """Return a finding: the situation occurred, but this log cannot show how it ended."""
    return ClientFinding(None, _ids(evidence), reason)


class ClientCheck(msgspec.Struct, frozen=True):
    """One check of a client. `id` is stable and dotted; `rules` are the rules that it tests."""

    id: str
    rules: tuple[str, ...]
    sentence: str
    run: ClientCheckFunction

    @property
    def level(self) -> Level:
        """MUST or SHOULD, as in the sentence."""
        return sentence_level(self.sentence)

    @property
    def grade(self) -> Grade:
        """The confidence in the rule that it tests."""
        return rules()[self.rules[0]].grade


def client_check(id: str, *about: str) -> Callable[[ClientCheckFunction], ClientCheck]:
    """Make a check of a function; its docstring is the sentence, `about` the rule ids."""

    def make(seek: ClientCheckFunction) -> ClientCheck:
        sentence = " ".join((seek.__doc__ or "").split())
        sentence_level(sentence)
        unknown = [name for name in about if name not in rules()]
        if unknown or not about:
            raise ValueError(f"{id}: no such rule: {', '.join(unknown) or 'none is named'}")
        return ClientCheck(id, about, sentence, seek)

    return make


def _ids(evidence: tuple[CallOrTurn, ...]) -> tuple[int, ...]:
    acts = (item.call if isinstance(item, ClientTurn) else item for item in evidence)
    return tuple(dict.fromkeys(call.id for call in acts))


def _shown(value: object) -> str:
    return (value or "nothing") if isinstance(value, str) else repr(value)
