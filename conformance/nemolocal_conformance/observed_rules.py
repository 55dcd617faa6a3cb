"""Which assumed and contradicted rules a run has observed on a server of somebody else."""

from nemolocal_contract.rules import rules

from .server_checks import server_catalogue
from .verdicts import ConformanceReport, ObservedRule, Verdict

_OBSERVED_OUTCOMES = ("passed", "failed", "warning", "learned", "known")


def list_observed_rules(report: ConformanceReport) -> tuple[ObservedRule, ...]:
    """List them by rule; none if the server is one of this project, which shows nothing.

    A check that was begun without its prerequisite has looked at nothing and does not count.
    """
    if report.ours:
        return ()
    seen: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        check = server_catalogue().get(verdict.check)
        if check is None or verdict.outcome not in _OBSERVED_OUTCOMES or verdict.unmet:
            continue
        for rule in check.uncertain_rules:
            seen.setdefault(rule, []).append(verdict)
    return tuple(
        _observed_rule(rule, seen[rule], report.alternatives.get(rule, ()))
        for rule in rules()
        if rule in seen
    )


def _observed_rule(
    rule: str, verdicts: list[Verdict], alternatives: tuple[str, ...]
) -> ObservedRule:
    differing = tuple(verdict.check for verdict in verdicts if verdict.outcome != "passed")
    return ObservedRule(
        rule,
        rules()[rule].grade,
        "differs" if differing else "holds",
        len(verdicts),
        sum(rule in check.uncertain_rules for check in server_catalogue().values()),
        differing,
        alternatives,
    )
