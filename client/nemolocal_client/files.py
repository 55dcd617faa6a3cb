"""Local files: what is sent is readable, and what is asked for can be written."""

import contextlib
import os
from pathlib import Path

from .errors import FileProblem


def file_size(path: Path) -> int:
    """Bytes of a file that can be read; `FileProblem` says why it cannot."""
    if os.path.isdir(path):
        raise FileProblem(f"{path} is a folder", remedy="name a file in it")
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise FileProblem(f"{path} does not exist", remedy="check the path") from None
    except OSError as error:
        raise file_problem(path, error) from error


def check_destination(path: Path) -> None:
    """See that a file can be written at `path`; nothing there is touched (CLI-8)."""
    if os.path.isdir(path):
        raise FileProblem(f"{path} is a folder", remedy="name a file in it with -o")
    folder = path.parent
    if not os.path.isdir(folder):
        raise FileProblem(f"the folder {folder} does not exist", remedy="make it first")
    part = path.with_name(f"{path.name}.part")
    try:
        part.open("wb").close()
        part.unlink()
    except OSError as error:
        raise file_problem(path, error) from error


def put_in_place(part: Path, destination: Path) -> None:
    """Rename a complete file, replacing what is there."""
    try:
        part.replace(destination)
    except OSError as error:
        raise file_problem(destination, error) from error


def file_problem(path: Path, error: OSError) -> FileProblem:
    """An error of the operating system as ours."""
    reason = (error.strerror or type(error).__name__).lower()
    return FileProblem(f"{path} cannot be used ({reason})")


def discard(part: Path) -> None:
    """Remove the rest of a download that did not complete."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
