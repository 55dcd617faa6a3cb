"""Writes docs/reference/skill-checks.md: everything that `nemolocal skill check` looks for.

`python docs/write_skill_checks.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import sys
from pathlib import Path

from nemolocal_contract.rules import rules
from nemolocal_skill import SkillCheck, check_catalogue

TARGET = Path(__file__).parent / "reference" / "skill-checks.md"
GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}
HEAD = """\
# What `nemolocal skill check` looks for

Made by `python docs/write_skill_checks.py`; a test fails when it is not up to date.

An `error` makes the exit status 1. The ids stay what they are. Rules and their sources are
explained in [rules.md](rules.md); a finding without a rule is a matter of the document, or of the
shell, alone.

| id | level | what is wrong | what to do | rule |
|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Write the table, or only look whether it is as it should be."""
    text = table()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)


def table() -> str:
    """The whole file."""
    return HEAD + "".join(map(_row, check_catalogue().values()))


def _row(check: SkillCheck) -> str:
    rule = rules().get(check.rule)
    grade = f"{check.rule}, {GRADES[rule.grade]} ({', '.join(rule.source)})" if rule else ""
    cells = (f"`{check.id}`", check.level, check.title, check.fix.replace("|", "\\|"), grade)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
