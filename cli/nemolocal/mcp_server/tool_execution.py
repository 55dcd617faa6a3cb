"""Runs a tool: reads its arguments, calls it, and bounds what it returns."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .journal_tools import JournalTools
from .server_control import ServerControl
from .server_tools import ServerTools
from .skill_tools import check_skill_document, run_skill_document
from .tool_catalogue import Tool, offered_tools
from .tool_errors import ToolError

MAX_RESULT = 100_000
"""The longest result in bytes of JSON: more would fill the context of an agent."""


class ToolBox:
    """The tools of a session, and the server that they share.

    `folders` are those that the user has named; without any, those of each call count.
    """

    def __init__(self, control: ServerControl, folders: Sequence[Path] = ()) -> None:
        self._control = control
        self._folders = tuple(folders)
        self._server = ServerTools(control)
        self._journal = JournalTools(control)
        self.tools = {tool.name: tool for tool in offered_tools(server_is_given=control.is_given)}

    def needs_folders(self, name: str) -> bool:
        """Whether a tool reads files, and only the client can say from where."""
        return name in self.tools and self.tools[name].reads_files and not self._folders

    def run(
        self,
        name: str,
        arguments: dict[str, Any],
        folders: Sequence[Path] = (),
        ended: threading.Event | None = None,
    ) -> dict[str, Any]:
        """Return the result of a tool as a JSON object.

        `folders` are open to it if the user named none. `ended` is set when nobody waits any more.
        Raises `ToolError` for an unknown tool, for invalid arguments, and if the tool fails.
        """
        tool = self.tools.get(name)
        if tool is None:
            known = ", ".join(self.tools)
            raise ToolError(f"unknown tool {name!r}: choose from {known}")
        try:
            wanted = msgspec.convert(arguments, tool.arguments)
        except msgspec.ValidationError as error:
            raise ToolError(f"invalid arguments: {error}; see the input schema of {name}") from None
        opened = self._folders or tuple(folders)
        result = self._function(tool, opened, ended or threading.Event())(wanted)
        encoded = msgspec.json.encode(result)
        if len(encoded) > MAX_RESULT:
            raise ToolError(
                f"the result is too long ({len(encoded):,} bytes): ask for less, for instance with "
                "a smaller limit"
            )
        answer: dict[str, Any] = msgspec.json.decode(encoded)
        return answer

    def _function(
        self, tool: Tool, folders: tuple[Path, ...], ended: threading.Event
    ) -> Callable[[Any], msgspec.Struct]:
        if tool.name == "check_skill":
            return lambda wanted: check_skill_document(wanted, folders)
        if tool.name == "run_skill":
            return lambda wanted: run_skill_document(wanted, folders, ended)
        owner = self._server if hasattr(self._server, tool.name) else self._journal
        function: Callable[[Any], msgspec.Struct] = getattr(owner, tool.name)
        return function

    def close(self) -> None:
        """Stop the server of this process."""
        self._control.close()
