"""The hook of `.pre-commit-hooks.yaml`: what it selects is checked by the command that it names."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.support.cli import CommandRunner

ROOT = Path(__file__).parents[2]
PAIRS = ROOT / "fixtures" / "skills" / "pairs"
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("kind", "status"), [("clean", 0), ("faulty", 1)])
def test_hook_fails_for_a_faulty_document_only(run: CommandRunner, kind: str, status: int) -> None:
    command, *words = shlex.split(HOOK["entry"])
    assert command == "nemolocal"
    assert run(*words, PAIRS / kind / "harbour-trims" / "SKILL.md").status == status


@pytest.mark.parametrize(
    ("path", "is_selected"),
    [
        ("SKILL.md", True),
        ("skills/harbour-trims/SKILL.md", True),
        ("README.md", False),
        ("docs/MY-SKILL.md", False),
        ("skills/SKILL.md.orig", False),
    ],
)
def test_hook_selects_skill_documents(path: str, is_selected: bool) -> None:
    assert (re.search(HOOK["files"], path) is not None) == is_selected
