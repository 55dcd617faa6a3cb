"""Local files: what is sent is readable, and what is asked for can be written."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from .errors import FileProblem

CHECK_NAME_REMEDY = "check the name and the folder"
_PERMISSIONS = "change its permissions, or choose another path"
_FULL = "free some space, or choose another disk"
# What helps where the system refuses a file, by the name of the error.
REMEDIES = {
    "EACCES": _PERMISSIONS,
    "EPERM": _PERMISSIONS,
    "ENOSPC": _FULL,
    "EDQUOT": _FULL,
    "ENAMETOOLONG": "choose a shorter name",
    "EMFILE": "close other files, or raise the limit (ulimit -n)",
    "EIO": "see to the disk, or choose another one",
}


def local_path(name: str | Path) -> Path:
    """A name as a path of this machine; `FileProblem` where no file can have it."""
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        encoded = b"\0"
    if not encoded:
        raise FileProblem("the file name is empty", remedy="name a file")
    if b"\0" in encoded:
        raise FileProblem(f"{str(name)!r} is no file name", remedy="name a file")
    return Path(name)


def upload_name(path: Path) -> str:
    """The name of a file as text: what of it is not UTF-8 becomes an underscore."""
    return os.fsencode(path.name).decode(errors="replace").replace("\ufffd", "_")


def file_size(path: Path) -> int:
    """Bytes of a file that can be sent, at least one; `FileProblem` says why it cannot be."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileProblem(f"{path} is a folder", remedy="name a file in it")
        if not stat.S_ISREG(mode):
            # Opening a pipe may wait for ever, and a device has no end.
            raise FileProblem(f"{path} is a device or a pipe", remedy="name a regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise FileProblem(f"file not found: {path}", remedy=CHECK_NAME_REMEDY) from None
    except OSError as error:
        raise file_problem(path, error) from error
    if not size:
        raise FileProblem(f"{path} is empty", remedy="name a file with something in it")
    return size


def part_path(destination: Path) -> Path:
    """Where a file is kept until it is whole: beside its destination, by a name that nobody knows.

    Nobody can have put anything there, such as a link to a file that is dear to somebody.
    """
    return destination.with_name(f".nemolocal-{secrets.token_hex(8)}.part")


def open_part_file(part: Path, *, append: bool) -> BinaryIO:
    """A part file, made anew, or as it is to be gone on with; a link is never followed."""
    flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if append:
        flags |= os.O_APPEND
    else:
        part.unlink(missing_ok=True)
        flags |= os.O_CREAT | os.O_EXCL
    return open(os.open(part, flags, 0o666), "ab" if append else "wb")


def file_problem(path: Path, error: OSError) -> FileProblem:
    """An error of the operating system as ours."""
    reason = (error.strerror or type(error).__name__).lower()
    remedy = REMEDIES.get(errno.errorcode.get(error.errno or 0, ""))
    return FileProblem(f"{path} cannot be used ({reason})", remedy=remedy)


def delete_part_file(part: Path) -> None:
    """Remove the rest of a download that did not complete."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
