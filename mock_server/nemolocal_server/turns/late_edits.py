"""The edits of a turn that was interrupted by the end of the server."""

from nemolocal_agent import Edit, NoEdit, parse_message, stand_in_for

from ..scripted_replies.scripted_reply import read_changes
from .turn_repository import LateEdit


def late_edits(late: LateEdit) -> tuple[Edit, ...]:
    """Return the edits that an interrupted turn was going to make, by planning it again."""
    if late.scripted is not None:
        return read_changes(late.scripted, lambda: _edits_said(late.message))
    return _edits_said(late.message)


def _edits_said(message: str) -> tuple[Edit, ...]:
    """Return the edits of a message, or the stand-in if it is not understood."""
    intent = parse_message(message)
    return stand_in_for(intent, message) if isinstance(intent, NoEdit) else intent
