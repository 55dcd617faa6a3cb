"""Documents in the shapes that are published, in pairs: a faulty one, and its clean twin.

Beside each stands what is found in it, neither more nor less.
"""

import tomllib
from pathlib import Path

import pytest

from nemolocal.skill_check import judge_phrase
from nemolocal_skill import check_skill, read_skill

PAIRS = Path(__file__).parents[2] / "fixtures" / "skills" / "pairs"
NAMES = sorted(folder.name for folder in (PAIRS / "faulty").iterdir())


def assert_found_as_expected(folder: Path) -> None:
    expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))["finding"]
    found = check_skill(read_skill(folder), judge_phrase)
    assert [{"id": f.id, "level": f.level, "line": f.line} for f in found] == expected


@pytest.mark.parametrize("name", NAMES)
def test_faulty_document_has_exactly_its_findings(name: str) -> None:
    assert_found_as_expected(PAIRS / "faulty" / name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_clean_twin_has_no_finding(name: str) -> None:
    assert_found_as_expected(PAIRS / "clean" / name)
    assert 'id = "' not in (PAIRS / "clean" / name / "expected.toml").read_text(encoding="utf-8")


def test_every_faulty_document_has_its_twin() -> None:
    assert sorted(folder.name for folder in (PAIRS / "clean").iterdir()) == NAMES
    assert len(NAMES) == 15
