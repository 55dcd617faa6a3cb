"""What a turn that was interrupted was going to do."""

from nemolocal_agent import Edit, NoEdit, parse_message, stand_in_for

from ..scripted_replies.scripted_reply import read_changes
from .turn_repository import LateEdit


def late_edits(late: LateEdit) -> tuple[Edit, ...]:
    """The edits of a turn that was interrupted: what it was going to do is decided again."""
    if late.scripted is not None:
        return read_changes(late.scripted, lambda: _edits_said(late.message))
    return _edits_said(late.message)


def _edits_said(message: str) -> tuple[Edit, ...]:
    """The edits of a message, one that stands for it where it is not understood."""
    intent = parse_message(message)
    return stand_in_for(intent, message) if isinstance(intent, NoEdit) else intent
