"""Edits that take everything away, and whether a message asks for that in so many words.

A language model may misread a message; the rules account for every word. So what it wants to undo
or to clear is done only if the rules read the same in a part of the message. All other edits that
would leave no clip are refused in any case (`nothing_left`).
"""

import re
from collections.abc import Sequence

from .intents import SELECT_ALL, Edit, Redo, RemoveClip, RemoveSpan, StartOver, TimelineSpan, Undo
from .nlu import understand_message
from .understanding import NoEdit

_MAX_PARTS = 100
# What is quoted is content: a title that says "start over" asks for nothing.
_QUOTED = re.compile(
    r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|《[^》]*》|(?<!\w)['‘][^'’]*['’](?!\w)"
)
_BETWEEN_PARTS = re.compile(
    r"[.,;:!?\n，。；：！？、]+|\b(?:and then|and|then|after that)\b|然后|并且|接着|再"
)


def clears_everything(edit: Edit) -> bool:
    """Whether an edit by itself empties the timeline."""
    if isinstance(edit, RemoveClip):
        return edit.selector == SELECT_ALL
    if isinstance(edit, RemoveSpan):
        return edit.selector == SELECT_ALL and edit.span == TimelineSpan()
    return isinstance(edit, StartOver)


def is_destructive(edit: Edit) -> bool:
    """Whether an edit needs words of its own in the message, whatever the draft is."""
    return isinstance(edit, Undo | Redo) or clears_everything(edit)


def find_unasked(edits: Sequence[Edit], message: str) -> str:
    """Return what the edits destroy without a word for it in the message; "" for nothing."""
    wanted = [edit for edit in edits if is_destructive(edit)]
    if not wanted:
        return ""
    asked = _edits_in_parts(message)
    for kind, name in ((Undo, "undo"), (Redo, "redo")):
        if any(isinstance(edit, kind) for edit in wanted):
            steps = [edit.steps for edit in asked if isinstance(edit, kind)]
            if any(edit.steps not in steps for edit in wanted if isinstance(edit, kind)):
                return name
    if any(map(clears_everything, wanted)) and not any(map(clears_everything, asked)):
        return "remove everything"
    return ""


def _edits_in_parts(message: str) -> list[Edit]:
    """What the rules read in each part of the message."""
    parts = _BETWEEN_PARTS.split(_QUOTED.sub(" ", message))
    found: list[Edit] = []
    for part in [part for part in parts if part.strip()][:_MAX_PARTS]:
        intent = understand_message(part)
        if not intent.left_out and not isinstance(intent.intent, NoEdit):
            found += intent.edits
    return found
