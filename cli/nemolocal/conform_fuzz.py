"""`nemolocal conform --random N` and `--replay FILE`: scripts of calls checked by a model."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from nemolocal_conformance.budget import OverBudget
from nemolocal_conformance.fuzz.script import (
    EDIT_PRICE,
    OWN_ACCOUNT,
    AccountStep,
    CallScript,
    ScriptCost,
    ScriptUnreadable,
    format_script,
    read_script,
    script_cost,
)
from nemolocal_conformance.fuzz.script_report import passed_verdict, script_report, script_verdict
from nemolocal_conformance.fuzz.script_runner import ScriptResult, ScriptRunner, open_script_runner
from nemolocal_conformance.reports import as_json
from nemolocal_conformance.target import (
    TargetUnreachable,
    require_http_server,
    require_nemovideo_server,
)
from nemolocal_conformance.verdicts import Verdict
from nemolocal_contract.clock import WallClock, iso8601
from nemolocal_contract.plurals import pluralize

from .conform_output import print_harness_error, print_verdict, write_report
from .conform_target import harness_attribution, open_target, resolve_token
from .errors import CommandError, UsageError
from .shared_options import resolve_control_token

_SCRIPT_FILE = "failing-script.json"
_NOT_RUN = "equal to the beginning of another script, or beyond the budget"
_NO_HYPOTHESIS = "random scripts require Hypothesis: pip install 'nemolocal[conformance]'"


_FuzzOutcome = tuple[tuple[Verdict, ...], int, int]


def run_fuzz(arguments: argparse.Namespace) -> int:
    """Return 0 if every response was allowed, 1 if one was not, 2 if nothing could be checked."""
    if arguments.only or arguments.smoke or arguments.known:
        raise UsageError(
            "--only, --smoke and --known are for checks: they cannot be combined with --random or "
            "--replay"
        )
    begun, at = time.perf_counter(), iso8601(WallClock().time())
    try:
        with _open_runner(arguments) as player:
            play = _replay if arguments.replay else _search
            verdicts, scripts, calls = play(arguments, player)
            report = script_report(player.context, verdicts, at, time.perf_counter() - begun)
    except (TargetUnreachable, OverBudget, ScriptUnreadable) as problem:
        return print_harness_error(problem)
    if arguments.report:
        write_report(report, Path(arguments.report))
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    for verdict in verdicts:
        print_verdict(verdict)
    outcomes = ", ".join(verdict.outcome for verdict in verdicts)
    where = f"({report.base_url}, {report.seconds:.1f} s)"
    print(f"scripts: {scripts}, calls: {calls}: {outcomes} {where}")
    return report.exit_code


@contextlib.contextmanager
def _open_runner(arguments: argparse.Namespace) -> Iterator[ScriptRunner]:
    """Open a script runner for the server of --base-url, or for a new one."""
    with (
        open_target(arguments.base_url) as base_url,
        open_script_runner(
            base_url,
            harness_attribution(),
            token=resolve_token(arguments),
            control_token=resolve_control_token(arguments),
            fresh=not arguments.base_url,
        ) as player,
    ):
        require_http_server(player.context.target)
        if not player.context.has_control:
            require_nemovideo_server(player.context.target)
        yield player


def _replay(arguments: argparse.Namespace, player: ScriptRunner) -> _FuzzOutcome:
    script = read_script(Path(arguments.replay))
    _remaining_budget(arguments, player, script)
    ending = player.run(script)
    verdict = script_verdict(script, ending, has_control=player.context.has_control)
    return (verdict,), 1, ending.steps


def _search(arguments: argparse.Namespace, player: ScriptRunner) -> _FuzzOutcome:
    if find_spec("hypothesis") is None:
        raise CommandError(_NO_HYPOTHESIS)
    from nemolocal_conformance.fuzz.search import search_scripts
    from nemolocal_conformance.fuzz.strategies import ScriptCapabilities
    from nemolocal_render.temporary_folder import TemporaryFolder

    purse = _remaining_budget(arguments, player)
    reach = ScriptCapabilities(clock=player.can_advance_clock())
    if purse is not None:
        edits, tokens = purse.credits >= EDIT_PRICE, purse.tokens > 0
        reach = ScriptCapabilities(edits=edits, tokens=tokens, clock=False, render_ends=False)

    def open_player() -> contextlib.AbstractContextManager[ScriptRunner]:
        """Return a factory of new servers, one for each script, if the server is embedded."""
        return contextlib.nullcontext(player) if arguments.base_url else _open_runner(arguments)

    with TemporaryFolder("conform") as home:
        done = search_scripts(
            open_player, reach, arguments.random, arguments.seed, purse, home=home
        )
    played = [*([done.failed] if done.failed else []), *done.learned]
    ours = player.context.has_control
    verdicts = tuple(script_verdict(one.script, one.result, has_control=ours) for one in played)
    if done.failed is None:
        verdicts = (passed_verdict(), *verdicts)
        if left := arguments.random - done.scripts:
            print(f"nemolocal: {pluralize(left, 'script')} not run: {_NOT_RUN}", file=sys.stderr)
    if played:
        _write_script(arguments, played[0].script, played[0].result)
    return verdicts, done.scripts, done.calls


def _remaining_budget(
    arguments: argparse.Namespace, player: ScriptRunner, script: CallScript | None = None
) -> ScriptCost | None:
    """Return the budget left after `script`; None if calls cost nothing."""
    if player.context.has_control:
        return None
    cost = script_cost(script) if script is not None else ScriptCost()
    uses_own = script is None or any(
        isinstance(step, AccountStep) and step.by == OWN_ACCOUNT for step in script.steps
    )
    tokens = cost.tokens + (uses_own and not resolve_token(arguments))
    left = ScriptCost(arguments.max_credits - cost.credits, arguments.max_tokens - tokens)
    if min(left.credits, left.tokens) < 0:
        raise OverBudget(
            f"this costs up to {pluralize(cost.credits, 'credit')} and "
            f"{pluralize(tokens, 'anonymous token')}; allowed are "
            f"{arguments.max_credits} and {arguments.max_tokens}: "
            "raise --max-credits or --max-tokens, or give a --token"
        )
    return left


def _write_script(arguments: argparse.Namespace, script: CallScript, ending: ScriptResult) -> None:
    """Write a script to a file for --replay."""
    path = Path(arguments.report or ".") / _SCRIPT_FILE
    found = ending.violation.summary if ending.violation is not None else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(format_script(CallScript(script.steps, found)), encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"cannot write the script to {path}: {error.strerror}; choose another folder "
            "with --report"
        ) from error
    print(f"nemolocal: to run it again: nemolocal conform --replay {path}", file=sys.stderr)
