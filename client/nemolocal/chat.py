"""`nemolocal chat`: a conversation in the terminal, or from a script's standard input.

Ctrl-C gives up a wait, never the work: that goes on in the backend.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from nemolocal_client import (
    Answer,
    Assistant,
    Client,
    NemoError,
    config_folder,
    draft_of,
)
from nemolocal_client.exports import check_place

from .backend import open_client
from .console import print_json
from .display import Display, open_display
from .named_files import check_inputs, check_urls, chosen_output
from .problem import Problem
from .typed_text import as_text, lines_of_stdin

_PROMPT = "> "
_HELP = """\
Say what to edit, in your own words. "export", "credits", "status" and names of files are done here.
/state          show the timeline
/export [FILE]  export, to FILE from now on
/undo           take the last edit back
/cancel         stop the export that goes on
/link           a link to the project, for the web
/help           this
/quit           end; the session stays"""
_GOES_ON = "No longer waiting; the work goes on in the backend: /state shows when it is done"
_STOP_IT = "No longer waiting; the export goes on in the backend: /cancel stops it"
_HISTORY = "chat-history"
_HISTORY_MAX = 1000


class Said(msgspec.Struct, frozen=True):
    """What `--json` prints for each message."""

    message: str
    lines: tuple[str, ...]
    routes: tuple[str, ...] = ()
    file: str = ""
    error: str = ""


class Chat:
    """One conversation; `as_json` prints each answer as an object of its own."""

    def __init__(
        self,
        client: Client,
        display: Display,
        destination: Path,
        as_json: bool,
        *,
        overwrite: bool = False,
    ) -> None:
        self._client = client
        self._display = display
        self._assistant = Assistant(client, destination, overwrite=overwrite)
        self._as_json = as_json
        self.failed = False

    def upload(self, files: list[str]) -> None:
        """What was named on the command line."""
        if files:
            self._answer(" ".join(files), lambda: self._assistant.upload(*files))

    def hear(self, message: str) -> bool:
        """Do what a line says; False where it ends the conversation."""
        command, _, rest = message.partition(" ")
        match command:
            case "/quit" | "/exit":
                return False
            case "/help":
                self._show(Answer(lines=(_HELP,)), message)
            case "/state":
                self._answer(message, self._draw)
            case "/export":
                self._answer(message, lambda: self._export(rest.strip()))
            case "/undo":
                self._answer(message, lambda: self._assistant.reply("undo the last edit"))
            case "/cancel":
                self._answer(message, self._cancel)
            case "/link":
                self._answer(message, lambda: Answer(lines=(self._client.claim_link(),)))
            case _ if command.startswith("/") and not os.path.isfile(message.strip()):
                self._show(Answer(lines=(f"{command} is unknown: /help tells what there is",)), "")
            case _:
                self._talk(message)
        return True

    def _talk(self, message: str) -> None:
        if self._as_json:
            self._answer(message, lambda: self._assistant.reply(message))
            return
        with self._told(message):
            for line in self._assistant.stream(message):
                self._display.line(line)

    def _answer(self, message: str, ask: Callable[[], Answer]) -> None:
        with self._told(message):
            self._show(ask(), message)

    @contextlib.contextmanager
    def _told(self, message: str) -> Iterator[None]:
        """Errors and Ctrl-C end a message, not the conversation."""
        try:
            yield
        except NemoError as error:
            self.failed = True
            self._complain(message, str(error))
        except KeyboardInterrupt:
            session = self._client.workspace.session
            rendering = session is not None and session.rendering
            self._complain(message, _STOP_IT if rendering else _GOES_ON)
        finally:
            self._display.stop()

    def _show(self, answer: Answer, message: str) -> None:
        if self._as_json:
            file = str(answer.export.path) if answer.export else ""
            _print(Said(message, answer.lines, answer.routes, file))
            return
        for line in answer.lines:
            self._display.line(line)

    def _complain(self, message: str, said: str) -> None:
        self._display.stop()
        if self._as_json:
            _print(Said(message, (), error=said))
        else:
            print(said, file=sys.stderr)

    def _draw(self) -> Answer:
        if self._as_json:
            return Answer(("status",), (self._client.timeline(),))
        self._display.draw(draft_of(self._client.state()))
        return Answer()

    def _export(self, named: str) -> Answer:
        if named:
            self._assistant.destination = self._client.run(check_place(named))
        return self._assistant.export()

    def _cancel(self) -> Answer:
        stopped = self._client.cancel_export()
        return Answer(lines=("Export stopped" if stopped else "No export is under way",))


def run(arguments: argparse.Namespace) -> int:
    """Talk until the end of the input; 1 if a message from a script failed."""
    fetch_from = getattr(arguments, "fetch_from", None) or ()
    check_inputs(arguments.input)
    check_urls(arguments.input, arguments.base_url, fetch_from)
    destination = chosen_output(arguments.output, Path("nemolocal-chat.mp4"), arguments.input)
    if arguments.session and not arguments.base_url:
        raise Problem("a session lives on a server: name it with --base-url")
    interactive = sys.stdin.isatty()
    with (
        open_display(results=not arguments.json) as display,
        open_client(arguments.base_url, display.notice, fetch_from=fetch_from) as client,
    ):
        client.connect()
        if arguments.session:
            client.resume(arguments.session)
        chat = Chat(client, display, destination, arguments.json, overwrite=arguments.overwrite)
        chat.upload(arguments.input)
        for message in _typed() if interactive else _piped():
            if message.strip() and not chat.hear(message.strip()):
                break
        display.stop()
        if arguments.base_url and client.session_id and not arguments.json:
            print(f"nemolocal sessions {client.session_id} comes back to this", file=sys.stderr)
    return int(chat.failed and not interactive)


def _piped() -> Iterator[str]:
    yield from lines_of_stdin()


def _typed() -> Iterator[str]:
    """Lines with a history that lives from one conversation to the next."""
    with _history():
        print("Say what to edit, or /help", file=sys.stderr)
        while True:
            try:
                yield as_text(input(_PROMPT))
            except EOFError:
                return
            except KeyboardInterrupt:
                print(file=sys.stderr)
                return


@contextlib.contextmanager
def _history() -> Iterator[None]:
    """Arrow keys and a kept history, where this Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = config_folder() / _HISTORY
    with contextlib.suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(_HISTORY_MAX)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            readline.write_history_file(file)
            file.chmod(0o600)


def _print(said: Said) -> None:
    print_json(said)
