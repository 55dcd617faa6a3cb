"""`nemolocal verdict`: what a client did, judged by the journal that a server kept of it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.client_rules.judging import judge_journal
from nemolocal_conformance.client_rules.rule import ClientCheck
from nemolocal_conformance.records.journal import JournalUnreadable
from nemolocal_conformance.records.reading import read_journal
from nemolocal_conformance.reports import as_json
from nemolocal_conformance.reports.wording import GRADES, ORDER, by_outcome, entry_list, why
from nemolocal_conformance.verdicts import Report, Verdict
from nemolocal_contract.counts import counted
from nemolocal_contract.rules import rules

from .chosen import choose

_UNTOLD = ("passed", "not applicable")
_UNJUDGED = 2
_MOST_IDS = 12
_UNKNOWN = "no check has such an id: `nemolocal verdict --list` shows them all"


def run(arguments: argparse.Namespace) -> int:
    """0 nothing failed, 1 something did, 2 unreadable or nothing to judge."""
    if arguments.explain:
        return _explain(arguments.explain)
    checks = choose({c.id: c for c in client_catalogue().values()}, arguments.only, _UNKNOWN)
    if arguments.list:
        for check in checks:
            print(f"{check.id}  {check.sentence}")
        return 0
    if arguments.journal is None:
        return _refuse("name a JOURNAL, or --list or --explain ID")
    if arguments.speed is not None and not arguments.speed > 0:
        return _refuse("--speed must be greater than 0")
    return _judge(arguments, checks)


def _judge(arguments: argparse.Namespace, checks: list[ClientCheck]) -> int:
    try:
        journal = read_journal(Path(arguments.journal))
    except JournalUnreadable as problem:
        return _refuse(str(problem))
    whose = {"token": arguments.token, "user": arguments.user, "speed": arguments.speed}
    report = judge_journal(journal, checks, **whose)
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    print(*tell_report(report, arguments.journal, len(journal.entries)), sep="\n")
    return report.exit_code


def tell_report(report: Report, name: str, entries: int) -> Iterator[str]:
    """What was found, in lines, the worst first; `name` is the journal's, of so many entries."""
    for verdict in by_outcome(report):
        if verdict.outcome not in _UNTOLD:
            yield _line(verdict)
    yield _summary(report, name, entries)


def _line(verdict: Verdict) -> str:
    """`failed client.resend: why (entries 5, 6; 50 credits in the cloud)`."""
    notes = [entry_list(verdict.entries, _MOST_IDS)] if verdict.entries else []
    notes += [f"{counted(verdict.credits, 'credit')} in the cloud"] if verdict.credits else []
    told = f" ({'; '.join(notes)})" if notes else ""
    return f"{verdict.outcome} {verdict.check}: {why(verdict)}{told}"


def _summary(report: Report, name: str, entries: int) -> str:
    counts = [f"{n} {outcome}" for outcome in ORDER if (n := report.count(outcome))]
    cost = sum(verdict.credits for verdict in report.verdicts)
    lost = f"; {counted(cost, 'credit')} lost in the cloud" if cost else ""
    checks = counted(len(report.verdicts), "check")
    seen = counted(entries, "entry", "entries")
    return f"{checks}: {', '.join(counts)}{lost} ({name}, {seen})"


def _explain(name: str) -> int:
    check = client_catalogue().get(name)
    if check is None:
        return _refuse(_UNKNOWN)
    print(f"{check.id}\n\n{check.sentence}\n")
    for rule in (rules()[rule_id] for rule_id in check.rules):
        print(f"{rule.id}: {rule.level}, {GRADES[rule.grade]} ({', '.join(rule.source)})")
        print(f"    {rule.text}")
    return 0


def _refuse(problem: str) -> int:
    print(f"nemolocal: {problem}", file=sys.stderr)
    return _UNJUDGED
