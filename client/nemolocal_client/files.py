"""Local files: what is sent is readable, and what is asked for can be written."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

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
        raise FileProblem(f"{path} is a folder", remedy="name a file in it")
    folder = path.parent
    if not os.path.isdir(folder):
        raise FileProblem(f"the folder {folder} does not exist", remedy="make it first")
    part = part_of(path)
    try:
        # A name may be too long, or none that this file system takes.
        with contextlib.suppress(FileNotFoundError):
            path.lstat()
        open_part(part, append=False).close()
        part.unlink()
    except OSError as error:
        raise file_problem(path, error) from error


def part_of(destination: Path) -> Path:
    """Where a file is kept until it is whole: beside its destination, by a name that nobody knows.

    Nobody can have put anything there, such as a link to a file that is dear to somebody.
    """
    return destination.with_name(f".nemolocal-{secrets.token_hex(8)}.part")


def open_part(part: Path, *, append: bool) -> BinaryIO:
    """A part file, made anew, or as it is to be gone on with; a link is never followed."""
    flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if append:
        flags |= os.O_APPEND
    else:
        part.unlink(missing_ok=True)
        flags |= os.O_CREAT | os.O_EXCL
    return open(os.open(part, flags, 0o666), "ab" if append else "wb")


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
