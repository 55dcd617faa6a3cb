"""The files that the tools may read: those in the folders that the user has opened to them."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .tool_errors import ToolError

SKILL_FILE = "SKILL.md"
MAX_BYTES = 1024 * 1024
"""The largest document in bytes."""
_NO_FOLDER = (
    "no folder is open to this tool: start `nemolocal mcp` with --folder DIR, or let the coding "
    "tool share its workspace as a root"
)


def root_folders(uris: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders of MCP roots; anything but a `file:` URI of this machine is left out."""
    parts = [urlsplit(uri) for uri in uris]
    return tuple(
        Path(url2pathname(part.path))
        for part in parts
        if part.scheme == "file" and part.netloc in ("", "localhost")
    )


def read_skill_file(name: str, folders: Sequence[Path]) -> tuple[Path, bytes]:
    """Return the path and the content of a SKILL.md, or of the one in a folder.

    Links are followed before the path is compared with the folders. Raises `ToolError` for a path
    outside of them, for anything but a regular file, and above 1 MiB.
    """
    if not folders:
        raise ToolError(_NO_FOLDER)
    path = _find(name, folders)
    if path.is_dir():
        path = _find(str(path / SKILL_FILE), folders)
    try:
        return path, _read(path)
    except OSError as error:
        raise ToolError(f"path: cannot read {name!r}: {_reason(error)}") from error


def _find(name: str, folders: Sequence[Path]) -> Path:
    """Return where a path really is, in the first folder that has it."""
    allowed = [Path(os.path.realpath(folder)) for folder in folders]
    try:
        real = [Path(os.path.realpath(folder / name)) for folder in allowed]
    except ValueError as error:  # a NUL
        raise ToolError(f"path: {name!r} is no path: {error}") from error
    inside = [path for path in real if any(path.is_relative_to(folder) for folder in allowed)]
    if not inside:
        shown = ", ".join(map(str, allowed))
        raise ToolError(f"path: {name!r} is outside of the open folders: use a path in {shown}")
    found = next((path for path in inside if path.exists()), None)
    if found is None:
        raise ToolError(f"path: file not found: {name!r}: check the name")
    return found


def _read(path: Path) -> bytes:
    # A named pipe would block without the flag, which Windows does not have.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError("it is larger than 1 MiB")
    return content


def _reason(error: OSError) -> str:
    return error.strerror.lower() if error.strerror else str(error)
