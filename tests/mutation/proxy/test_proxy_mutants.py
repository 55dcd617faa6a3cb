"""A proxy that breaks a rule fails a check of that rule, and no other check."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation.memoized_media import MemoizedMedia

from .intercepting_proxy import pass_through
from .proxy_catalogue import NEED_REAL_RENDERS, PROXY_MUTANTS
from .proxy_evaluation import reference_server, run_checks_at, run_checks_behind, sort_failures
from .proxy_mutant import ProxyMutant

# Each takes seconds: half a gigabyte of upload, and clips that FFmpeg must generate.
HEAVY = {"upload.size.skill", "general.status.of-size", "credits.frozen"}
# A mutant needs 240 edits.
SLOW = {"chat.silent.rate", *HEAVY}
CHECKS = [check for check in server_catalogue().values() if check.id not in HEAVY]

pytestmark = pytest.mark.mutants


def checks_of(broken: ProxyMutant) -> list[ServerCheck]:
    """Return the checks of the rules that are broken."""
    return [check for check in server_catalogue().values() if set(check.rules) & set(broken.breaks)]


def cases() -> Iterator[object]:
    """Return each mutant with all checks, and the first of each section with those of its rules."""
    modules = set[str]()
    for name, broken in PROXY_MUTANTS.items():
        own = checks_of(broken)
        takes_long = name in NEED_REAL_RENDERS or SLOW.intersection(check.id for check in own)
        if broken.module not in modules and not takes_long:
            modules.add(broken.module)
            yield pytest.param(broken, own, id=name)
        everything = [*CHECKS, *(check for check in own if check not in CHECKS)]
        yield pytest.param(broken, everything, id=f"{name}, all checks", marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize(("broken", "checks"), list(cases()))
def test_proxy_mutant_fails_checks_of_its_rules_only(
    broken: ProxyMutant, checks: list[ServerCheck], memoized_media: MemoizedMedia
) -> None:
    # Media generated for this test alone are not worth caching.
    real = broken.name in NEED_REAL_RENDERS or server_catalogue()["credits.frozen"] in checks
    media = None if real else memoized_media
    found = sort_failures(broken, run_checks_behind(broken.interceptor, checks, media))
    assert found.killers
    assert found.false_positives == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "checks",
    [
        pytest.param(CHECKS[::24], id="some checks"),
        pytest.param(CHECKS, id="all checks", marks=pytest.mark.slow),
    ],
)
def test_transparent_proxy_changes_no_verdict(
    checks: list[ServerCheck], memoized_media: MemoizedMedia
) -> None:
    behind = run_checks_behind(pass_through, checks, memoized_media)
    with reference_server(memoized_media) as server:
        plain = run_checks_at(server.base_url, checks)
    assert [(v.check, v.outcome) for v in behind.verdicts] == [
        (v.check, v.outcome) for v in plain.verdicts
    ]
    assert {v.outcome for v in plain.verdicts} == {"passed"}


def test_every_proxy_mutant_is_a_sentence_about_known_rules() -> None:
    rules = {rule for check in server_catalogue().values() for rule in check.rules}
    assert set(PROXY_MUTANTS) >= NEED_REAL_RENDERS
    for broken in PROXY_MUTANTS.values():
        assert broken.sentence.endswith(".")
        assert set(broken.breaks) <= rules
