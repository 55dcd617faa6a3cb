"""A sitting with the backend: messages go where their words send them, and results are shown."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nemolocal_client import Client, Export, Step, Turn, steps

from .display import Display


class Told(msgspec.Struct, frozen=True):
    """A message of the chat and what came of it."""

    message: str
    turn: Turn


class Studio:
    """Uploads, edits and exports through one client, and remembers what was done."""

    def __init__(self, client: Client, display: Display, destination: Path) -> None:
        self._client = client
        self._display = display
        self._destination = destination
        self.turns: list[Told] = []
        self.exported: Export | None = None

    def upload(self, *files: str) -> float:
        """Upload files and URLs; the length of the longest in seconds."""
        added = self._client.upload(*files)
        self.exported = None
        for file in added:
            length = f", {file.duration:g} s" if file.duration else ""
            self._display.line(f"Uploaded {file.filename} ({file.file_type}{length})")
        return max((file.duration for file in added), default=0.0)

    def follow(self, messages: Sequence[str]) -> None:
        """Do what the messages say, in order (CLI-2)."""
        for message in messages:
            for step in steps(message):
                self._do(step)

    def deliver(self) -> Export:
        """The export of the timeline as it is now, made if it has not been."""
        if self.exported is None:
            self._display.line(self._client.timeline())
            self.exported = self._client.export(self._destination)
            for warning in self.exported.warnings:
                self._display.line(f"Warning: {warning}")
            self._display.line(_described(self.exported))
        return self.exported

    def _do(self, step: Step) -> None:
        self._display.line(f"> {step.text}")
        match step.route:
            case "chat":
                self._say(step.text)
            case "export":
                self.deliver()
            case "credits":
                balance = self._client.balance()
                self._display.line(f"{balance.available} credits, and {balance.frozen} in use")
            case "status":
                self._display.line(self._client.timeline())
            case "upload":
                self._upload_named(step.text)

    def _say(self, message: str) -> None:
        turn = self._client.say(message)
        self.exported = None
        self.turns.append(Told(message, turn))
        for line in turn.lines:
            self._display.line(line)

    def _upload_named(self, text: str) -> None:
        """A message that is a file's name is that upload; one that only asks for it names none."""
        named = [word for word in text.split() if os.path.isfile(word) or "://" in word]
        if named:
            self.upload(*named)
        else:
            self._display.line("Give the files to upload as INPUT, before -m")


def _described(export: Export) -> str:
    return f"{export.path} ({export.seconds:g} s, {export.size / 1_000_000:.1f} MB)"
