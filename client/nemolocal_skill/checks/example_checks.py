"""Says what the local agent makes of the messages that the document proposes."""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from ..model import RawFinding
from ..parse.document import Skill


class PhraseVerdict(msgspec.Struct, frozen=True):
    """What the local agent does with a message; `left_out` are the parts that it does not do."""

    done: Literal["full", "part", "none"]
    left_out: tuple[str, ...] = ()


PhraseJudge = Callable[[str], PhraseVerdict]
_MAX_SHOWN = 60


def check_examples(skill: Skill, judge: PhraseJudge) -> Iterator[RawFinding]:
    """Report once which examples are done in part or only simulated; nothing if all are done."""
    verdicts = [(phrase, judge(phrase.text)) for phrase in skill.examples]
    partly = [
        f"{_shown(phrase.text)} (not {', '.join(map(_shown, verdict.left_out))})"
        for phrase, verdict in verdicts
        if verdict.done == "part"
    ]
    simulated = [_shown(phrase.text) for phrase, verdict in verdicts if verdict.done == "none"]
    if not partly and not simulated:
        return
    done = sum(verdict.done == "full" for _, verdict in verdicts)
    message = f"the local agent does {done} of {len(verdicts)} example phrases"
    if partly:
        message += f"; partly: {', '.join(partly)}"
    if simulated:
        message += f"; only simulated: {', '.join(simulated)}"
    first = skill.examples[0]
    yield RawFinding("skill.examples.local", first.line, message, first.column)


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= _MAX_SHOWN else f'"{text[: _MAX_SHOWN - 1]}…"'
