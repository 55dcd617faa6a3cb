"""The rules as data: complete, graded, and each source line that they cite exists."""

import re
from collections import Counter
from pathlib import Path

import pytest

from nemolocal_contract.rules import rules, sections

SEEDS = Path(__file__).parents[2] / "fixtures" / "seeds"
DOCUMENTS = {"S0": SEEDS / "ai-rtk-compressor.txt", "S3": SEEDS / "4k-with-session.txt"}


def test_every_section_has_rules_numbered_without_a_gap() -> None:
    numbers: dict[str, list[int]] = {section.prefix: [] for section in sections()}
    for rule in rules().values():
        numbers[rule.section].append(int(rule.id.partition("-")[2]))
    assert {prefix: max(found) for prefix, found in numbers.items()} == {
        "GEN": 7,
        "AUTH": 8,
        "SES": 4,
        "UPL": 6,
        "SSE": 11,
        "CRD": 4,
        "STA": 5,
        "REN": 10,
        "CLI": 10,
    }
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.slow
def test_a_rule_names_sources_that_fit_its_grade(subtests: pytest.Subtests) -> None:
    for rule in rules().values():
        with subtests.test(rule=rule.id):
            assert rule.text.endswith((".", ")"))
            documented = [source for source in rule.source if source != "A"]
            assert documented or rule.grade in "AC"
            for source in documented:
                assert re.fullmatch(r"S0:\d+|S3:\d+|V1\.9|V4\.4|ADK|CLI", source)


def cited(document: str) -> list[tuple[str, int]]:
    return [
        (rule.id, int(source.partition(":")[2]))
        for rule in rules().values()
        for source in rule.source
        if source.startswith(f"{document}:")
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_cited_line_is_a_line_with_words_of_its_document(document: str) -> None:
    lines = DOCUMENTS[document].read_text(encoding="utf-8").splitlines()
    assert cited(document)
    for rule_id, number in cited(document):
        assert lines[number - 1].strip(), f"{rule_id} cites an empty line: {document}:{number}"


def test_grades_are_told_apart() -> None:
    assert Counter(rule.grade for rule in rules().values()) == {"D": 55, "A": 7, "C": 3}
