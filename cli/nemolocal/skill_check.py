"""`nemolocal skill check`: checks documents against the contract."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from nemolocal_skill import (
    CheckedDocument,
    PhraseVerdict,
    Skill,
    as_json,
    as_sarif,
    as_text,
    check_skill,
    read_skill,
)

from .attribution import installed_version

_FORMATS: dict[str, Callable[[Sequence[CheckedDocument]], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": lambda checked: as_sarif(checked, installed_version()),
}


def run(arguments: argparse.Namespace) -> int:
    """Return 0 without errors, 1 with errors, 2 if a file cannot be read."""
    checked: list[CheckedDocument] = []
    unread = 0
    for name in arguments.file:
        skill = read_skill_or_report(Path(name))
        if skill is None:
            unread += 1
        else:
            found = check_skill(skill, judge_phrase)
            checked.append(CheckedDocument(skill.path, skill.name, skill.version, found))
    if checked or arguments.format != "text":
        print(_FORMATS[arguments.format](checked))
    if unread:
        return 2
    errors = any(f.level == "error" for document in checked for f in document.findings)
    return 1 if errors else 0


def judge_phrase(phrase: str) -> PhraseVerdict:
    """Return what the local agent makes of a message; it is imported for the first one only."""
    from nemolocal_agent.nlu import understand_message

    understood = understand_message(phrase)
    return PhraseVerdict(understood.understood, understood.left_out)


def read_skill_or_report(path: Path) -> Skill | None:
    """Return the skill of a file; if it cannot be read, print why to stderr and return None."""
    try:
        return read_skill(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        if path.is_dir():
            reason = "it contains no SKILL.md"
        print(f"nemolocal: cannot read {path} ({reason}): check the path", file=sys.stderr)
        return None
