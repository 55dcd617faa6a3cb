"""Selects, runs and explains the checks of `nemolocal conform`."""

import argparse
import contextlib
from pathlib import Path

import msgspec

from nemolocal_conformance.budget import OverBudget
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.known_differences import (
    KnownDifferencesUnreadable,
    apply_known_differences,
    read_known_differences,
)
from nemolocal_conformance.observed_rules import list_observed_rules
from nemolocal_conformance.reports import as_json
from nemolocal_conformance.reports.report_text import headline, observed_lines
from nemolocal_conformance.run_progress import ProgressUnusable
from nemolocal_conformance.runner import run_checks as run_server_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import SMOKE_CHECKS, server_catalogue
from nemolocal_conformance.target import (
    TargetClient,
    TargetUnreachable,
    require_http_server,
    require_nemovideo_server,
)
from nemolocal_conformance.verdicts import ConformanceReport, Verdict

from .check_explanation import print_check
from .conform_observations import add_to_observations, observations_file
from .conform_output import print_harness_error, print_verdict, write_report
from .conform_plan import print_plan, reject_state, run_planned_checks
from .conform_target import harness_attribution, open_target, resolve_token
from .errors import UsageError
from .shared_options import resolve_control_token, select_by_prefix

_UNKNOWN = "no check id starts with this: see `nemolocal conform --list`"


def list_checks(arguments: argparse.Namespace) -> int:
    """Print the selected checks."""
    for check in _selected_checks(arguments):
        print(f"{check.id}  {check.sentence}")
    return 0


def plan_checks(arguments: argparse.Namespace) -> int:
    """Print the plan of a run on a server that charges; return 0, or 2 for an error."""
    try:
        return print_plan(arguments, _selected_checks(arguments))
    except (OverBudget, ProgressUnusable) as problem:
        return print_harness_error(problem)


def run_checks(arguments: argparse.Namespace) -> int:
    """Return 0 if no check failed, 1 if one failed, 2 for an error or if nothing was checked."""
    checks = _selected_checks(arguments)
    observations = observations_file(arguments)
    try:
        report, seen = _run_checks(arguments, checks)
    except (TargetUnreachable, OverBudget, KnownDifferencesUnreadable, ProgressUnusable) as problem:
        return print_harness_error(problem)
    if observations is not None:
        report = add_to_observations(observations, report, seen)
    if arguments.report:
        write_report(report, Path(arguments.report))
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    for line in observed_lines(report):
        print(line)
    print(headline(report))
    return report.exit_code


def _selected_checks(arguments: argparse.Namespace) -> list[ServerCheck]:
    """Return the selected checks in the order of the contract."""
    known = {check.id: check for check in server_catalogue().values()}
    chosen = select_by_prefix(known, arguments.only, _UNKNOWN)
    if arguments.smoke:
        chosen = [check for check in chosen if check.id in SMOKE_CHECKS]
    if not chosen:
        raise UsageError("none of these checks is in the --smoke set: remove --only or --smoke")
    return chosen


def _run_checks(
    arguments: argparse.Namespace, checks: list[ServerCheck]
) -> tuple[ConformanceReport, ConformanceReport]:
    """Return the report, and what of it this run has seen: not what --state has of earlier ones."""
    known = read_known_differences(Path(arguments.known)) if arguments.known else ()
    token = resolve_token(arguments)
    with open_target(arguments.base_url) as base_url:
        peer = TargetClient(base_url, harness_attribution())
        with contextlib.closing(peer):
            require_http_server(peer)
            control = find_control_client(peer, resolve_control_token(arguments))
            on_verdict = _ignore_verdict if arguments.json else print_verdict
            if control is None:
                require_nemovideo_server(peer)
                report, seen = run_planned_checks(arguments, peer, checks, on_verdict)
            else:
                reject_state(arguments)
                context = CheckContext(peer, control, token)
                peer.take_evidence()
                report = seen = run_server_checks(context, checks, on_verdict=on_verdict)
    report, seen = (apply_known_differences(one, known) for one in (report, seen))
    return msgspec.structs.replace(report, observed=list_observed_rules(report)), seen


def _ignore_verdict(verdict: Verdict) -> None:
    del verdict


def explain_check(name: str) -> int:
    """Print a check with its rules, cost and prerequisites."""
    check = server_catalogue().get(name)
    if check is None:
        raise UsageError(f"no check has the id {name!r}: see `nemolocal conform --list`")
    print_check(check)
    cost = msgspec.structs.asdict(check.cost)
    print(f"\nCosts: {', '.join(f'{value:g} {name}' for name, value in cost.items())}")
    print(f"Requires: {check.prerequisite or 'nothing'}")
    print(f"Needs the control API: {'yes' if check.needs_control else 'no'}")
    return 0
