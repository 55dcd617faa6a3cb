"""What a message comes to: its edits, or what to reply about, and what the answer says besides."""

from typing import Literal

import msgspec

from .intents import Edit

Topic = Literal["hello", "how", "declined", "unknown", "export", "credits", "status", "upload"]


class NoEdit(msgspec.Struct, frozen=True):
    """Nothing to edit: only a reply, without charge.

    `topic` selects the reply in `replies`, `about` are the words that were not understood. `reason`
    says why they cannot be done, a key of `REASONS`; empty if nobody knows.
    """

    topic: Topic
    about: str = ""
    reason: str = ""


class Note(msgspec.Struct, frozen=True):
    """What an edit makes of words that mean something else: `code` is a key of the replies."""

    code: str
    said: str


class Understanding(msgspec.Struct, frozen=True):
    """What a message asks for: its edits in order, or why there is nothing to edit.

    `left_out` are the parts of the message that were not understood although others were: they are
    named in the answer, and so are the `notes`.
    """

    edits: tuple[Edit, ...] = ()
    no_edit: NoEdit | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def understood(self) -> Literal["full", "part", "none"]:
        """Whether all of the message was understood, a part, or nothing; talk is understood."""
        if self.no_edit is not None:
            return "none" if self.no_edit.topic == "unknown" else "full"
        return "part" if self.left_out else "full"

    @property
    def intent(self) -> "tuple[Edit, ...] | NoEdit":
        """The edits, or what to reply about instead."""
        return self.edits if self.no_edit is None else self.no_edit
