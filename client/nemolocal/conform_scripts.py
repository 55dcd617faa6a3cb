"""`nemolocal conform --random N` and `--replay FILE`: scripts of calls against a small model."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from nemolocal_conformance.budget import OverBudget
from nemolocal_conformance.peer import NoServer, require_http
from nemolocal_conformance.reports import as_json
from nemolocal_conformance.scripts.place import player_at
from nemolocal_conformance.scripts.player import Ending, Player
from nemolocal_conformance.scripts.reporting import passed, report_of, verdict_of
from nemolocal_conformance.scripts.script import (
    EDIT_PRICE,
    OWN,
    Bill,
    Call,
    Script,
    ScriptUnreadable,
    bill,
    read_script,
    written,
)
from nemolocal_conformance.verdicts import Verdict
from nemolocal_contract.clock import WallClock, iso8601
from nemolocal_contract.counts import counted
from nemolocal_contract.headers import Attribution

from .attribution import own_version
from .conform import HARNESS_FAILED, SOURCE, given_token, own_or_named, tell, write_report
from .control_token import given_control_token
from .problem import Problem, Usage

_KEPT = "failing-script.json"
_NO_HYPOTHESIS = "random scripts are made by Hypothesis: pip install 'nemolocal[conformance]'"


_Told = tuple[tuple[Verdict, ...], int, int]


def run_scripts(arguments: argparse.Namespace) -> int:
    """0 all right, 1 an answer was not allowed, 2 nothing could be judged."""
    if arguments.only or arguments.smoke or arguments.known:
        raise Usage("--only, --smoke and --known are about checks: scripts have none")
    begun, at = time.perf_counter(), iso8601(WallClock().time())
    try:
        with _player(arguments) as player:
            play = _replay if arguments.replay else _search
            verdicts, scripts, calls = play(arguments, player)
            report = report_of(player.stage, verdicts, at, time.perf_counter() - begun)
    except (NoServer, OverBudget, ScriptUnreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return HARNESS_FAILED
    if arguments.report:
        write_report(report, Path(arguments.report))
    if arguments.json:
        print(as_json(report))
        return report.exit_code
    for verdict in verdicts:
        tell(verdict)
    outcomes = ", ".join(verdict.outcome for verdict in verdicts)
    where = f"({report.base_url}, {report.seconds:.1f} s)"
    print(f"scripts: {scripts}, calls: {calls}: {outcomes} {where}")
    return report.exit_code


@contextlib.contextmanager
def _player(arguments: argparse.Namespace) -> Iterator[Player]:
    """A player of the server that is judged: the one that is named, or a new one."""
    attribution, token = Attribution(SOURCE, own_version()), given_token(arguments)
    control_token = given_control_token(arguments)
    with (
        own_or_named(arguments.base_url) as base_url,
        player_at(
            base_url,
            attribution,
            token=token,
            control_token=control_token,
            fresh=not arguments.base_url,
        ) as player,
    ):
        require_http(player.stage.peer)
        yield player


def _replay(arguments: argparse.Namespace, player: Player) -> _Told:
    script = read_script(Path(arguments.replay))
    _purse(arguments, player, script)
    ending = player.play(script)
    verdict = verdict_of(script, ending, ours=player.stage.ours)
    return (verdict,), 1, ending.steps


def _search(arguments: argparse.Namespace, player: Player) -> _Told:
    if find_spec("hypothesis") is None:
        raise Problem(_NO_HYPOTHESIS)
    from nemolocal_conformance.scripts.search import search
    from nemolocal_conformance.scripts.strategies import Reach
    from nemolocal_render.temporary_folder import TemporaryFolder

    purse = _purse(arguments, player)
    reach = Reach(time=player.can_move_time())
    if purse is not None:
        edits, tokens = purse.credits >= EDIT_PRICE, purse.tokens > 0
        reach = Reach(edits=edits, tokens=tokens, time=False, ends=False)

    def open_player() -> contextlib.AbstractContextManager[Player]:
        """Another server for each script, where they are for the asking."""
        return contextlib.nullcontext(player) if arguments.base_url else _player(arguments)

    with TemporaryFolder("conform") as home:
        done = search(open_player, reach, arguments.random, arguments.seed, purse, home=home)
    played = [*([done.failed] if done.failed else []), *done.learned]
    ours = player.stage.ours
    verdicts = tuple(verdict_of(one.script, one.ending, ours=ours) for one in played)
    if done.failed is None:
        verdicts = (passed(), *verdicts)
    if played:
        _keep(arguments, played[0].script, played[0].ending)
    return verdicts, done.scripts, done.calls


def _purse(
    arguments: argparse.Namespace, player: Player, script: Script | None = None
) -> Bill | None:
    """What may still be spent when `script` is paid for; None where nothing costs."""
    if player.stage.ours:
        return None
    cost = bill(script) if script is not None else Bill()
    uses_own = script is None or any(
        isinstance(step, Call) and step.by == OWN for step in script.steps
    )
    tokens = cost.tokens + (uses_own and not given_token(arguments))
    left = Bill(arguments.max_credits - cost.credits, arguments.max_tokens - tokens)
    if min(left.credits, left.tokens) < 0:
        raise OverBudget(
            f"this costs up to {counted(cost.credits, 'credit')} and "
            f"{counted(tokens, 'anonymous token')}; allowed are "
            f"{arguments.max_credits} and {arguments.max_tokens}: "
            "raise --max-credits or --max-tokens, or give a --token"
        )
    return left


def _keep(arguments: argparse.Namespace, script: Script, ending: Ending) -> None:
    """Write a script down, so that it can be replayed."""
    path = Path(arguments.report or ".") / _KEPT
    found = ending.finding.words if ending.finding is not None else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(Script(script.steps, found)), encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"{path}: the script cannot be written: {error.strerror}; name another "
            "folder with --report"
        ) from error
    print(f"nemolocal: play it again: nemolocal conform --replay {path}", file=sys.stderr)
