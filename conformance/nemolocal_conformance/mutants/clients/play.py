"""Playing a mutant: its scenario is gone through, judged, and what failed is told apart."""

from ...client_rules import client_catalogue
from ...client_rules.judging import judge_journal
from ...verdicts import Report
from ..autopsy import Autopsy
from .mutant import ClientMutant
from .scenarios import Scenario
from .stage import attempt, client_stage

_BAD = ("failed", "warning", "error")


def play_scenario(scenario: Scenario, *, broken: bool = False) -> Report:
    """Judge the client as it is by what it does in a scenario; a broken one may get stuck in it."""
    with client_stage(**scenario.settings) as on:
        stuck = attempt(lambda: scenario.play(on))
        if stuck is not None and not broken:
            raise stuck
        journal = on.journal()
    # The clock is ours: client and server wait by it alike.
    return judge_journal(journal, client_catalogue().values(), speed=1.0)


def play_client_mutant(mutant: ClientMutant) -> Autopsy:
    """Judge a client that is broken in one way."""
    with mutant.applied() as hits:
        report = play_scenario(mutant.scenario, broken=True)
    spoiled = set(mutant.scenario.spoils)
    failed = tuple(
        verdict.check
        for verdict in report.verdicts
        if verdict.outcome in _BAD and verdict.check not in spoiled
    )
    return Autopsy(
        mutant=mutant.id,
        failed=failed,
        missed=tuple(name for name in mutant.kills if name not in failed),
        innocent=tuple(name for name in failed if not _concerned(name, mutant)),
        hits=len(hits),
    )


def _concerned(name: str, mutant: ClientMutant) -> bool:
    return name in mutant.kills or bool(set(client_catalogue()[name].rules) & set(mutant.breaks))
