"""Every rule is shown by a test and judged by a check, and the table of rules is up to date."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import write_rules
from nemolocal_conformance.unchecked_rules import UNCHECKED_RULES
from nemolocal_contract.rules import rules

pytestmark = pytest.mark.sources

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RULE_ID = re.compile(r"\b(?:GEN|AUTH|SES|UPL|SSE|CRD|STA|REN|CLI)-\d+\b")


def marked_rules(module: ast.Module) -> Iterator[str]:
    """The ids in each `@pytest.mark.rule(...)` of a module."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                    "mark.rule"
                ):
                    yield from (ast.literal_eval(argument) for argument in decorator.args)


def test_a_test_shows_each_rule() -> None:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    shown = {
        rule for text in texts if "mark.rule(" in text for rule in marked_rules(ast.parse(text))
    }
    assert shown == set(rules())


def test_a_check_judges_each_rule_or_it_is_said_why_none_can() -> None:
    judged = {rule for rule, checks in write_rules.checked().items() if checks}
    assert judged | set(UNCHECKED_RULES) == set(rules())
    assert not judged & set(UNCHECKED_RULES)
    assert all(UNCHECKED_RULES.values())


def test_the_table_is_up_to_date() -> None:
    assert write_rules.main(["--check"]) == 0, "run: python docs/write_rules.py"


def test_no_page_calls_a_rule_observed_that_no_recording_shows() -> None:
    observed = write_rules.observed_rules(write_rules.RECORDINGS)
    paragraphs = (
        (page.name, paragraph)
        for page in PAGES
        for paragraph in page.read_text(encoding="utf-8").split("\n\n")
        if re.search(r"\bobserved\b", paragraph)
    )
    claimed = {(page, rule) for page, text in paragraphs for rule in RULE_ID.findall(text)}
    assert {(page, rule) for page, rule in claimed if rule not in observed} == set()
