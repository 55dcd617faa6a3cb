"""The chat of `nemolocal chat` and `nemolocal sessions ID`.

Ctrl-C stops waiting; what the backend has begun goes on.
"""

import argparse
import contextlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from nemolocal_client import (
    Answer,
    Assistant,
    Client,
    FileProblem,
    NemoError,
    Notice,
    draft_of,
)
from nemolocal_client.exports import check_export_path
from nemolocal_client.local_files import CHECK_NAME_REMEDY

from .chat_prompt import prompt_lines
from .client_factory import open_client
from .embedded_server import EmbeddedServer
from .export_filename import find_export_filename
from .input_text import stdin_lines
from .path_arguments import (
    check_inputs,
    check_url_inputs,
    resolve_output,
    warn_about_extension,
)
from .progress_display import Display, open_display
from .safe_output import print_json
from .saved_chats import SessionLocation, create_chat_folder, has_activity, locate_session

_HELP = """\
Type what to edit, in your own words; "export", "credits", "status" and file names work too.
/state          show the timeline
/export [FILE]  export; FILE is also used for later exports
/undo           undo the last edit
/cancel         cancel the running export
/link           show a web link to the project
/help           show this help
/quit           quit; the session is saved
Ctrl-C stops waiting or clears the line, Ctrl-D quits."""
_TURN_CONTINUES = "Stopped waiting; the edit continues in the backend: /state shows when it is done"
_EXPORT_CONTINUES = "Stopped waiting; the export continues in the backend: /cancel stops it"
_NOT_ADDED = "Upload stopped: nothing was added. Give the file name again to upload it"
_MAYBE_ADDED = "Stopped waiting; the file was sent and may still be added"
_DOWNLOAD_STOPPED = "Download stopped: export again to get the file"
_STOPPED = "Stopped; /state shows what was done"
# A message that can only be a path: ./a, ../a, ~/a, /a/b.
_PATH = re.compile(r"(?:~|\.{1,2})/.*|/[^/\s]+/.*")


class ChatOutput(msgspec.Struct, frozen=True):
    """The JSON object that `--json` prints for each message."""

    message: str
    lines: tuple[str, ...]
    routes: tuple[str, ...] = ()
    file: str = ""
    error: str = ""


