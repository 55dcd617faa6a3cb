"""`nemolocal verdict`: checks a client by the journal of a server."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..argument_parser import add_command
from ..shared_options import add_only, select_by_prefix

if TYPE_CHECKING:
    from nemolocal_conformance.client_checks.client_check import ClientCheck
    from nemolocal_conformance.verdicts import ConformanceReport

_DESCRIPTION = """\
Check a client against the contract by its recorded traffic: the journal of a
local server, or an HTTP archive (HAR) from a browser or a proxy. To download
a journal:

  curl -s 'http://127.0.0.1:8787/__nemolocal__/journal?format=jsonl' \\
      -o journal.jsonl

Exit status: 0 if no check failed, 1 if one failed, 2 for wrong usage, if the
file cannot be read, or if there was nothing to check.
"""
_NOTHING_CHECKED = 2
_UNKNOWN = "no check has this id: see `nemolocal verdict --list`"
_UNKNOWN_PREFIX = "no check id starts with this: see `nemolocal verdict --list`"


def add_parser(commands: Any) -> None:
    """Add the command."""
    verdict = add_command(
        commands,
        "verdict",
        "check a client against the contract by its recorded traffic",
        _DESCRIPTION,
    )
    verdict.add_argument(
        "journal", nargs="?", metavar="JOURNAL", help="a journal (JSON Lines or JSON) or a HAR file"
    )
    whose = verdict.add_mutually_exclusive_group()
    whose.add_argument("--token", type=int, metavar="N", help="only the client with this token id")
    whose.add_argument("--user", metavar="ID", help="only the client with this user id")
    add_only(verdict, "checks whose id")
    verdict.add_argument(
        "--speed",
        type=float,
        metavar="S",
        help="speed of the server, if the journal does not contain it",
    )
    verdict.add_argument("--list", action="store_true", help="list the checks and exit")
    verdict.add_argument("--explain", metavar="ID", help="explain one check and exit")
    verdict.add_argument("--json", action="store_true", help="print the report as JSON")
    verdict.add_argument(
        "--report", metavar="DIR", help="write JSON, JUnit and Markdown reports to DIR"
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if no check failed, 1 if one failed, 2 if nothing was readable or checked."""
    from nemolocal_conformance.client_checks import client_catalogue

    if arguments.explain:
        return _explain(arguments.explain)
    checks = select_by_prefix(
        {c.id: c for c in client_catalogue().values()}, arguments.only, _UNKNOWN_PREFIX
    )
    if arguments.list:
        for check in checks:
            print(f"{check.id}  {check.sentence}")
        return 0
    if arguments.journal is None:
        return _print_error("give a JOURNAL, --list or --explain ID")
    if arguments.speed is not None and not arguments.speed > 0:
        return _print_error("--speed must be greater than 0")
    return _check(arguments, checks)


def _check(arguments: argparse.Namespace, checks: "list[ClientCheck]") -> int:
    from nemolocal_conformance.client_checks.evaluation import evaluate_journal
    from nemolocal_conformance.reports import as_json
    from nemolocal_conformance.traffic.journal import JournalUnreadable
    from nemolocal_conformance.traffic.journal_reader import read_journal

    from ..client_report import count_generation_2, count_simulated, report_lines

    try:
        journal = read_journal(Path(arguments.journal))
    except JournalUnreadable as problem:
        return _print_error(str(problem))
    whose = {"token": arguments.token, "user": arguments.user, "speed": arguments.speed}
    report = evaluate_journal(journal, checks, **whose)
    if arguments.report:
        _write_report(report, Path(arguments.report))
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    simulated = count_simulated(journal.entries)
    second = count_generation_2(journal.entries)
    lines = report_lines(report, arguments.journal, len(journal.entries), simulated, second)
    print(*lines, sep="\n")
    return report.exit_code


def _write_report(report: "ConformanceReport", folder: Path) -> None:
    from nemolocal_conformance.reports import as_json, as_junit, as_markdown

    from ..report_files import write_report_files

    contents = {
        "report.json": as_json(report),
        "junit.xml": as_junit(report, "nemolocal verdict"),
        "summary.md": as_markdown(report),
    }
    write_report_files(folder, contents)


def _explain(name: str) -> int:
    from nemolocal_conformance.client_checks import client_catalogue

    from ..check_explanation import print_check

    check = client_catalogue().get(name)
    if check is None:
        return _print_error(_UNKNOWN)
    print_check(check)
    return 0


def _print_error(problem: str) -> int:
    print(f"nemolocal: {problem}", file=sys.stderr)
    return _NOTHING_CHECKED
