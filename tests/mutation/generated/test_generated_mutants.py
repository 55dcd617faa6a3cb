"""The recorded results hold: every generated mutant has one, and killed ones are killed again."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.mutation_scores import mutation_scores
from nemolocal_conformance.runner import run_check
from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation.generated.generated_catalogue import generated_mutants
from tests.mutation.generated.generated_document import (
    AIM,
    FILE,
    as_markdown,
    killed_share,
    score,
    survivors,
)
from tests.mutation.generated.generated_runner import run_mutant
from tests.mutation.generated.generated_sample import draw_sample
from tests.mutation.generated.mutable_server import MutableServer, mutable_server
from tests.mutation.generated.recorded_results import killed_after_others, killing_checks
from tests.mutation.generated.unkilled_mutants import (
    find_needs,
    find_reasons,
    find_stale_patterns,
    find_unused_patterns,
)
from tests.mutation.memoized_media import MemoizedMedia
from tests.support.commit_draw import commit_seed

KILLED = [name for name, check in killing_checks().items() if check]
KILLED_ALONE = [name for name in KILLED if name not in killed_after_others()]
# A tenth, in parts that the workers of the tests share.
SHORT_SAMPLE, PARTS = 0.1, 3


@pytest.fixture(scope="module")
def server(memoized_media: MemoizedMedia) -> Iterator[MutableServer]:
    with mutable_server(memoized_media) as started:
        yield started


def test_every_mutant_was_run() -> None:
    """A field that is new in the contract has mutants that nobody has run: run the command."""
    assert sorted(generated_mutants().keys() - killing_checks().keys()) == []
    assert sorted(killing_checks().keys() - generated_mutants().keys()) == []


def test_killing_checks_are_there() -> None:
    assert {check for check in killing_checks().values() if check} <= set(server_catalogue())


def test_reasons_of_equivalent_mutants_are_not_stale() -> None:
    assert find_stale_patterns(generated_mutants(), KILLED) == []


def test_most_of_the_mutants_that_are_not_equivalent_are_killed() -> None:
    assert killed_share(killing_checks()) >= AIM


def test_survivors_say_what_a_check_would_need() -> None:
    alive = survivors(killing_checks())
    assert [name for name in alive if not find_needs(name)] == []
    assert find_unused_patterns(alive) == []


def test_score_of_the_reports_is_that_of_the_run() -> None:
    assert mutation_scores().generated_server == score(killing_checks())


def test_document_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == as_markdown(killing_checks())


def test_equivalent_mutants_survive() -> None:
    assert set(find_reasons(generated_mutants())).isdisjoint(KILLED)


@pytest.mark.mutants
@pytest.mark.parametrize("part", range(PARTS))
def test_drawn_mutants_are_killed_by_their_checks(server: MutableServer, part: int) -> None:
    drawn = draw_sample(KILLED_ALONE, SHORT_SAMPLE, commit_seed())
    alive = [name for name in drawn[part::PARTS] if not is_killed(server, name)]
    assert alive == []


def is_killed(server: MutableServer, name: str) -> bool:
    """Whether the check that killed a mutant does so again."""
    check = server_catalogue()[killing_checks()[name]]
    return bool(run_mutant(server, generated_mutants()[name], [check]).killed_by)


@pytest.mark.mutants
def test_right_server_passes_the_checks_that_kill(server: MutableServer) -> None:
    server.become(None)
    drawn = draw_sample(KILLED, SHORT_SAMPLE / 5, commit_seed())
    checks = dict.fromkeys(killing_checks()[name] for name in drawn)
    for name in checks:
        with server.context() as context:
            verdict = run_check(context, server_catalogue()[name])
        assert (name, verdict.outcome, verdict.reason) == (name, "passed", "")


def test_sample_is_drawn_by_its_seed() -> None:
    names = list(generated_mutants())
    drawn = draw_sample(names, 0.1, "one")
    assert drawn == draw_sample(names, 0.1, "one") != draw_sample(names, 0.1, "two")
    assert len(drawn) == round(len(names) / 10)
    assert sorted(drawn, key=names.index) == drawn
