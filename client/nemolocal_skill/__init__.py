"""Skill documents: read, checked against the contract, and run against a server.

skill = read_skill(Path("SKILL.md"))
for finding in check_skill(skill):
    print(finding.line, finding.id, finding.message)
"""

import importlib
import typing

from .checks.example_checks import PhraseJudge, PhraseVerdict
from .linter import Severity, SkillCheck, SkillFinding, check_catalogue, check_skill
from .parse.document import Skill, parse_skill, read_skill
from .reports import CheckedDocument, as_json, as_sarif, as_text

if typing.TYPE_CHECKING:
    from .run.examples import ExampleResult, play_examples
    from .run.results import SkillCallResult
    from .run.runner import run_skill
    from .run.target import SkillRunTarget

# Imported when they are used: checking a document needs no HTTP client.
_LATE = {
    "ExampleResult": ".run.examples",
    "play_examples": ".run.examples",
    "SkillCallResult": ".run.results",
    "SkillRunTarget": ".run.target",
    "run_skill": ".run.runner",
}

__all__ = [
    "CheckedDocument",
    "ExampleResult",
    "PhraseJudge",
    "PhraseVerdict",
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
    "play_examples",
    "read_skill",
    "run_skill",
]


def __getattr__(name: str) -> typing.Any:
    """Import a public name on first use."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATE[name], __name__), name)
    globals()[name] = value
    return value