class NoticeRecorder:
    """Shows progress, and remembers the current operation for the message after Ctrl-C."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.last: Notice | None = None

    def show(self, notice: Notice) -> None:
        self.last = notice
        self._display.show_notice(notice)


class Chat:
    """A chat; `as_json` prints each answer as a JSON object."""

    def __init__(
        self,
        client: Client,
        display: Display,
        notices: NoticeRecorder,
        destination: Path,
        *,
        as_json: bool,
        overwrite: bool = False,
    ) -> None:
        self._client = client
        self._display = display
        self._notices = notices
        self._assistant = Assistant(client, destination, overwrite=overwrite)
        self._as_json = as_json
        self.failed = False

    def upload(self, files: list[str]) -> None:
        """Upload the files of the command line."""
        if files:
            self._answer(" ".join(files), lambda: self._assistant.upload(*files))

    def handle_message(self, message: str) -> bool:
        """Process a line; return False if it ends the chat."""
        command, _, rest = message.partition(" ")
        match command:
            case "/quit" | "/exit":
                return False
            case "/help":
                self._show(Answer(lines=(_HELP,)), message)
            case "/state":
                self._answer(message, self._show_timeline)
            case "/export":
                self._answer(message, lambda: self._export(rest.strip()))
            case "/undo":
                self._answer(message, lambda: self._assistant.reply("undo the last edit"))
            case "/cancel":
                self._answer(message, self._cancel)
            case "/link":
                self._answer(message, lambda: Answer(lines=(self._client.claim_link(),)))
            case _ if _PATH.fullmatch(message):
                self._answer(message, lambda: self._upload(message))
            case _ if command.startswith("/") and not os.path.isfile(message):
                self._show(
                    Answer(lines=(f"unknown command {command}: /help lists all commands",)), ""
                )
            case _:
                self._send_to_assistant(message)
        return True

    def _send_to_assistant(self, message: str) -> None:
        named = find_export_filename(message)
        if named and not self._set_destination(message, named):
            return
        if self._as_json:
            self._answer(message, lambda: self._assistant.reply(message))
            return
        with self._reporting_errors(message):
            for line in self._assistant.stream(message):
                self._display.show_line(line)

    def _answer(self, message: str, ask: Callable[[], Answer]) -> None:
        with self._reporting_errors(message):
            self._show(ask(), message)

    @contextlib.contextmanager
    def _reporting_errors(self, message: str) -> Iterator[None]:
        """Run a message; errors and Ctrl-C end the message, not the chat."""
        self._notices.last = None
        session = self._client.workspace.session
        rendering = session.active_render_id if session is not None else ""
        if session is not None:
            session.is_turn_running = False
        try:
            yield
        except NemoError as error:
            self.failed = True
            self._print_error(message, str(error))
        except KeyboardInterrupt:
            self._print_error(message, self._interrupt_text(rendering))
        finally:
            self._display.close()

    def _interrupt_text(self, earlier: str) -> str:
        """Print the state of the interrupted operation; an `earlier` render is not part of it."""
        session, heard = self._client.workspace.session, self._notices.last
        if session is not None and session.active_render_id not in ("", earlier):
            return _EXPORT_CONTINUES
        if session is not None and session.is_turn_running:
            return _TURN_CONTINUES
        if heard is not None and heard.kind == "upload":
            return _MAYBE_ADDED if (heard.progress or 0) >= 1 else _NOT_ADDED
        if heard is not None and heard.kind == "download":
            return _DOWNLOAD_STOPPED
        return _STOPPED

    def _show(self, answer: Answer, message: str) -> None:
        if self._as_json:
            file = str(answer.export.path) if answer.export else ""
            _print(ChatOutput(message, answer.lines, answer.routes, file))
            return
        for line in answer.lines:
            self._display.show_line(line)

    def _print_error(self, message: str, said: str) -> None:
        self._display.close()
        if self._as_json:
            _print(ChatOutput(message, (), error=said))
        else:
            print(said, file=sys.stderr)

    def _show_timeline(self) -> Answer:
        if self._as_json:
            return Answer(("status",), (self._client.timeline(),))
        self._display.show_timeline(draft_of(self._client.state()))
        return Answer()

    def _upload(self, message: str) -> Answer:
        """Return the paths if a message consists only of paths, quoted as in a shell."""
        whole, paths = Path(message).expanduser(), list[Path]()
        with contextlib.suppress(ValueError):
            paths = [Path(name).expanduser() for name in shlex.split(message)]
        if os.path.isfile(whole) or not any(map(os.path.isfile, paths)):
            paths = [whole]
        missing = [str(path) for path in paths if not os.path.isfile(path)]
        if missing:
            raise FileProblem(f"file not found: {', '.join(missing)}", remedy=CHECK_NAME_REMEDY)
        return self._assistant.upload(*paths)

    def _export(self, named: str) -> Answer:
        if named:
            self._export_to(named)
        return self._assistant.export()

    def _export_to(self, named: str) -> None:
        """Set the output file of later exports."""
        destination: Path = self._client.run(check_export_path(os.path.expanduser(named)))
        warn_about_extension(destination)
        self._assistant.destination = destination

    def _set_destination(self, message: str, named: str) -> bool:
        """Set the output file that a message names; if it is unusable, say so and return False."""
        failed = self.failed
        self.failed = False
        with self._reporting_errors(message):
            self._export_to(named)
        chosen = not self.failed
        self.failed = self.failed or failed
        return chosen

    def _cancel(self) -> Answer:
        stopped = self._client.cancel_export()
        return Answer(lines=("Export cancelled" if stopped else "No export is running",))


def run_conversation(arguments: argparse.Namespace) -> int:
    """Chat until the end of the input; return 1 if a message from a script failed."""
    check_inputs(arguments.input)
    destination = resolve_output(arguments.output, Path("nemolocal-chat.mp4"), arguments.input)
    warn_about_extension(destination)
    place = SessionLocation(arguments.base_url)
    if arguments.session:
        place = locate_session(arguments.session, arguments.base_url)
    check_url_inputs(arguments.input, place.base_url, arguments.fetch_from or ())
    interactive = sys.stdin.isatty()
    with (
        open_display(results=not arguments.json) as display,
        _open_client(arguments, place, notices := NoticeRecorder(display)) as client,
    ):
        client.connect()
        if arguments.session:
            client.resume(arguments.session)
        chat = Chat(
            client,
            display,
            notices,
            destination,
            as_json=arguments.json,
            overwrite=arguments.overwrite,
        )
        chat.upload(arguments.input)
        for message in prompt_lines() if interactive else _piped():
            if message.strip() and not chat.handle_message(message.strip()):
                break
        display.close()
        session = client.workspace.session
        if session is not None and has_activity(session.saved) and not arguments.json:
            print(f"To continue this session: nemolocal sessions {session.id}", file=sys.stderr)
    return int(chat.failed and not interactive)


def _open_client(
    arguments: argparse.Namespace, place: SessionLocation, notices: NoticeRecorder
) -> contextlib.AbstractContextManager[Client]:
    """Open a client of the session's server; a new local chat is saved."""
    chat = create_chat_folder() if place == SessionLocation() else place.chat_folder
    return open_client(
        place.base_url,
        notices.show,
        own=EmbeddedServer(arguments.like_cloud, chat, tuple(arguments.fetch_from or ())),
        reconnect=arguments.reconnect,
    )


def _piped() -> Iterator[str]:
    yield from stdin_lines()


def _print(said: ChatOutput) -> None:
    print_json(said)
