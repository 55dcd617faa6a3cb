"""What holds each assertion of the contract: checks, or the reason why nobody can check it."""

import functools
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

import msgspec

from contract_assertions import (
    Assertion,
    Holding,
    Statement,
    assertion_file,
    contract_assertions,
    operations,
)
from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_contract.rules import rules

Outcome = Literal["checked", "reasoned", "open", "missing"]
# The changes of a generated mutant (`tests/mutation/generated`) that break each aspect of a field.
_CHANGES = {
    "present": ("dropped", "null"),
    "type": ("type",),
    "form": ("empty",),
    "distinct": ("constant", "repeated"),
    "range": ("empty", "minus-one", "times-1000"),
    "truth": ("foreign", "exchanged", "plus-one", "by-1000"),
    "value": ("other-value", "plus-one"),
    "items": ("first-dropped", "last-dropped", "doubled", "reversed"),
    "sent": ("dropped",),
    "once": ("doubled",),
    "in-order": ("moved", "merged"),
}


class Coverage(msgspec.Struct):
    """The checks that hold an assertion, why none can, and what one would take."""

    checks: list[str] = []
    reasons: list[str] = []
    open: list[str] = []

    @property
    def outcome(self) -> Outcome:
        """What has become of the assertion."""
        if self.checks:
            return "checked"
        return "reasoned" if self.reasons else "open" if self.open else "missing"


@functools.cache
def coverage() -> dict[str, Coverage]:
    """Return what holds each assertion, by its id."""
    found: defaultdict[str, Coverage] = defaultdict(Coverage)
    for assertion, holding in _held():
        one = found[assertion.id]
        one.checks += [check for check in holding.checks if check not in one.checks]
        one.reasons += [holding.reason] if holding.reason else []
        one.open += [holding.open] if holding.open else []
    return {name: found[name] for name in contract_assertions()}


def _held() -> Iterator[tuple[Assertion, Holding | Statement]]:
    for holding in assertion_file().held:
        yield from ((assertion, holding) for assertion in holding.assertions)
    for statement in assertion_file().statement:
        yield Assertion("rule", statement.rule, "", statement.says), statement


def problems() -> list[str]:
    """Return what is wrong between contract, checks and data, each naming its assertion."""
    return [*_unheld(), *_stale(), *_ambiguous(), *_wrong_checks(), *_unstated()]


def _unheld() -> Iterator[str]:
    for name, held in coverage().items():
        if held.outcome == "missing":
            yield f"{name}: no check holds it, and docs/assertions.toml gives no reason"


def _stale() -> Iterator[str]:
    for assertion, _ in _held():
        if assertion.id not in contract_assertions():
            yield f"{assertion.id}: the contract asserts no such thing"


def _ambiguous() -> Iterator[str]:
    for name, held in coverage().items():
        if sum(map(bool, (held.checks, held.reasons, held.open))) > 1:
            yield f"{name}: has checks and a reason why there are none"


def _wrong_checks() -> Iterator[str]:
    known = {check.id: check.rules for check in server_catalogue().values()}
    holding = {check for held in coverage().values() for check in held.checks}
    known |= {check.id: check.rules for check in client_catalogue().values()}
    for name, held in coverage().items():
        assertion = contract_assertions()[name]
        for check in held.checks:
            if check not in known:
                yield f"{name}: no check is called {check}"
            elif assertion.family == "rule" and assertion.at not in known[check]:
                yield f"{name}: {check} is not about {assertion.at}"
    for check in server_catalogue():
        if check not in holding:
            yield f"{check}: holds no assertion in docs/assertions.toml"


def _unstated() -> Iterator[str]:
    stated = {statement.rule for statement in assertion_file().statement}
    yield from (f"rule:{rule}: docs/assertions.toml states nothing of it" for rule in rules() if
                rule not in stated)  # fmt: skip


def generated_mutants_of(assertion: Assertion) -> tuple[str, ...]:
    """Return the ids that generated mutants of a reply or of an event have for an assertion."""
    if assertion.family not in ("reply", "event") or assertion.part.startswith("http."):
        return ()
    operation, _ = operations()[assertion.at]
    outcome = ":success" if assertion.family == "reply" else ""
    subject = "response" if assertion.family == "reply" else "event"
    return tuple(
        f"{subject}:{operation}{outcome}:{assertion.part}:{change}"
        for change in _CHANGES.get(assertion.aspect, ())
    )
