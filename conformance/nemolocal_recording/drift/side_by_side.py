"""The rows of a drift report: documents, recording and servers side by side."""

from collections.abc import Sequence

import msgspec

from nemolocal_conformance.reports.report_text import GRADE_NAMES
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.rules import Rule, rules

from ..learning.observations import Observation, days_seen
from .drift_report import DriftReport, DriftVerdict, RuleDrift
from .exchange_comparison import Difference

VERDICT_ORDER: tuple[DriftVerdict, ...] = ("changed", "could not look", "same")
"""What is read first comes first."""


class SideBySide(msgspec.Struct, frozen=True):
    """A rule: what documents say, what the recording shows, and what each server does."""

    rule: Rule
    grade: str
    recorded: str
    servers: tuple[RuleDrift | None, ...]
    verdict: DriftVerdict
    notes: tuple[str, ...]


def side_by_side(
    reports: Sequence[DriftReport], observations: Sequence[Observation] = ()
) -> list[SideBySide]:
    """Return a row for each rule of these reports on one recording; the first decides the order."""
    by_rule = [{one.rule: one for one in report.rules} for report in reports]
    names = [name for name in rules() if any(name in found for found in by_rule)]
    found = [
        _row(rules()[name], [one.get(name) for one in by_rule], observations) for name in names
    ]
    return sorted(found, key=lambda row: VERDICT_ORDER.index(row.verdict))


def _row(
    rule: Rule, servers: list[RuleDrift | None], observations: Sequence[Observation]
) -> SideBySide:
    known = [one for one in servers if one is not None]
    verdict = servers[0].verdict if servers[0] is not None else known[0].verdict
    recorded = known[0].recorded
    days = days_seen(observations, rule.id, recorded)
    seen = f"{recorded}; in the cloud on {pluralize(days, 'day')}" if days else recorded
    notes = tuple(dict.fromkeys(note for one in known for note in rule_notes(one)))
    return SideBySide(rule, GRADE_NAMES[rule.grade], seen, tuple(servers), verdict, notes)


def rule_notes(drift: RuleDrift) -> tuple[str, ...]:
    """Return what differs, or why nothing can be said, a sentence each."""
    told = tuple(difference_text(one) for one in drift.differences)
    return (*told, drift.reason) if drift.reason else told


def difference_text(one: Difference) -> str:
    """Return a difference as a sentence."""
    at = f" (exchange {one.exchange})" if one.exchange else ""
    return f"{one.what}: recorded {one.recorded}, now {one.now}{at}"
