"""`nemolocal verdict`: what a client did, judged by the journal that a server kept of it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.client_check import ClientCheck
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.reports import as_json
from nemolocal_conformance.reports.report_text import (
    GRADE_NAMES,
    OUTCOME_ORDER,
    entry_list,
    sort_by_outcome,
    verdict_reason,
)
from nemolocal_conformance.traffic.journal import JournalUnreadable
from nemolocal_conformance.traffic.journal_reader import read_journal
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.rules import rules

from ..prefix_filter import select_by_prefix

_UNREPORTED = ("passed", "not applicable")
_NOTHING_JUDGED = 2
_MAX_IDS = 12
_UNKNOWN = "no check has such an id: `nemolocal verdict --list` shows them all"


def run(arguments: argparse.Namespace) -> int:
    """0 nothing failed, 1 something did, 2 unreadable or nothing to judge."""
    if arguments.explain:
        return _explain(arguments.explain)
    checks = select_by_prefix(
        {c.id: c for c in client_catalogue().values()}, arguments.only, _UNKNOWN
    )
    if arguments.list:
        for check in checks:
            print(f"{check.id}  {check.sentence}")
        return 0
    if arguments.journal is None:
        return _print_error("name a JOURNAL, or --list or --explain ID")
    if arguments.speed is not None and not arguments.speed > 0:
        return _print_error("--speed must be greater than 0")
    return _judge(arguments, checks)


def _judge(arguments: argparse.Namespace, checks: list[ClientCheck]) -> int:
    try:
        journal = read_journal(Path(arguments.journal))
    except JournalUnreadable as problem:
        return _print_error(str(problem))
    whose = {"token": arguments.token, "user": arguments.user, "speed": arguments.speed}
    report = evaluate_journal(journal, checks, **whose)
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    print(*report_lines(report, arguments.journal, len(journal.entries)), sep="\n")
    return report.exit_code


def report_lines(report: ConformanceReport, name: str, entries: int) -> Iterator[str]:
    """What was found, in lines, the worst first; `name` is the journal's, of so many entries."""
    for verdict in sort_by_outcome(report):
        if verdict.outcome not in _UNREPORTED:
            yield _line(verdict)
    yield _summary(report, name, entries)


def _line(verdict: Verdict) -> str:
    """`failed client.resend: why (entries 5, 6; 50 credits in the cloud)`."""
    notes = [entry_list(verdict.entries, _MAX_IDS)] if verdict.entries else []
    notes += [f"{pluralize(verdict.credits, 'credit')} in the cloud"] if verdict.credits else []
    told = f" ({'; '.join(notes)})" if notes else ""
    return f"{verdict.outcome} {verdict.check}: {verdict_reason(verdict)}{told}"


def _summary(report: ConformanceReport, name: str, entries: int) -> str:
    counts = [f"{n} {outcome}" for outcome in OUTCOME_ORDER if (n := report.count(outcome))]
    cost = sum(verdict.credits for verdict in report.verdicts)
    lost = f"; {pluralize(cost, 'credit')} lost in the cloud" if cost else ""
    checks = pluralize(len(report.verdicts), "check")
    seen = pluralize(entries, "entry", "entries")
    return f"{checks}: {', '.join(counts)}{lost} ({name}, {seen})"


def _explain(name: str) -> int:
    check = client_catalogue().get(name)
    if check is None:
        return _print_error(_UNKNOWN)
    print(f"{check.id}\n\n{check.sentence}\n")
    for rule in (rules()[rule_id] for rule_id in check.rules):
        print(f"{rule.id}: {rule.level}, {GRADE_NAMES[rule.grade]} ({', '.join(rule.source)})")
        print(f"    {rule.text}")
    return 0


def _print_error(problem: str) -> int:
    print(f"nemolocal: {problem}", file=sys.stderr)
    return _NOTHING_JUDGED
