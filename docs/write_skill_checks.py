"""Writes docs/reference/skill-checks.md: everything that `nemolocal skill check` looks for.

`python docs/write_skill_checks.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import sys
from pathlib import Path

from nemolocal_contract.rules import rules
from nemolocal_skill import SkillCheck, check_catalogue
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "skill-checks.md"
GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}
HEAD = """\
# What `nemolocal skill check` looks for

Generated from the source code by `python docs/write_skill_checks.py`; a test fails if it is out of
date.

An `error` makes the exit status 1. The ids are stable. [The rules](rules.md) explains rules and
their sources; a finding without a rule concerns only the document or the shell.

| id | level | what is wrong | what to do | rule |
|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: table()}, arguments)


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
