"""Claims: parts of a rule that a recording can show, each with the function that looks for it.

A rule is confirmed only if every case of every one of its claims was seen to hold, and nothing of
it is out of sight. What no recording can show of a rule stands in `out_of_sight.toml`.
"""

import importlib
from collections.abc import Callable, Iterator

import msgspec

from nemolocal_conformance.reply_violation import ReplyViolation
from nemolocal_contract.responses import encode_json
from nemolocal_contract.rules import rules

from .traffic_view import TrafficView


class Sighting(msgspec.Struct, frozen=True):
    """A situation in which a claim held or did not, in an exchange of a recording.

    `case` is the case of the claim, `alternative` the variant of a contradicted rule that was seen.
    `holds` is None where something else may explain what was seen.
    """

    exchange: int
    holds: bool | None
    case: str = ""
    actual: str = ""
    alternative: str = ""


def describe_actual(actual: object) -> str:
    """Return what was seen in words: violations, a text, or a JSON value."""
    if isinstance(actual, str):
        return actual
    if isinstance(actual, ReplyViolation):
        return f"{actual.what}: {actual.expected}, not {describe_actual(actual.actual)}"
    if isinstance(actual, list) and any(isinstance(one, ReplyViolation) for one in actual):
        return "; ".join(describe_actual(one) for one in actual)
    return encode_json(actual).decode()


ClaimFunction = Callable[[TrafficView], Iterator[Sighting]]


class Claim(msgspec.Struct, frozen=True):
    """One part of a rule. `cases` are all situations that it is about; ("",) is a single one.

    `count` is how often a case must be seen: a server may do the right thing once by chance.
    """

    rule: str
    name: str
    sentence: str
    look: ClaimFunction
    cases: tuple[str, ...] = ("",)
    count: int = 1

    @property
    def id(self) -> str:
        """The rule and the name of the claim: `CRD-1.sum`."""
        return f"{self.rule}.{self.name}"


_MODULES = ("account_claims", "session_claims", "turn_claims", "render_claims")
_CLAIMS: dict[str, Claim] = {}


def claim(
    rule: str, name: str, *, cases: str = "", count: int = 1
) -> Callable[[ClaimFunction], ClaimFunction]:
    """Register a function as a claim; its docstring is the sentence, `cases` are words."""

    def register(look: ClaimFunction) -> ClaimFunction:
        sentence = " ".join((look.__doc__ or "").split())
        made = Claim(rule, name, sentence, look, tuple(cases.split()) or ("",), count)
        if rule not in rules() or not sentence or made.id in _CLAIMS:
            raise ValueError(f"{made.id}: a new name, a rule and a docstring are needed")
        _CLAIMS[made.id] = made
        return look

    return register


def all_claims() -> dict[str, Claim]:
    """Return every claim by its id."""
    for module in _MODULES:
        importlib.import_module(f"{__package__}.{module}")
    return dict(_CLAIMS)
