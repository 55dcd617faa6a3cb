"""Evaluates the claims of all rules on recordings."""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Literal

import msgspec

from ..recording import Recording
from .claims import Claim, Sighting, all_claims, describe_actual
from .traffic_view import TrafficView

Outcome = Literal["confirmed", "held", "alternative", "contradicted", "cannot tell", "not seen"]
"""What recordings show of a rule.

`confirmed`: all of it was seen to hold. `held`: what was seen of it held, but a part was not seen,
or is out of sight. `alternative`: another variant of a contradicted rule than the default holds.
`contradicted`: it did not hold at least once. `cannot tell`: what was seen has other explanations.
"""

DEFAULT_VARIANTS = {"GEN-2": "envelope", "SSE-2": "adk", "REN-4": "flat"}
"""The default of each rule of which recordings tell the variants."""
# A refused turn may be ADK's whatever the style of other failures is.
_MIXED = ("GEN-2",)
_MOST_SHOWN = 200


class ClaimResult(msgspec.Struct, frozen=True):
    """How often a claim was seen to hold, and the cases of it that were not seen often enough."""

    id: str
    sentence: str
    held: int
    broken: int
    missing: tuple[str, ...]


class RuleResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What recordings show of a rule; `exchange` of recording `recording` contradicts it."""

    rule: str
    outcome: Outcome
    claims: tuple[ClaimResult, ...]
    alternative: str = ""
    out_of_sight: str = ""
    recording: int = 0
    exchange: int = 0
    actual: str = ""

    @property
    def times_held(self) -> int:
        """How often something of it was seen to hold."""
        return sum(claim.held for claim in self.claims)


@functools.cache
def out_of_sight() -> Mapping[str, str]:
    """Return what a recording cannot show, by rule."""
    text = files(__package__).joinpath("out_of_sight.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, str])


def evaluate_recordings(recordings: Iterable[Recording]) -> list[RuleResult]:
    """Return the result of every rule that has claims, in the order of the claims."""
    views = [TrafficView(recording) for recording in recordings]
    by_rule: dict[str, list[Claim]] = {}
    for claim in all_claims().values():
        by_rule.setdefault(claim.rule, []).append(claim)
    return [_evaluate(rule, claims, views) for rule, claims in by_rule.items()]


def _evaluate(rule: str, claims: list[Claim], views: list[TrafficView]) -> RuleResult:
    seen = {
        claim.id: [(at, one) for at, view in enumerate(views) for one in claim.look(view)]
        for claim in claims
    }
    results = tuple(_claim_result(claim, [one for _, one in seen[claim.id]]) for claim in claims)
    sightings = [pair for found in seen.values() for pair in found]
    broken = [(at, one) for at, one in sightings if one.holds is False]
    broken += [
        (at, Sighting(number, False, "", describe_actual(one)))
        for at, view in enumerate(views)
        for number, one in view.all_violations
        if one.rule == rule
    ]
    variants = {one.alternative for _, one in sightings if one.alternative and one.holds}
    if broken:
        at, worst = broken[0]
        actual = worst.actual[:_MOST_SHOWN]
        return RuleResult(
            rule, "contradicted", results,
            recording=at, exchange=worst.exchange, actual=actual,
        )  # fmt: skip
    outcome = _outcome(rule, results, [one for _, one in sightings], variants)
    hidden = out_of_sight().get(rule, "")
    other = sorted(variants - {DEFAULT_VARIANTS.get(rule, "")})
    return RuleResult(rule, outcome, results, "+".join(other), hidden)


def _outcome(
    rule: str, results: tuple[ClaimResult, ...], sightings: list[Sighting], variants: set[str]
) -> Outcome:
    if not sightings:
        return "not seen"
    if all(one.holds is None for one in sightings):
        return "cannot tell"
    if len(variants) > 1 and rule not in _MIXED:
        return "contradicted"
    if variants - {DEFAULT_VARIANTS.get(rule, "")}:
        return "alternative"
    is_whole = rule not in out_of_sight() and not any(one.missing for one in results)
    return "confirmed" if is_whole else "held"


def _claim_result(claim: Claim, sightings: list[Sighting]) -> ClaimResult:
    held = [one for one in sightings if one.holds]
    counts = {case: sum(one.case == case for one in held) for case in claim.cases}
    missing = tuple(case or "it" for case, count in counts.items() if count < claim.count)
    broken = sum(one.holds is False for one in sightings)
    return ClaimResult(claim.id, claim.sentence, len(held), broken, missing)
