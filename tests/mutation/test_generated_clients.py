"""Client mutants made by a program: enough are killed, and no equivalent is named wrongly."""

import argparse

import pytest

from tests.mutation.generated_clients.equivalents import equivalents
from tests.mutation.generated_clients.generated_command import (
    LEAST_KILLED,
    add_arguments,
    find_problems,
    run,
)
from tests.mutation.generated_clients.generated_run import (
    run_journey,
    sample,
    sampled_mutations,
)
from tests.mutation.generated_clients.journeys import journeys
from tests.mutation.generated_clients.mutant_catalogue import mutations_of
from tests.mutation.generated_clients.mutant_page import as_page
from tests.mutation.generated_clients.mutant_results import (
    MutantResult,
    evaluate_mutants,
    killed_share,
)
from tests.mutation.generated_clients.recording import bad_outcomes, record
from tests.support.commit_draw import commit_seed

# Whose streams take long to play, so that the short run leaves them to the deep one.
SLOW = {"slow-bytes", "render-stuck", "cancelled-export"}
# Together about a tenth of all mutants.
DRAWN_JOURNEYS, DRAWN_OF_A_KIND = 8, 20


@pytest.mark.mutants
@pytest.mark.parametrize("name", sample(set(journeys()) - SLOW, commit_seed(), DRAWN_JOURNEYS))
def test_drawn_mutants_are_killed_or_equivalent(name: str) -> None:
    recording = record(journeys()[name])
    assert bad_outcomes(recording) == {}
    drawn = sampled_mutations(recording, commit_seed(), DRAWN_OF_A_KIND)
    results = list(evaluate_mutants(recording, drawn))
    assert results
    assert find_problems(results, complete=False) == []


@pytest.mark.slow
@pytest.mark.mutants
def test_all_mutants_are_killed_or_equivalent() -> None:
    results = [result for name in journeys() for result in run_journey(name)]
    assert find_problems(results, complete=True) == []
    assert killed_share(results) >= LEAST_KILLED


@pytest.mark.mutants
def test_mutants_are_the_same_each_time() -> None:
    first, second = (record(journeys()["1001-twice"]) for _ in range(2))
    assert list(mutations_of(first)) == list(mutations_of(second))


def result(outcome: str, **fields: object) -> MutantResult:
    values = {"id": "plain:call-1:drop", "kind": "drop", "endpoint": "token", **fields}
    return MutantResult(outcome=outcome, **values)  # type: ignore[arg-type]


def test_problems_are_reported() -> None:
    name = next(iter(equivalents()))
    accused = result("accused", noticed_by=("client.bearer",), equivalent=name)
    first, *rest = find_problems([accused, result("survived")], complete=True)
    assert first == f"plain:call-1:drop: named as {name}, but noticed by client.bearer"
    assert rest[-1] == "less than 95% are killed"
    assert len(rest) == len(equivalents())


def test_page_has_kinds_checks_equivalents_and_survivors() -> None:
    page = as_page([result("failed", noticed_by=("client.bearer",)), result("survived")])
    assert "2 mutants: 50.0 % of the 2 that are not equivalent are killed." in page
    assert "| `drop` | 2 | 1 | 0 | 1 | 0 |" in page
    assert "| `client.bearer` | 1 |" in page
    assert "| `drop` | `token` | 1 | `plain:call-1:drop` | not known |" in page
    assert all(f"| `{name}` |" in page for name in equivalents())
    assert "None." in as_page([])


@pytest.mark.mutants
def test_mutant_is_replayed_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    mutant = "1001-manual:call-1:drop-header:Authorization"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args(["--replay", mutant])) == 0
    assert "failed: client.bearer" in capsys.readouterr().out
    assert run(parser.parse_args(["--replay", "1001-manual:call-99:drop"])) == 2
