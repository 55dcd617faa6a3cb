"""Every rule of the backend lives somewhere and is shown by a test, and the table says where."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.rules import Rule, rules

SCRIPT = Path(__file__).parents[1] / "docs" / "write_rules.py"
BACKEND = [rule for rule in rules().values() if rule.section != "CLI"]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def code(script: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = script["implemented"]()
    return found


@pytest.fixture(scope="module")
def tests(script: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = script["tested"]()
    return found


@pytest.mark.parametrize("rule", BACKEND, ids=lambda rule: rule.id)
def test_a_rule_is_implemented_and_tested(
    rule: Rule, code: dict[str, set[str]], tests: dict[str, set[str]]
) -> None:
    assert code[rule.id], f"no code names {rule.id}: {rule.text}"
    assert tests[rule.id], f"no test is marked with {rule.id}: {rule.text}"


def test_the_table_is_up_to_date(script: dict[str, Any]) -> None:
    assert script["main"](["--check"]) == 0, "run: python docs/write_rules.py"


def test_spans_of_rules_name_what_is_between_them(script: dict[str, Any]) -> None:
    assert script["named"]("AUTH-1 to AUTH-3, X-99 and REN-7") == {
        "AUTH-1", "AUTH-2", "AUTH-3", "REN-7"
    }  # fmt: skip
