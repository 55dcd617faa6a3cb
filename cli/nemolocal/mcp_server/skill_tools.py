"""Tools that check and run skill documents in the folders that are open to them."""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nemolocal_skill import Skill, check_skill, parse_skill, play_examples, run_skill

from ..errors import CommandError
from ..skill_check import judge_phrase
from ..skill_run import open_target, with_longer_clip
from .folder_access import read_skill_file
from .tool_arguments import SkillPath
from .tool_errors import ToolError
from .tool_results import SkillReport, SkillRun

_MAX_FINDINGS = 100
_MAX_CALLS = 100
_MAX_EXAMPLES = 30


def check_skill_document(wanted: SkillPath, folders: Sequence[Path]) -> SkillReport:
    """Check a document against the contract."""
    skill = _read(wanted, folders)
    findings = check_skill(skill, judge_phrase)
    levels = Counter(finding.level for finding in findings)
    # The most important ones are listed if not all are.
    order = ("error", "warning", "note")
    listed = sorted(findings, key=lambda finding: order.index(finding.level))[:_MAX_FINDINGS]
    return SkillReport(
        path=skill.path,
        name=skill.name,
        version=skill.version,
        errors=levels["error"],
        warnings=levels["warning"],
        notes=levels["note"],
        findings=tuple(listed),
        left_out=len(findings) - len(listed),
    )


def run_skill_document(
    wanted: SkillPath, folders: Sequence[Path], ended: threading.Event
) -> SkillRun:
    """Make the calls of a document on a server of its own, and play its example phrases.

    `ended` is set when nobody waits for the result any more.
    """
    skill = _read(wanted, folders)
    try:
        with open_target() as target:
            calls = []
            for call in run_skill(skill, target):
                calls.append(call)
                _stop_if(ended)
            if not calls:
                raise ToolError(
                    f"path: {skill.path} contains no calls: add curl commands or endpoints"
                )
            examples = []
            for example in play_examples(skill, with_longer_clip(target)) if skill.examples else ():
                examples.append(example)
                _stop_if(ended)
    except CommandError as error:
        raise ToolError(str(error)) from error
    answered = any(call.status for call in calls)
    left_out = max(0, len(calls) - _MAX_CALLS) + max(0, len(examples) - _MAX_EXAMPLES)
    return SkillRun(
        path=skill.path,
        name=skill.name,
        as_said=answered and all(call.as_said for call in calls),
        calls=tuple(calls[:_MAX_CALLS]),
        examples=tuple(examples[:_MAX_EXAMPLES]),
        left_out=left_out,
    )


def _read(wanted: SkillPath, folders: Sequence[Path]) -> Skill:
    path, content = read_skill_file(wanted.path, folders)
    return parse_skill(content, path)


def _stop_if(ended: threading.Event) -> None:
    if ended.is_set():
        raise ToolError("the call was cancelled")
