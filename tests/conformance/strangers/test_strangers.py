"""Strangers between the harness and the reference: each is noticed, and nobody else is accused."""

import os
from collections.abc import Iterator

import pytest

from nemolocal_conformance.check import Check
from nemolocal_conformance.server_checks import catalogue

from .breaks import Break
from .judging import Finding, judge, judge_behind, reference, weigh
from .known import BREAKS, QUICK, REAL_RENDERS
from .proxy import nobody
from .remembered import RememberingExecutor, remember

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
# Half a gigabyte is for those that it is about.
HEAVY = {"upload.size.skill"}
CHECKS = [check for check in catalogue().values() if check.id not in HEAVY]


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RememberingExecutor]:
    with pytest.MonkeyPatch.context() as patch:
        yield remember(patch, tmp_path_factory.mktemp("remembered"))


def about(broken: Break) -> list[Check]:
    """The checks of its rules in every run, all of them at night."""
    if "UPL-4" in broken.rules:
        return [catalogue()[name] for name in HEAVY]
    return CHECKS if NIGHTLY else [c for c in CHECKS if set(c.rules) & set(broken.rules)]


def finding(broken: Break, memory: RememberingExecutor) -> Finding:
    execute = None if broken.name in REAL_RENDERS else memory
    return weigh(broken, judge_behind(broken.stranger, about(broken), execute))


def test_a_proxy_that_changes_nothing_changes_no_verdict(memory: RememberingExecutor) -> None:
    checks = CHECKS if NIGHTLY else CHECKS[::12]
    behind = judge_behind(nobody, checks, memory)
    with reference(memory) as server:
        plain = judge(server.base_url, checks)
    assert [(v.check, v.outcome) for v in behind.verdicts] == [
        (v.check, v.outcome) for v in plain.verdicts
    ]
    assert {v.outcome for v in plain.verdicts} == {"passed"}


@pytest.mark.parametrize("name", BREAKS if NIGHTLY else sorted(QUICK))
def test_a_stranger_is_noticed_by_a_check_of_its_rule_and_by_no_other(
    name: str, memory: RememberingExecutor
) -> None:
    found = finding(BREAKS[name], memory)
    assert found.killers
    assert found.innocent == ()


def test_every_stranger_is_a_sentence_of_a_known_rule() -> None:
    rules = {rule for check in catalogue().values() for rule in check.rules}
    assert set(BREAKS) >= QUICK | REAL_RENDERS
    for broken in BREAKS.values():
        assert broken.sentence.endswith(".")
        assert set(broken.rules) <= rules
