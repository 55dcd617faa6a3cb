"""A right client whose requests are spelled in another way: no rule for clients finds anything."""

import functools
from collections.abc import Iterator, Mapping

import pytest

from tests.support.commit_draw import commit_draw
from tests.support.covering_rows import covering_rows

from .clients.client_runner import run_scenario
from .clients.client_scenarios import MutationScenario, scenarios
from .clients.innocent_requests import FACTORS, changed_requests

ROWS = covering_rows(FACTORS, seed=0)
_DRAWN = 6

pytestmark = pytest.mark.mutants


def outcomes(scenario: MutationScenario) -> dict[str, str]:
    return {verdict.check: verdict.outcome for verdict in run_scenario(scenario).verdicts}


@functools.cache
def plain_outcomes(name: str) -> dict[str, str]:
    return outcomes(scenarios()[name])


def cases() -> Iterator[object]:
    drawn = commit_draw("innocent clients")
    for number in range(_DRAWN):
        row, name = drawn.choice(ROWS), drawn.choice(sorted(scenarios()))
        yield pytest.param(row, (name,), id=f"drawn {number}: {name}")
    for number, row in enumerate(ROWS):
        yield pytest.param(row, tuple(scenarios()), id=f"row {number}", marks=pytest.mark.slow)


@pytest.mark.parametrize(("levels", "names"), list(cases()))
def test_innocent_client_changes_no_verdict(
    levels: Mapping[str, str], names: tuple[str, ...], subtests: pytest.Subtests
) -> None:
    for name in names:
        with subtests.test(name):
            plain = plain_outcomes(name)
            with changed_requests(levels):
                assert outcomes(scenarios()[name]) == plain
