"""`nemolocal skill check`: checks documents against the contract."""

import argparse
import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
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
    with _no_garbage_collection():
        checked = [document for name in arguments.file if (document := _check(Path(name)))]
    unread = len(arguments.file) - len(checked)
    if checked or arguments.format != "text":
        print(_FORMATS[arguments.format](checked))
    if unread:
        return 2
    errors = any(f.level == "error" for document in checked for f in document.findings)
    return 1 if errors else 0


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Nothing here is collected: looking for it takes a tenth of the time of a check."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _check(path: Path) -> CheckedDocument | None:
    skill = read_skill_or_report(path)
    if skill is None:
        return None
    found = check_skill(skill, judge_phrase)
    return CheckedDocument(skill.path, skill.name, skill.version, found)


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
