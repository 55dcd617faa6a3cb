"""`nemolocal conform` on a server that charges: the plan, the run within it, and going on later."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nemolocal_conformance.budget import Budget, require_affordable
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.reports.plan_text import plan_check_lines, plan_lines, plan_values
from nemolocal_conformance.run_progress import RunProgress, open_progress
from nemolocal_conformance.runner import OnVerdict, run_checks as run_server_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.spending_guard import (
    SpendingGuard,
    merge_verdicts,
    plan_remaining,
    settle_interrupted,
)
from nemolocal_conformance.target import TargetClient
from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.plurals import pluralize

from .conform_target import resolve_token
from .errors import UsageError


def print_plan(arguments: argparse.Namespace, checks: list[ServerCheck]) -> int:
    """Print what a run on a server that charges would do; no request is sent."""
    with _open_progress(arguments) as progress:
        plan = plan_remaining(_payable_checks(arguments, checks), _budget(arguments), progress)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(plan_values(plan)), indent=2).decode())
        return 0
    for line in (*plan_lines(plan), "", *plan_check_lines(plan)):
        print(line)
    return 0


def reject_state(arguments: argparse.Namespace) -> None:
    """Reject --state for a server on which nothing is paid: its runs cannot be continued."""
    if arguments.state:
        raise UsageError(
            "--state is for servers without the control API: remove it, this run costs nothing"
        )


def run_planned_checks(
    arguments: argparse.Namespace,
    target: TargetClient,
    checks: list[ServerCheck],
    on_verdict: OnVerdict,
) -> tuple[ConformanceReport, ConformanceReport]:
    """Print the plan, and run it; with --state, go on where an earlier run has stopped.

    Returns the report of both runs, and that of this run alone.

    Raises `OverBudget` and `ProgressUnusable`.
    """
    chosen, budget = _payable_checks(arguments, checks), _budget(arguments)
    with _open_progress(arguments) as progress:
        context = CheckContext(target, None, resolve_token(arguments), progress)
        if progress is not None:
            settle_interrupted(context, progress)
        target.take_evidence()
        plan = plan_remaining(chosen, budget, progress)
        for line in plan_lines(plan):
            print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)
        guard = SpendingGuard(context, budget, progress)
        planned = {check.id for check in plan.checks}
        left_out = [check for check in checks if check.id not in planned]
        with _telling_how_to_go_on(arguments):
            report = run_server_checks(
                context, plan.checks, left_out=left_out, on_verdict=on_verdict, guard=guard
            )
        _print_ending(arguments, guard, progress)
    return (report if progress is None else merge_verdicts(report, progress)), report


def _payable_checks(arguments: argparse.Namespace, checks: list[ServerCheck]) -> list[ServerCheck]:
    """Return the checks without those that need the control API.

    Raises `OverBudget` if some are selected by name and do not all fit into the budget.
    """
    payable = [check for check in checks if not check.needs_control]
    if arguments.only:
        require_affordable(payable, _budget(arguments))
    return payable


def _budget(arguments: argparse.Namespace) -> Budget:
    return Budget(arguments.max_credits, arguments.max_tokens, bool(resolve_token(arguments)))


@contextlib.contextmanager
def _open_progress(arguments: argparse.Namespace) -> Iterator[RunProgress | None]:
    if not arguments.state:
        yield None
        return
    if not arguments.base_url:
        raise UsageError("--state needs --base-url: a run on the built-in server costs nothing")
    token = resolve_token(arguments)
    with open_progress(Path(arguments.state), arguments.base_url, token) as progress:
        yield progress


@contextlib.contextmanager
def _telling_how_to_go_on(arguments: argparse.Namespace) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if arguments.state:
            print(
                f"nemolocal: stopped; the same command goes on with {arguments.state}",
                file=sys.stderr,
            )
        raise


def _print_ending(
    arguments: argparse.Namespace, guard: SpendingGuard, progress: RunProgress | None
) -> None:
    """Print why checks were not run, and what the account has paid."""
    out = sys.stderr if arguments.json else sys.stdout
    for begun in () if progress is None else progress.interrupted:
        print(
            f"not repeated: {begun.check}: it was interrupted and may have been paid "
            "(a higher --max-credits or --max-tokens lets it run again)",
            file=out,
        )
    if guard.refused:
        why = guard.stop_reason or "their costs would exceed --max-credits"
        later = f"; the same command goes on later with {arguments.state}" if progress else ""
        print(f"not run: {pluralize(len(guard.refused), 'check')}: {why}{later}", file=out)
    if (spent := guard.spent) is not None:
        print(f"credits that the account has paid: {spent:g}", file=out)
