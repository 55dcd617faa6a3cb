"""The reference server passes every check, in every dialect that the contract knows."""

import itertools
import os

import pytest

from nemolocal_conformance.check import Check
from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.control import find_control
from nemolocal_conformance.peer import Peer
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_checks import SMOKE, catalogue
from nemolocal_conformance.stage import Stage
from nemolocal_conformance.unchecked import UNCHECKED
from nemolocal_conformance.verdicts import Report
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import Attribution
from nemolocal_contract.rules import rules
from nemolocal_server.dialect import PRESETS, Dialect
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DIALECTS = [
    {"sse": sse, "render": render, "errors": errors}
    for sse, render, errors in itertools.product(
        ("adk", "typed"), ("flat", "nested"), ("envelope", "http", "adk")
    )
]
# Half a gigabyte once a run is enough.
HEAVY = {"upload.size.skill"}


def judge(dialect: Dialect, checks: list[Check]) -> Report:
    settings = Settings(port=0, dialect=dialect)
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        peer = Peer(server.base_url, Attribution("nemolocal-conformance", "1.0.0"))
        try:
            return run_checks(Stage(peer, find_control(peer)), checks)
        finally:
            peer.close()


def failures(report: Report) -> list[tuple[str, str, str]]:
    return [(v.check, v.reason, v.actual) for v in report.verdicts if v.outcome != "passed"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_reference_passes_every_check(preset: str) -> None:
    report = judge(PRESETS[preset], list(catalogue().values()))
    assert failures(report) == []
    assert report.exit_code == 0
    assert set(report.alternatives) >= {"GEN-2", "SSE-2", "REN-2", "REN-4"}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: "-".join(d.values()))
def test_the_reference_passes_in_each_dialect_and_the_report_says_which(
    dialect: dict[str, str],
) -> None:
    checks = [c for c in catalogue().values() if NIGHTLY or c.id in SMOKE or _shows_dialect(c)]
    report = judge(Dialect(**dialect), [check for check in checks if check.id not in HEAVY])  # type: ignore[arg-type]
    assert failures(report) == []
    assert report.alternatives["SSE-2"] == (f"sse={dialect['sse']}",)
    assert report.alternatives["REN-4"] == (f"render={dialect['render']}",)
    assert f"errors={dialect['errors']}" in report.alternatives["GEN-2"]


def _shows_dialect(check: Check) -> bool:
    return bool({"GEN-2", "SSE-2", "SSE-3", "REN-4"} & set(check.rules))


def test_every_rule_has_a_check_or_the_reason_why_it_has_none() -> None:
    about = [check.rules for check in catalogue().values()]
    about += [check.rules for check in client_catalogue().values()]
    unchecked = set(rules()) - set().union(*about)
    assert unchecked == set(UNCHECKED)
    # A text of clients, on no wire.
    assert {name for name in unchecked if rules()[name].level == "MUST"} == {"STA-5"}


def test_there_are_as_many_checks_as_were_promised() -> None:
    assert len(catalogue()) >= 120
    assert set(catalogue()) >= SMOKE


@pytest.mark.parametrize("check", catalogue().values(), ids=lambda check: check.id)
def test_a_check_is_a_sentence_about_a_rule(check: Check) -> None:
    assert check.sentence.endswith(".")
    assert check.level in ("MUST", "SHOULD", "MAY")
    # A check may ask for less than its rule does, never for more.
    levels = ("MAY", "SHOULD", "MUST")
    strictest = max(levels.index(rules()[name].level) for name in check.rules)
    assert levels.index(check.level) <= strictest
    assert all(part.replace("-", "").isalnum() for part in check.id.split("."))
