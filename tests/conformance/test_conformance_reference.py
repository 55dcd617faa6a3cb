"""The reference server passes every check, in every dialect that the contract knows."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator

import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import SMOKE_CHECKS, server_catalogue
from nemolocal_conformance.target import TargetClient
from nemolocal_conformance.unchecked_rules import UNCHECKED_RULES
from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.rules import rules
from nemolocal_server.dialect import PRESETS, Dialect
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

DIALECTS = [
    {"sse": sse, "render": render, "errors": errors}
    for sse, render, errors in itertools.product(
        ("adk", "typed"), ("flat", "nested"), ("envelope", "http", "adk")
    )
]
# Seconds of work each: half a gigabyte of upload, and clips that FFmpeg has never made before.
HEAVY = {"upload.size.skill", "general.status.of-size", "credits.frozen"}
CHECKS = list(server_catalogue().values())
LIGHT_CHECKS = [check for check in CHECKS if check.id not in HEAVY]
DIALECT_RULES = {"GEN-2", "SSE-2", "SSE-3", "REN-4"}
DIALECT_CHECKS = [c for c in LIGHT_CHECKS if c.id in SMOKE_CHECKS or DIALECT_RULES & set(c.rules)]


def judge(dialect: Dialect, checks: Iterable[ServerCheck]) -> ConformanceReport:
    settings = Settings(port=0, dialect=dialect)
    server = LocalServer(settings, ManualClock(autojump=True))
    with (
        server,
        contextlib.closing(
            TargetClient(server.base_url, Attribution("nemolocal-conformance", "1.0.0"))
        ) as target,
    ):
        return run_checks(CheckContext(target, find_control_client(target)), checks)


def failures(report: ConformanceReport) -> list[tuple[str, str, str]]:
    return [(v.check, v.reason, v.actual) for v in report.verdicts if v.outcome != "passed"]


@pytest.mark.usefixtures("memoized_servers")
def test_reference_passes_every_check_with_memoized_media() -> None:
    assert_passed(judge(PRESETS["skills"], LIGHT_CHECKS))


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_reference_passes_every_check() -> None:
    assert_passed(judge(PRESETS["reference"], CHECKS))


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.ffmpeg
@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "reference"])
def test_reference_passes_the_heavy_checks_in_each_preset(preset: str) -> None:
    """All others are passed in every dialect below."""
    report = judge(PRESETS[preset], [check for check in CHECKS if check.id in HEAVY])
    assert report.count("passed") == len(HEAVY)


def assert_passed(report: ConformanceReport) -> None:
    assert failures(report) == []
    assert report.exit_code == 0
    assert set(report.alternatives) >= {"GEN-2", "SSE-2", "REN-2", "REN-4"}


def dialect_cases() -> Iterator[object]:
    """Each dialect with the checks that it matters to, and with all; fast are those of presets.

    The first preset is judged in full elsewhere.
    """
    presets = [(preset.sse, preset.render, preset.errors) for preset in PRESETS.values()][1:]
    for dialect in DIALECTS:
        name = "-".join(dialect.values())
        slow = [] if tuple(dialect.values()) in presets else [pytest.mark.slow]
        yield pytest.param(dialect, DIALECT_CHECKS, id=name, marks=slow)
        yield pytest.param(
            dialect, LIGHT_CHECKS, id=f"{name}, all checks", marks=pytest.mark.nightly
        )


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize(("dialect", "checks"), list(dialect_cases()))
def test_reference_passes_in_each_dialect_and_reports_it(
    dialect: dict[str, str], checks: list[ServerCheck]
) -> None:
    report = judge(Dialect(**dialect), checks)  # type: ignore[arg-type]
    assert failures(report) == []
    assert report.alternatives["SSE-2"] == (f"sse={dialect['sse']}",)
    assert report.alternatives["REN-4"] == (f"render={dialect['render']}",)
    assert f"errors={dialect['errors']}" in report.alternatives["GEN-2"]


def test_every_rule_has_a_check_or_a_reason() -> None:
    about = [check.rules for check in server_catalogue().values()]
    about += [check.rules for check in client_catalogue().values()]
    unchecked = set(rules()) - set().union(*about)
    assert unchecked == set(UNCHECKED_RULES)
    # A text of clients, on no wire.
    assert {name for name in unchecked if rules()[name].level == "MUST"} == {"STA-5"}


def test_smoke_checks_are_in_the_catalogue() -> None:
    assert set(server_catalogue()) >= SMOKE_CHECKS


@pytest.mark.slow
def test_a_check_is_a_sentence_about_a_rule(subtests: pytest.Subtests) -> None:
    levels = ("MAY", "SHOULD", "MUST")
    for check in CHECKS:
        with subtests.test(check.id):
            assert check.sentence.endswith(".")
            assert check.level in levels
            # A check may ask for less than its rule does, never for more.
            strictest = max(levels.index(rules()[name].level) for name in check.rules)
            assert levels.index(check.level) <= strictest
            assert all(part.replace("-", "").isalnum() for part in check.id.split("."))
