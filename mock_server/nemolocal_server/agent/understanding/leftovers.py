"""What is left of a clause when it has been read: nothing of it may be what it is about."""

import re

from ..intents import Edit, Generate
from .readers.clause import Clause

_THINGS = "clip|video|title|music|slideshow|upload|watermark"
# "for my channel", "like a film": for whom and in what way says nothing of what to do.
_ASIDE = re.compile(r" (?:for|with) (?:it |of |who )?X\d+(?: X\d+)*(?= )")
_MODIFIER = re.compile(rf" X\d+(?=(?: X\d+)* (?:{_THINGS}|[SM]\d+) )")
_UNKNOWN = re.compile(r" (X\d+)(?= )")


def explained(clause: Clause, edits: list[Edit]) -> bool:
    """Whether no unknown word is left that a command could be about: "blur the faces"."""
    if " X" not in clause.line or any(isinstance(edit, Generate) for edit in edits):
        return True
    left = _UNKNOWN.findall(_MODIFIER.sub(" ", _ASIDE.sub(" ", clause.line)))
    return all(str(clause.value(slot)).endswith("ly") for slot in left)
