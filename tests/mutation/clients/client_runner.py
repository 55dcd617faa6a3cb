"""Runs a client mutant through its scenario and sorts the checks that failed."""

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.verdicts import ConformanceReport

from ..mutation_result import MutationResult
from .client_fixture import catch_error, client_fixture
from .client_mutant import ClientMutant
from .client_scenarios import MutationScenario

_BAD = ("failed", "warning", "error")


def run_scenario(scenario: MutationScenario, *, broken: bool = False) -> ConformanceReport:
    """Evaluate the calls of a client in a scenario; a mutant may get stuck in it."""
    with client_fixture(**scenario.settings) as on:
        stuck = catch_error(lambda: scenario.run(on))
        if stuck is not None and not broken:
            raise stuck
        journal = on.read_journal()
    # Client and server wait by the same clock.
    return evaluate_journal(
        journal, client_catalogue().values(), speed=1.0, fixed_job=scenario.fixed_job
    )


def run_client_mutant(mutant: ClientMutant) -> MutationResult:
    """Evaluate one client mutant."""
    with mutant.applied() as hits:
        report = run_scenario(mutant.scenario, broken=True)
    spoiled = set(mutant.scenario.expected_failures)
    failed = tuple(
        verdict.check
        for verdict in report.verdicts
        if verdict.outcome in _BAD and verdict.check not in spoiled
    )
    return MutationResult(
        mutant_id=mutant.id,
        failed_checks=failed,
        missed_checks=tuple(name for name in mutant.kills if name not in failed),
        false_positives=tuple(name for name in failed if not _may_fail(name, mutant)),
        times_applied=len(hits),
    )


def _may_fail(name: str, mutant: ClientMutant) -> bool:
    return name in mutant.kills or bool(set(client_catalogue()[name].rules) & set(mutant.breaks))
