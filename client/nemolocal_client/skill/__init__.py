"""Skill documents: read, judged against the contract, and played against a server.

skill = read_skill(Path("SKILL.md"))
for finding in check_skill(skill):
    print(finding.line, finding.id, finding.message)
"""

from .answers import Answer
from .checking import check_skill
from .findings import Check, Finding, Severity, checks
from .player import Stage, play_skill
from .reader import Skill, parse_skill, read_skill
from .reports import Checked, as_json, as_sarif, as_text

__all__ = [
    "Answer",
    "Check",
    "Checked",
    "Finding",
    "Severity",
    "Skill",
    "Stage",
    "as_json",
    "as_sarif",
    "as_text",
    "check_skill",
    "checks",
    "parse_skill",
    "play_skill",
    "read_skill",
]
