"""Client mutants are killed by their checks and no other; the reference client passes all."""

import re
from collections.abc import Iterable, Iterator

import pytest

from nemolocal_client import BadToken
from nemolocal_conformance.client_checks import client_catalogue
from tests.mutation.clients import UNKILLABLE_CHECKS, client_mutants
from tests.mutation.clients.client_fixture import ClientFixture
from tests.mutation.clients.client_mutant import client_mutant
from tests.mutation.clients.client_runner import run_client_mutant, run_scenario
from tests.mutation.clients.client_scenarios import MutationScenario, scenarios, talk


def sampled(names: Iterable[str]) -> list[object]:
    """Return all of them; every fourth is in the fast run."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] if number % 4 else [])
        for number, name in enumerate(names)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(scenarios()))
def test_the_reference_client_passes_every_scenario(name: str) -> None:
    scenario = scenarios()[name]
    report = run_scenario(scenario)
    bad = {
        v.check: v.reason for v in report.verdicts if v.outcome not in ("passed", "not applicable")
    }
    assert set(bad) == set(scenario.expected_failures), bad
    assert report.count("passed") > 4


def cases() -> Iterator[object]:
    """Return all mutants; the first of each scenario is in the fast run."""
    seen = set[str]()
    for name, mutant in client_mutants().items():
        slow = mutant.scenario.name in seen
        seen.add(mutant.scenario.name)
        yield pytest.param(name, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.parametrize("name", list(cases()))
def test_client_mutant_is_killed_by_its_checks_only(name: str) -> None:
    result = run_client_mutant(client_mutants()[name])
    assert result.is_killed, result


def test_every_check_kills_a_mutant_or_says_why_not() -> None:
    killing = {check for mutant in client_mutants().values() for check in mutant.kills}
    assert killing <= set(client_catalogue())
    assert set(client_catalogue()) - killing == set(UNKILLABLE_CHECKS)
    assert all(UNKILLABLE_CHECKS.values())


def test_mutant_ids_are_unique() -> None:
    mutants = client_mutants()
    assert len({mutant.id for mutant in mutants.values()}) == len(mutants)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in mutants)


def test_scenario_in_which_the_reference_hangs_is_an_error() -> None:
    def story(fixture: ClientFixture) -> None:
        fixture.open_client(token="unknown").balance()

    with pytest.raises(BadToken):
        run_scenario(MutationScenario("odd", story))


@pytest.mark.slow
def test_client_mutant_without_effect_is_not_killed() -> None:
    def unused(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    at = "auth.send_authorized"
    mutant = client_mutant("unused", "CLI-1", kills="client.bearer", scenario=talk, at=at)(unused)
    result = run_client_mutant(mutant)
    assert (result.times_applied, result.missed_checks, result.is_killed) == (
        0,
        ("client.bearer",),
        False,
    )


def test_a_mutant_names_rules_and_a_sentence() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    with pytest.raises(ValueError, match="names rules"):
        client_mutant("odd", "CLI-99", kills="x", scenario=talk, at="auth.send_authorized")(twist)


def test_missing_name_is_an_error() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    created = client_mutant("odd", "CLI-1", kills="x", scenario=talk, at="auth.gone")(twist)
    with pytest.raises(AttributeError), created.applied():
        pass
