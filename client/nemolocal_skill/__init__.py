"""Skill documents: read, checked against the contract, and run against a server.

skill = read_skill(Path("SKILL.md"))
for finding in check_skill(skill):
    print(finding.line, finding.id, finding.message)
"""

from .linter import Severity, SkillCheck, SkillFinding, check_catalogue, check_skill
from .parse.document import Skill, parse_skill, read_skill
from .reports import CheckedDocument, as_json, as_sarif, as_text
from .run.results import SkillCallResult
from .run.runner import SkillRunTarget, run_skill

__all__ = [
    "CheckedDocument",
    "Severity",
    "Skill",
    "SkillCallResult",
    "SkillCheck",
    "SkillFinding",
    "SkillRunTarget",
    "as_json",
    "as_sarif",
    "as_text",
    "check_catalogue",
    "check_skill",
    "parse_skill",
    "read_skill",
    "run_skill",
]
