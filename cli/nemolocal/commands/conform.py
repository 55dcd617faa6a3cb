"""`nemolocal conform`: checks of a server, told as they end."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nemolocal_conformance.budget import Budget, OverBudget, affordable_checks, require_affordable
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.known_differences import (
    KnownDifferencesUnreadable,
    apply_known_differences,
    read_known_differences,
)
from nemolocal_conformance.reports import REPORT_FORMATS, as_json
from nemolocal_conformance.reports.report_text import GRADE_NAMES, headline, verdict_reason
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import SMOKE_CHECKS, server_catalogue
from nemolocal_conformance.target import TargetClient, TargetUnreachable, require_http_server
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.headers import Attribution
from nemolocal_contract.rules import rules

from ..attribution import installed_version
from ..control_token_option import resolve_control_token
from ..errors import CommandError, UsageError
from ..prefix_filter import select_by_prefix

ATTRIBUTION_SOURCE = "nemolocal-conformance"
HARNESS_FAILED = 2
_UNKNOWN = "no check has such an id: `nemolocal conform --list` shows them all"


def run(arguments: argparse.Namespace) -> int:
    """0 all right, 1 something failed, 2 the harness went wrong or nothing was judged."""
    if arguments.random or arguments.replay:
        from ..conform_fuzz import run_fuzz

        return run_fuzz(arguments)
    if arguments.explain:
        return _explain(arguments.explain)
    checks = _selected_checks(arguments)
    if arguments.list:
        for check in checks:
            print(f"{check.id}  {check.sentence}")
        return 0
    try:
        report = _run_checks(arguments, checks)
    except (TargetUnreachable, OverBudget, KnownDifferencesUnreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return HARNESS_FAILED
    if arguments.report:
        write_report(report, Path(arguments.report))
    print(as_json(report) if arguments.json else headline(report))
    return report.exit_code


def _selected_checks(arguments: argparse.Namespace) -> list[ServerCheck]:
    """The checks that were asked for, in the order of the contract."""
    known = {check.id: check for check in server_catalogue().values()}
    chosen = select_by_prefix(known, arguments.only, _UNKNOWN)
    if arguments.smoke:
        chosen = [check for check in chosen if check.id in SMOKE_CHECKS]
    if not chosen:
        raise UsageError("none of these checks is one of --smoke: leave out --only or --smoke")
    return chosen


def _run_checks(arguments: argparse.Namespace, checks: list[ServerCheck]) -> ConformanceReport:
    known = read_known_differences(Path(arguments.known)) if arguments.known else ()
    token = resolve_token(arguments)
    with open_target(arguments.base_url) as base_url:
        peer = TargetClient(base_url, Attribution(ATTRIBUTION_SOURCE, installed_version()))
        with contextlib.closing(peer):
            require_http_server(peer)
            control = find_control_client(peer, resolve_control_token(arguments))
            stage = CheckContext(peer, control, token)
            peer.take_evidence()
            playable = (
                checks
                if stage.has_control
                else _checks_within_budget(arguments, checks, bool(token))
            )
            left_out = [check for check in checks if check not in playable]
            report = run_checks(
                stage,
                playable,
                left_out=left_out,
                on_verdict=_ignore_verdict if arguments.json else print_verdict,
            )
    return apply_known_differences(report, known)


def resolve_token(arguments: argparse.Namespace) -> str:
    """The token of the user, for a server that is the user's."""
    return arguments.token or (os.environ.get("NEMO_TOKEN", "") if arguments.base_url else "")


def _checks_within_budget(
    arguments: argparse.Namespace, checks: list[ServerCheck], given: bool
) -> list[ServerCheck]:
    """What may be played where it costs money; what was asked for by name must all be."""
    budget = Budget(arguments.max_credits, arguments.max_tokens, given)
    if arguments.only:
        wanted = [check for check in checks if not check.needs_control]
        require_affordable(wanted, budget)
        return wanted
    return affordable_checks(checks, budget)


@contextlib.contextmanager
def open_target(base_url: str | None) -> Iterator[str]:
    """The server that is judged: the one named, or one whose time jumps."""
    if base_url is not None:
        yield base_url
        return
    from nemolocal_contract.clock import ManualClock
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        yield server.base_url


def print_verdict(verdict: Verdict) -> None:
    """Print a verdict, unless all is well."""
    if verdict.outcome == "passed":
        return
    print(f"{verdict.outcome}: {verdict.check} ({', '.join(verdict.rules)}): {verdict.sentence}")
    print(f"    {verdict_reason(verdict)}")
    if verdict.evidence and verdict.outcome != "not applicable":
        print(f"    {verdict.evidence[-1].curl}")


def _ignore_verdict(verdict: Verdict) -> None:
    del verdict


def write_report(report: ConformanceReport, folder: Path) -> None:
    """Write a report in all its forms."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, form in REPORT_FORMATS.items():
            (folder / name).write_text(form(report), encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{folder}: the report cannot be written: {error.strerror}; name another "
            "folder with --report"
        ) from error


def _explain(name: str) -> int:
    check = server_catalogue().get(name)
    if check is None:
        raise UsageError(f"no check is called {name!r}: `nemolocal conform --list` shows them all")
    print(f"{check.id}\n\n{check.sentence}\n")
    for rule in (rules()[rule_id] for rule_id in check.rules):
        print(f"{rule.id}: {rule.level}, {GRADE_NAMES[rule.grade]} ({', '.join(rule.source)})")
        print(f"    {rule.text}")
    cost = msgspec.structs.asdict(check.cost)
    print(f"\nCosts: {', '.join(f'{value:g} {name}' for name, value in cost.items())}")
    print(f"Stands on: {check.prerequisite or 'nothing'}")
    print(f"Needs the control interface: {'yes' if check.needs_control else 'no'}")
    return 0
