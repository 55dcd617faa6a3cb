"""One message in, replies out: routing, flows and words together, as a skill does it (CLI-2).

Whoever builds a bot or a command on the library starts here. What goes on meanwhile is told to the
`notify` of the client.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import msgspec

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.plurals import sized
from nemolocal_contract.responses import FileReply

from .async_client import AsyncClient
from .client import Client
from .client_flows import ClientFlows
from .errors import FileProblem
from .exports import Export
from .local_files import CHECK_NAME_REMEDY
from .message_routing import Route, Step, steps
from .operations import FindFiles, Flow, OutputLine
from .sessions import draft_of
from .turns import Turn
from .warning_text import describe_warning

# What can only be the name of a file; and a name in quotation marks, or a word.
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$|^(?:~|\.{1,2})?/.")
_NAMES = re.compile(r"[\"'“]([^\"'”\n]+)[\"'”]|([^\s\"'“”]+)")

_MESSAGES = {
    "en": {
        "credits": "{available} credits, and {frozen} in use",
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
    """What a message came to: where its parts went, and the lines to show, in order.

    `turns` are those of the chat, `files` what was uploaded, `export` the finished file.
    """

    routes: tuple[Route, ...] = ()
    lines: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    files: tuple[FileReply, ...] = ()
    export: Export | None = None


class _AssistantFlows:
    """What both assistants know: the newest export, as long as nothing has changed since."""

    def __init__(self, workspace: ClientFlows, destination: Path, overwrite: bool) -> None:
        self._workspace = workspace
        self._overwrite = overwrite
        self._messages = _MESSAGES["zh" if workspace.language.lower().startswith("zh") else "en"]
        self.destination = destination
        self.exported: Export | None = None

    def answer(self, message: str) -> Flow[Answer]:
        """Do what a message asks for, part by part."""
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
                return (yield from self._show(self._messages["credits"].format(**balance)))
            case "status":
                return (yield from self._show((yield from self._workspace.timeline())))
            case _:
                return (yield from self._upload(step.text))

    def export(self) -> Flow[Answer]:
        """Export what is there, once, and say where it is."""
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
                told = describe_warning(warning, draft, language)
                said = self._messages["warning"].format(warning=told)
                lines += (yield from self._show(said)).lines
        done = self.exported
        said = self._messages["exported"].format(
            path=done.path, seconds=done.seconds, size=sized(done.size)
        )
        lines += (yield from self._show(said)).lines
        return Answer(lines=lines, export=done)

    def _upload(self, text: str) -> Flow[Answer]:
        """A message that is a file's name is that upload; one that only asks for it names none."""
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
        """Add files, and say what they are."""
        self.exported = None
        added = yield from self._workspace.upload(*files)
        lines: tuple[str, ...] = ()
        for file in added:
            length = self._messages["length"].format(seconds=file.duration) if file.duration else ""
            said = self._messages["uploaded"].format(
                filename=file.filename, file_type=file.file_type, length=length
            )
            lines += (yield from self._show(said)).lines
            for warning in file.warnings or ():
                said = self._messages["warning"].format(warning=f"{file.filename}: {warning}")
                lines += (yield from self._show(said)).lines
        return Answer(lines=lines, files=added)

    def _show(self, line: str) -> Flow[Answer]:
        yield OutputLine(line)
        return Answer(lines=(line,))


class _AssistantBase:
    """What both assistants show of themselves."""

    _flows: _AssistantFlows

    @property
    def exported(self) -> Export | None:
        """The newest export, None as soon as something has changed since."""
        return self._flows.exported

    @property
    def destination(self) -> Path:
        """Where exports go."""
        return self._flows.destination

    @destination.setter
    def destination(self, path: Path) -> None:
        if path != self._flows.destination:
            self._flows.destination, self._flows.exported = path, None


class Assistant(_AssistantBase):
    """Answers messages with a client; exports go to `destination`.

    Raises what the client raises. An export is not made again while nothing has changed; it gets
    the next free name where an older file has that of `destination`, unless `overwrite` is given.
    """

    def __init__(self, client: Client, destination: str | Path, *, overwrite: bool = False) -> None:
        self._client = client
        self._flows = _AssistantFlows(client.workspace, Path(destination), overwrite)

    def reply(self, message: str) -> Answer:
        """Do what the message asks for; everything that came of it."""
        return self._client.run(self._flows.answer(message))

    def stream(self, message: str) -> Iterator[str]:
        """The lines of `reply`, each as soon as it is known."""
        return self._client.lines(self._flows.answer(message))

    def upload(self, *files: str | Path) -> Answer:
        """Add files and URLs; what they are."""
        return self._client.run(self._flows.upload(*files))

    def export(self) -> Answer:
        """Export the timeline to `destination`, unless that is done already."""
        return self._client.run(self._flows.export())


class AsyncAssistant(_AssistantBase):
    """Answers messages with an async client; exports go to `destination`.

    Raises what the client raises. An export is not made again while nothing has changed; it gets
    the next free name where an older file has that of `destination`, unless `overwrite` is given.
    """

    def __init__(
        self, client: AsyncClient, destination: str | Path, *, overwrite: bool = False
    ) -> None:
        self._client = client
        self._flows = _AssistantFlows(client.workspace, Path(destination), overwrite)

    async def reply(self, message: str) -> Answer:
        """Do what the message asks for; everything that came of it."""
        return await self._client.run(self._flows.answer(message))

    def stream(self, message: str) -> AsyncGenerator[str, None]:
        """The lines of `reply`, each as soon as it is known."""
        return self._client.lines(self._flows.answer(message))

    async def upload(self, *files: str | Path) -> Answer:
        """Add files and URLs; what they are."""
        return await self._client.run(self._flows.upload(*files))

    async def export(self) -> Answer:
        """Export the timeline to `destination`, unless that is done already."""
        return await self._client.run(self._flows.export())
