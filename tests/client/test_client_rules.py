"""The client meets every requirement of the rules, and a client that does not is noticed."""

from pathlib import Path

import pytest

from nemolocal_client import NemoError
from nemolocal_contract.rules import rules
from tests.support.broken_clients import BROKEN, BrokenClient
from tests.support.client_requirements import REQUIREMENTS
from tests.support.client_setup import Setup
from tests.support.scripted_backend import Cut, ScriptedBackend


@pytest.mark.slow
@pytest.mark.rule(
    "CLI-1", "CLI-2", "CLI-3", "CLI-4", "CLI-5", "CLI-6", "CLI-7", "CLI-8", "CLI-9", "CLI-10"
)
@pytest.mark.parametrize("name", REQUIREMENTS)
def test_client_meets_the_requirement(
    name: str, backend: ScriptedBackend, cut: type[Cut], tmp_path: Path
) -> None:
    REQUIREMENTS[name].check(Setup(backend=backend, cut=cut(), folder=tmp_path))


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.parametrize(
    "client", BROKEN, ids=lambda client: f"{client.requirement}: {client.sentence}"
)
def test_broken_client_does_not_meet_the_requirement(
    client: BrokenClient, backend: ScriptedBackend, cut: type[Cut], tmp_path: Path
) -> None:
    setup = Setup(backend=backend, cut=cut(), folder=tmp_path, **client.parts())
    with pytest.raises((AssertionError, pytest.fail.Exception, NemoError)):
        REQUIREMENTS[client.requirement].check(setup)


def test_every_rule_for_clients_has_a_requirement() -> None:
    required = {rule for requirement in REQUIREMENTS.values() for rule in requirement.rules}
    assert required == {rule for rule in rules() if rule.startswith("CLI-")}


def test_a_broken_client_shows_that_each_requirement_can_fail() -> None:
    assert {client.requirement for client in BROKEN} == set(REQUIREMENTS)
