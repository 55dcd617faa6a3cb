"""Answers messages with a client: routes each message and does what it asks for (CLI-2).

This is the starting point for a bot or a command. Progress goes to the client's `notify`.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import msgspec

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.plurals import format_counts, sized
from nemolocal_contract.responses import FileReply

from .client import AsyncClient, Client
from .client_flows import ClientFlows
from .errors import FileProblem
from .exports import Export
from .local_files import CHECK_NAME_REMEDY
from .message_routing import Route, Step, steps
from .operations import FindFiles, Flow, OutputLine
from .sessions import draft_of
from .turns import Turn
from .warning_text import describe_warning

# Words that can only be file names; and quoted names or single words.
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$|^(?:~|\.{1,2})?/.")
_NAMES = re.compile(r"[\"'“]([^\"'”\n]+)[\"'”]|([^\s\"'“”]+)")

_MESSAGES = {
    "en": {
        "credits": "{available:credit}, and {frozen} in use",
        "free": "Nothing is charged here",
        "uploaded": "Uploaded {filename} ({file_type}{length})",
        "length": ", {seconds:g} s",
        "which": "Name the files to upload, or their URLs",
        "warning": "Warning: {warning}",
        "exported": "{path} ({seconds:g} s, {size})",
    },
    "zh": {
        "credits": "可用积分 {available}，占用 {frozen}",
        "free": "这里不收取任何费用",
        "uploaded": "已上传 {filename}（{file_type}{length}）",
        "length": "，{seconds:g} 秒",
        "which": "请给出要上传的文件名或网址",
        "warning": "注意：{warning}",
        "exported": "{path}（{seconds:g} 秒，{size}）",
    },
}


class Answer(msgspec.Struct, frozen=True):
    """The answer to a message: the routes of its parts, and the lines to show, in order.

    `turns` are the chat turns, `files` the uploaded files, `export` the finished export.
    """

    routes: tuple[Route, ...] = ()
    lines: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    files: tuple[FileReply, ...] = ()
    export: Export | None = None


class _AssistantFlows:
    """The flows of both assistants, and the newest export until something changes."""

    def __init__(self, workspace: ClientFlows, destination: Path, overwrite: bool) -> None:
        self._workspace = workspace
        self._overwrite = overwrite
        self._messages = _MESSAGES["zh" if workspace.language.lower().startswith("zh") else "en"]
        self.destination = destination
        self.exported: Export | None = None

    def answer(self, message: str) -> Flow[Answer]:
        """Do what a message asks for, one part after another."""
        whole: tuple[str, ...] = yield FindFiles((message.strip().strip("\"'"),))
        if whole:
            done = yield from self.upload(*whole)
            return Answer(("upload",), done.lines, files=done.files)
        answer = Answer()
        for step in steps(message):
            done = yield from self._run_step(step)
            answer = Answer(
                (*answer.routes, step.route),
                (*answer.lines, *done.lines),
                (*answer.turns, *done.turns),
                (*answer.files, *done.files),
                done.export or answer.export,
            )
        return answer

    def _run_step(self, step: Step) -> Flow[Answer]:
        match step.route:
            case "chat":
                self.exported = None
                turn = yield from self._workspace.say(step.text)
                return Answer(lines=turn.lines, turns=(turn,))
            case "export":
                return (yield from self.export())
            case "credits" if not self._workspace.charges:
                return (yield from self._show(self._messages["free"]))
            case "credits":
                balance = msgspec.structs.asdict((yield from self._workspace.balance()))
                return (yield from self._show(format_counts(self._messages["credits"], balance)))
            case "status":
                return (yield from self._show((yield from self._workspace.timeline())))
            case _:
                return (yield from self._upload(step.text))

    def export(self) -> Flow[Answer]:
        """Export the timeline unless nothing has changed since, and show the path."""
        lines: tuple[str, ...] = ()
        if self.exported is None:
            draft = draft_of((yield from self._workspace.state()))
            language = self._workspace.language
            if draft.ready:
                lines += (yield from self._show(describe_timeline(draft, language))).lines
            self.exported = yield from self._workspace.export(
                self.destination, None, self._overwrite, number_inputs=True
            )
            for warning in self.exported.warnings:
                text = describe_warning(warning, draft, language)
                line = self._messages["warning"].format(warning=text)
                lines += (yield from self._show(line)).lines
        done = self.exported
        line = self._messages["exported"].format(
            path=done.path, seconds=done.seconds, size=sized(done.size)
        )
        lines += (yield from self._show(line)).lines
        return Answer(lines=lines, export=done)

    def _upload(self, text: str) -> Flow[Answer]:
        """Upload the files that a message names, or ask for their names."""
        words = [quoted or word for quoted, word in _NAMES.findall(text)]
        files: tuple[str, ...] = yield FindFiles(tuple(words))
        named = [word for word in words if word in files or "://" in word]
        missing = [word for word in words if word not in named and _FILE.search(word)]
        if missing:
            raise FileProblem(f"file not found: {', '.join(missing)}", remedy=CHECK_NAME_REMEDY)
        if not named:
            return (yield from self._show(self._messages["which"]))
        return (yield from self.upload(*named))

    def upload(self, *files: str | Path) -> Flow[Answer]:
        """Upload files and show what they are."""
        self.exported = None
        added = yield from self._workspace.upload(*files)
        lines: tuple[str, ...] = ()
        for file in added:
            length = self._messages["length"].format(seconds=file.duration) if file.duration else ""
            line = self._messages["uploaded"].format(
                filename=file.filename, file_type=file.file_type, length=length
            )
            lines += (yield from self._show(line)).lines
            for warning in file.warnings or ():
                line = self._messages["warning"].format(warning=f"{file.filename}: {warning}")
                lines += (yield from self._show(line)).lines
        return Answer(lines=lines, files=added)

    def _show(self, line: str) -> Flow[Answer]:
        yield OutputLine(line)
        return Answer(lines=(line,))


class _AssistantBase:
    """The properties of both assistants."""

    _flows: _AssistantFlows

    @property
    def exported(self) -> Export | None:
        """The newest export, None if something has changed since."""
        return self._flows.exported

    @property
    def destination(self) -> Path:
        """The path of exports."""
        return self._flows.destination

    @destination.setter
    def destination(self, path: Path) -> None:
        if path != self._flows.destination:
            self._flows.destination, self._flows.exported = path, None


class Assistant(_AssistantBase):
    """Answers messages with a client; exports go to `destination`.

    Raises the errors of the client. An export is not repeated while nothing has changed. If
    `destination` exists, the export gets the next free name, unless `overwrite` is given.
    """

    def __init__(self, client: Client, destination: str | Path, *, overwrite: bool = False) -> None:
        self._client = client
        self._flows = _AssistantFlows(client.workspace, Path(destination), overwrite)

    def reply(self, message: str) -> Answer:
        """Do what the message asks for, and return the answer."""
        return self._client.run(self._flows.answer(message))

    def stream(self, message: str) -> Iterator[str]:
        """Yield the lines of `reply`, each as soon as it is known."""
        return self._client.lines(self._flows.answer(message))

    def upload(self, *files: str | Path) -> Answer:
        """Upload files and URLs, and return what they are."""
        return self._client.run(self._flows.upload(*files))

    def export(self) -> Answer:
        """Export the timeline to `destination`, unless nothing has changed since."""
        return self._client.run(self._flows.export())


class AsyncAssistant(_AssistantBase):
    """Answers messages with an async client; the methods of `Assistant` as coroutines."""

    def __init__(
        self, client: AsyncClient, destination: str | Path, *, overwrite: bool = False
    ) -> None:
        self._client = client
        self._flows = _AssistantFlows(client.workspace, Path(destination), overwrite)

    async def reply(self, message: str) -> Answer:
        """Do what the message asks for, and return the answer."""
        return await self._client.run(self._flows.answer(message))

    def stream(self, message: str) -> AsyncGenerator[str, None]:
        """Yield the lines of `reply`, each as soon as it is known."""
        return self._client.lines(self._flows.answer(message))

    async def upload(self, *files: str | Path) -> Answer:
        """Upload files and URLs, and return what they are."""
        return await self._client.run(self._flows.upload(*files))

    async def export(self) -> Answer:
        """Export the timeline to `destination`, unless nothing has changed since."""
        return await self._client.run(self._flows.export())
