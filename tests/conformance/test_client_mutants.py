"""Broken clients are caught by the checks that are for them, by no other; ours passes them all."""

import re
from collections.abc import Iterable, Iterator

import pytest

from nemolocal_client import BadToken
from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.mutants.clients import UNKILLED, client_mutants
from nemolocal_conformance.mutants.clients.mutant import broken_client
from nemolocal_conformance.mutants.clients.play import play_client_mutant, play_scenario
from nemolocal_conformance.mutants.clients.scenarios import Scenario, scenarios, talk
from nemolocal_conformance.mutants.clients.stage import ClientStage


def sampled(names: Iterable[str]) -> list[object]:
    """All of them; every fourth is fast."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] if number % 4 else [])
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize("name", sampled(scenarios()))
def test_the_reference_client_passes_every_scenario(name: str) -> None:
    scenario = scenarios()[name]
    report = play_scenario(scenario)
    bad = {
        v.check: v.reason for v in report.verdicts if v.outcome not in ("passed", "not applicable")
    }
    assert set(bad) == set(scenario.spoils), bad
    assert report.count("passed") > 4


def cases() -> Iterator[object]:
    """All mutants; the first in each scenario is fast."""
    seen = set[str]()
    for name, mutant in client_mutants().items():
        slow = mutant.scenario.name in seen
        seen.add(mutant.scenario.name)
        yield pytest.param(name, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.mutants
@pytest.mark.parametrize("name", list(cases()))
def test_each_mutant_is_killed_by_its_checks_and_no_innocent_one(name: str) -> None:
    autopsy = play_client_mutant(client_mutants()[name])
    assert autopsy.right, autopsy


def test_every_check_kills_a_mutant_or_it_is_said_why_not() -> None:
    killing = {check for mutant in client_mutants().values() for check in mutant.kills}
    assert killing <= set(client_catalogue())
    assert set(client_catalogue()) - killing == set(UNKILLED)
    assert all(UNKILLED.values())


def test_each_mutant_has_a_name_of_its_own() -> None:
    mutants = client_mutants()
    assert len({mutant.id for mutant in mutants.values()}) == len(mutants)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in mutants)


def test_a_story_in_which_the_reference_gets_stuck_is_no_scenario() -> None:
    def story(on: ClientStage) -> None:
        on.client(token="unknown").balance()

    with pytest.raises(BadToken):
        play_scenario(Scenario("odd", story))


def test_a_mutant_that_is_not_applied_is_not_right() -> None:
    def unused(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    at = "identity.authorized"
    mutant = broken_client("unused", "CLI-1", kills="client.bearer", scenario=talk, at=at)(unused)
    autopsy = play_client_mutant(mutant)
    assert (autopsy.hits, autopsy.missed, autopsy.right) == (0, ("client.bearer",), False)


def test_a_mutant_names_rules_and_a_sentence() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    with pytest.raises(ValueError, match="names rules"):
        broken_client("odd", "CLI-99", kills="x", scenario=talk, at="identity.authorized")(twist)


def test_a_name_that_is_gone_is_an_error() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    made = broken_client("odd", "CLI-1", kills="x", scenario=talk, at="identity.gone")(twist)
    with pytest.raises(AttributeError), made.applied():
        pass
