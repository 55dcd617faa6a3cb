"""A proxy that breaks the contract is noticed by a check of its rule, and by no other check."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.check import Check
from nemolocal_conformance.mutants.memoized_media import MemoizedMedia
from nemolocal_conformance.server_checks import catalogue

from .breaks import Break
from .judging import judge, judge_behind, reference, weigh
from .known import BREAKS, REAL_RENDERS
from .proxy import pass_through

# Seconds of work each: half a gigabyte of upload, and clips that FFmpeg has never made before.
HEAVY = {"upload.size.skill", "credits.frozen"}
# A broken server is looked at for 240 edits.
SLOW = {"chat.silent.rate", *HEAVY}
CHECKS = [check for check in catalogue().values() if check.id not in HEAVY]

pytestmark = pytest.mark.mutants


def checks_of(broken: Break) -> list[Check]:
    """The checks of the rules that are broken."""
    return [check for check in catalogue().values() if set(check.rules) & set(broken.rules)]


def cases() -> Iterator[object]:
    """Each break with all checks, and the first of each section fast with those of its rules."""
    modules = set[str]()
    for name, broken in BREAKS.items():
        own = checks_of(broken)
        takes_long = name in REAL_RENDERS or SLOW.intersection(check.id for check in own)
        if broken.module not in modules and not takes_long:
            modules.add(broken.module)
            yield pytest.param(broken, own, id=name)
        everything = [*CHECKS, *(check for check in own if check not in CHECKS)]
        yield pytest.param(broken, everything, id=f"{name}, all checks", marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize(("broken", "checks"), list(cases()))
def test_a_break_is_noticed_by_a_check_of_its_rule_and_by_no_other(
    broken: Break, checks: list[Check], memoized_media: MemoizedMedia
) -> None:
    # What is made while somebody looks is made for this time only: it is not worth keeping.
    real = broken.name in REAL_RENDERS or catalogue()["credits.frozen"] in checks
    media = None if real else memoized_media
    found = weigh(broken, judge_behind(broken.interceptor, checks, media))
    assert found.killers
    assert found.innocent == ()


@pytest.mark.parametrize(
    "checks",
    [
        pytest.param(CHECKS[::24], id="some checks"),
        pytest.param(CHECKS, id="all checks", marks=pytest.mark.slow),
    ],
)
def test_a_proxy_that_changes_nothing_changes_no_verdict(
    checks: list[Check], memoized_media: MemoizedMedia
) -> None:
    behind = judge_behind(pass_through, checks, memoized_media)
    with reference(memoized_media) as server:
        plain = judge(server.base_url, checks)
    assert [(v.check, v.outcome) for v in behind.verdicts] == [
        (v.check, v.outcome) for v in plain.verdicts
    ]
    assert {v.outcome for v in plain.verdicts} == {"passed"}


def test_every_break_is_a_sentence_about_known_rules() -> None:
    rules = {rule for check in catalogue().values() for rule in check.rules}
    assert set(BREAKS) >= REAL_RENDERS
    for broken in BREAKS.values():
        assert broken.sentence.endswith(".")
        assert set(broken.rules) <= rules
