"""Innocent servers made by the machine: in all of them no check finds anything.

Every two levels of different factors meet in one of the servers: two heartbeats and a dialect, a
spelling of JSON and a way to chunk it. The short run has a few servers, drawn by the commit, with a
share of the checks each.
"""

import itertools
import random
import re
from collections.abc import Iterator

import pytest

from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation.memoized_media import MemoizedMedia
from tests.support.commit_draw import commit_draw
from tests.support.covering_rows import covering_rows

from .innocent_server import FACTORS, InnocentServer, Levels
from .proxy_evaluation import run_checks_behind

# Each takes seconds: half a gigabyte of upload, and clips that FFmpeg must generate.
HEAVY = {"upload.size.skill", "general.status.of-size", "credits.frozen"}
CHECKS = [check for check in server_catalogue().values() if check.id not in HEAVY]
ROWS = covering_rows(FACTORS, seed=0)
_DRAWN, _SHARE = 2, 8
_SHOWN_TOKEN = re.compile(r"nmv_usr_\w{4}|\[token\][.~\w-]")

pytestmark = pytest.mark.mutants


def failures(levels: Levels, checks: list[ServerCheck], media: MemoizedMedia) -> list[object]:
    """Return what the checks find on an innocent server, and what evidence shows of tokens."""
    server = InnocentServer(levels)
    report = run_checks_behind(
        server.intercept, checks, media, server.intercept_control, dialect=server.dialect
    )
    evidence = (str(exchange) for v in report.verdicts for exchange in v.evidence)
    return [
        *(
            (v.check, v.outcome, v.reason, v.expected, v.actual)
            for v in report.verdicts
            if v.outcome != "passed"
        ),
        *filter(_SHOWN_TOKEN.search, evidence),
    ]


def drawn_cases() -> Iterator[object]:
    drawn = commit_draw("innocent servers")
    for number in sorted(drawn.sample(range(len(ROWS)), _DRAWN)):
        checks = CHECKS[drawn.randrange(_SHARE) :: _SHARE]
        yield pytest.param(ROWS[number], checks, id=f"row {number}, some checks")


def all_cases() -> Iterator[object]:
    for number, row in enumerate(ROWS):
        yield pytest.param(row, CHECKS, id=f"row {number}", marks=pytest.mark.slow)


@pytest.mark.parametrize(("levels", "checks"), [*drawn_cases(), *all_cases()])
def test_generated_innocent_passes(
    levels: Levels, checks: list[ServerCheck], memoized_media: MemoizedMedia
) -> None:
    assert failures(levels, checks, memoized_media) == []


def test_every_two_levels_meet() -> None:
    pairs = set(itertools.chain.from_iterable(_pairs(row) for row in ROWS))
    for one, other in itertools.combinations(FACTORS, 2):
        for levels in itertools.product(FACTORS[one], FACTORS[other]):
            assert frozenset(zip((one, other), levels, strict=True)) in pairs
    assert len(ROWS) < 50


def _pairs(row: Levels) -> Iterator[frozenset[tuple[str, str]]]:
    return (frozenset(pair) for pair in itertools.combinations(row.items(), 2))


def test_rows_are_the_same_each_time() -> None:
    factors = {"a": "xyz", "b": "xy", "c": "xyzw"}
    assert covering_rows(factors, 1) == covering_rows(factors, 1)
    assert len(covering_rows(factors, 1)) >= 12
    assert random.Random(1).random() != random.Random(2).random()
