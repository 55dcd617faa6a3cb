"""`nemolocal conform`: checks of a server, told as they end."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nemolocal_conformance.budget import Budget, OverBudget, affordable, require_affordable
from nemolocal_conformance.check import Check
from nemolocal_conformance.control import find_control
from nemolocal_conformance.known import KnownUnreadable, apply_known, read_known
from nemolocal_conformance.peer import NoServer, Peer, require_http
from nemolocal_conformance.reports import FORMS, as_json
from nemolocal_conformance.reports.wording import GRADES, headline, why
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_checks import SMOKE, catalogue
from nemolocal_conformance.stage import Stage
from nemolocal_conformance.verdicts import Report, Verdict
from nemolocal_contract.headers import Attribution
from nemolocal_contract.rules import rules

from .attribution import own_version
from .chosen import choose
from .control_token import given_control_token
from .problem import Problem, Usage

SOURCE = "nemolocal-conformance"
HARNESS_FAILED = 2
_UNKNOWN = "no check has such an id: `nemolocal conform --list` shows them all"


def run(arguments: argparse.Namespace) -> int:
    """0 all right, 1 something failed, 2 the harness went wrong or nothing was judged."""
    if arguments.random or arguments.replay:
        from .conform_scripts import run_scripts

        return run_scripts(arguments)
    if arguments.explain:
        return _explain(arguments.explain)
    checks = _chosen(arguments)
    if arguments.list:
        for check in checks:
            print(f"{check.id}  {check.sentence}")
        return 0
    try:
        report = _judge(arguments, checks)
    except (NoServer, OverBudget, KnownUnreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return HARNESS_FAILED
    if arguments.report:
        write_report(report, Path(arguments.report))
    print(as_json(report) if arguments.json else headline(report))
    return report.exit_code


def _chosen(arguments: argparse.Namespace) -> list[Check]:
    """The checks that were asked for, in the order of the contract."""
    known = {check.id: check for check in catalogue().values()}
    chosen = choose(known, arguments.only, _UNKNOWN)
    if arguments.smoke:
        chosen = [check for check in chosen if check.id in SMOKE]
    if not chosen:
        raise Usage("none of these checks is one of --smoke: leave out --only or --smoke")
    return chosen


def _judge(arguments: argparse.Namespace, checks: list[Check]) -> Report:
    known = read_known(Path(arguments.known)) if arguments.known else ()
    token = given_token(arguments)
    with own_or_named(arguments.base_url) as base_url:
        peer = Peer(base_url, Attribution(SOURCE, own_version()))
        with contextlib.closing(peer):
            require_http(peer)
            control = find_control(peer, given_control_token(arguments))
            stage = Stage(peer, control, token)
            peer.take_evidence()
            playable = checks if stage.ours else _payable(arguments, checks, bool(token))
            left_out = [check for check in checks if check not in playable]
            report = run_checks(
                stage,
                playable,
                left_out=left_out,
                on_verdict=_keep_quiet if arguments.json else tell,
            )
    return apply_known(report, known)


def given_token(arguments: argparse.Namespace) -> str:
    """The token of the user, for a server that is the user's."""
    return arguments.token or (os.environ.get("NEMO_TOKEN", "") if arguments.base_url else "")


def _payable(arguments: argparse.Namespace, checks: list[Check], given: bool) -> list[Check]:
    """What may be played where it costs money; what was asked for by name must all be."""
    budget = Budget(arguments.max_credits, arguments.max_tokens, given)
    if arguments.only:
        wanted = [check for check in checks if not check.control]
        require_affordable(wanted, budget)
        return wanted
    return affordable(checks, budget)


@contextlib.contextmanager
def own_or_named(base_url: str | None) -> Iterator[str]:
    """The server that is judged: the one named, or one whose time jumps."""
    if base_url is not None:
        yield base_url
        return
    from nemolocal_contract.clock import ManualClock
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        yield server.base_url


def tell(verdict: Verdict) -> None:
    """Print a verdict, unless all is well."""
    if verdict.outcome == "passed":
        return
    print(f"{verdict.outcome}: {verdict.check} ({', '.join(verdict.rules)}): {verdict.sentence}")
    print(f"    {why(verdict)}")
    if verdict.evidence and verdict.outcome != "not applicable":
        print(f"    {verdict.evidence[-1].curl}")


def _keep_quiet(verdict: Verdict) -> None:
    del verdict


def write_report(report: Report, folder: Path) -> None:
    """Write a report in all its forms."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, form in FORMS.items():
            (folder / name).write_text(form(report), encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"{folder}: the report cannot be written: {error.strerror}; name another "
            "folder with --report"
        ) from error


def _explain(name: str) -> int:
    check = catalogue().get(name)
    if check is None:
        raise Usage(f"no check is called {name!r}: `nemolocal conform --list` shows them all")
    print(f"{check.id}\n\n{check.sentence}\n")
    for rule in (rules()[rule_id] for rule_id in check.rules):
        print(f"{rule.id}: {rule.level}, {GRADES[rule.grade]} ({', '.join(rule.source)})")
        print(f"    {rule.text}")
    cost = msgspec.structs.asdict(check.cost)
    print(f"\nCosts: {', '.join(f'{value:g} {name}' for name, value in cost.items())}")
    print(f"Stands on: {check.need or 'nothing'}")
    print(f"Needs the control interface: {'yes' if check.control else 'no'}")
    return 0
