"""What a run of `conform` on somebody else's server adds to the file of observations."""

from nemolocal_conformance.reports import as_json
from nemolocal_conformance.verdicts import ConformanceReport, Verdict

from .evaluation import DEFAULT_VARIANTS, Outcome
from .observations import CountObservation, Observation, ObservationLine, ServerKind, hash_of
from .variants import VARIANT_RULES

_DIFFERENT = ("failed", "warning", "learned", "known")


def observe_report(report: ConformanceReport, server: ServerKind) -> list[ObservationLine]:
    """Return a line for each rule of each check that looked at something, and for each variant.

    A check looks at a part of its rules, so that one that passed shows that they `held`. What it
    saw is left out: it may be a secret of the account. A server of this project shows nothing.
    """
    if report.ours:
        return []
    origin = (report.at[:10], hash_of(as_json(report).encode()), server)
    seen: list[ObservationLine] = [
        _observation(report, verdict, rule, origin)
        for verdict in report.verdicts
        if verdict.outcome in ("passed", *_DIFFERENT) and not verdict.unmet
        for rule in verdict.rules
    ]
    pairs = [name.partition("=") for names in report.alternatives.values() for name in names]
    seen += [
        CountObservation(name, variant, 1, *origin, is_run=True)
        for name, _, variant in pairs
        if name in VARIANT_RULES
    ]
    return seen


def _observation(
    report: ConformanceReport, verdict: Verdict, rule: str, origin: tuple[str, str, ServerKind]
) -> Observation:
    if verdict.outcome in _DIFFERENT:
        return Observation(rule, "contradicted", *origin, check=verdict.check)
    seen = {name.rpartition("=")[2] for name in report.alternatives.get(rule, ())}
    other = sorted(seen - {DEFAULT_VARIANTS.get(rule, "")}) if rule in DEFAULT_VARIANTS else []
    outcome: Outcome = "alternative" if other else "held"
    return Observation(rule, outcome, *origin, 1, "+".join(other), check=verdict.check)
