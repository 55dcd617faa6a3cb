"""An editing session: routes messages by their words (CLI-2) and shows the results."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from nemolocal_client import Answer, Assistant, Client, Export, NemoError, Turn, steps
from nemolocal_client.gui_translation import hints_for

from .progress_display import Display


class MessageTurn(msgspec.Struct, frozen=True):
    """A chat message and its result."""

    message: str
    turn: Turn


class EditSession:
    """Uploads, edits and exports through one client, and keeps the results.

    The hint to ask for an export is for chats and is not shown. `saying` is the current message.
    """

    def __init__(
        self, client: Client, display: Display, destination: Path, *, overwrite: bool = False
    ) -> None:
        self._client = client
        self._display = display
        self._assistant = Assistant(client, destination, overwrite=overwrite)
        self.turns: list[MessageTurn] = []
        self.current_step = ""
        self.warnings: list[str] = []

    def upload(self, *files: str) -> float:
        """Upload files and URLs; return the duration of the longest in seconds."""
        added = self._show(self._assistant.upload(*files)).files
        return max((file.duration for file in added), default=0.0)

    def run_messages(self, messages: Sequence[str]) -> None:
        """Run the messages in order (CLI-2)."""
        for message in messages:
            for step in steps(message):
                self.current_step = step.text
                self._display.show_line(f"> {step.text}")
                answer = self._show(self._assistant.reply(step.text))
                self.turns += [MessageTurn(step.text, _without_hint(turn)) for turn in answer.turns]

    def export_partial(self) -> Export | None:
        """Export the edits before a failed message, if there are any."""
        if not self.turns:
            return None
        try:
            return self.export()
        except NemoError:
            return None

    def export(self) -> Export:
        """Return the export of the current timeline; renders and shows it if needed."""
        if self._assistant.exported is None:
            self._show(self._assistant.export())
        exported = self._assistant.exported
        assert exported is not None  # A failed export raises.
        return exported

    def _show(self, answer: Answer) -> Answer:
        for file in answer.files:
            self.warnings += [f"{file.filename}: {warning}" for warning in file.warnings or ()]
        for line in answer.lines:
            if line not in hints_for("export"):
                self._display.show_line(line)
        return answer


def _without_hint(turn: Turn) -> Turn:
    texts = tuple(text for text in turn.texts if text not in hints_for("export"))
    return msgspec.structs.replace(turn, texts=texts)
