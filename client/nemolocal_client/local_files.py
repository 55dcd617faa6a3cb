"""Local files: inputs to read, and destinations that never overwrite an input.

An existing file is replaced only on request; otherwise a number is added to the name
("film-2.mp4"). If two exports race for one name, the file system gives the later one the next
number. Inputs are recognised by real path and by inode, so that links and other spellings count.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

import msgspec

from .errors import FileProblem

CHECK_NAME_REMEDY = "check the name and the folder"
_PERMISSIONS = "change its permissions, or choose another path"
_FULL = "free some space, or choose another disk"
# Remedies by the name of the system's error.
REMEDIES = {
    "EACCES": _PERMISSIONS,
    "EPERM": _PERMISSIONS,
    "ENOSPC": _FULL,
    "EDQUOT": _FULL,
    "ENAMETOOLONG": "choose a shorter name",
    "EMFILE": "close other files, or raise the limit (ulimit -n)",
    "EIO": "check the disk, or choose another one",
}
_MAX_NAME_BYTES = 255


def local_path(name: str | Path) -> Path:
    """Return a name as a local path; raises `FileProblem` if a file cannot have it."""
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        encoded = b"\0"
    if not encoded:
        raise FileProblem("the file name is empty", remedy="give a file name")
    if b"\0" in encoded:
        raise FileProblem(f"{str(name)!r} is not a file name", remedy="give a file name")
    return Path(name)


def upload_name(path: Path) -> str:
    """Return the name of a file as text; bytes that are not UTF-8 become underscores."""
    return os.fsencode(path.name).decode(errors="replace").replace("\ufffd", "_")


def file_size(path: Path) -> int:
    """Return the size in bytes of a readable, non-empty file; raises `FileProblem`."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileProblem(f"{path} is a folder", remedy="choose a file in it")
        if not stat.S_ISREG(mode):
            # Opening a pipe may block for ever, and a device has no end.
            raise FileProblem(f"{path} is a device or a pipe", remedy="choose a regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise FileProblem(f"file not found: {path}", remedy=CHECK_NAME_REMEDY) from None
    except OSError as error:
        raise file_problem(path, error) from error
    if not size:
        raise FileProblem(f"{path} is empty", remedy="choose a file that has content")
    return size


def part_path(destination: Path) -> Path:
    """Return a random path beside the destination for a file until it is complete.

    As nobody can guess the name, nobody can have put a link to another file there.
    """
    return destination.with_name(f".nemolocal-{secrets.token_hex(8)}.part")


def open_part_file(part: Path, *, append: bool) -> BinaryIO:
    """Open a part file, new or to append to; links are never followed."""
    flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if append:
        flags |= os.O_APPEND
    else:
        part.unlink(missing_ok=True)
        flags |= os.O_CREAT | os.O_EXCL
    return open(os.open(part, flags, 0o666), "ab" if append else "wb")


def file_problem(path: Path, error: OSError) -> FileProblem:
    """Return the `FileProblem` for an error of the operating system."""
    reason = (error.strerror or type(error).__name__).lower()
    remedy = REMEDIES.get(errno.errorcode.get(error.errno or 0, ""))
    return FileProblem(f"{path} cannot be used ({reason})", remedy=remedy)


def delete_part_file(part: Path) -> None:
    """Delete the part file of an incomplete download."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


class FileIdentity(msgspec.Struct, frozen=True):
    """A file: its real path, device and inode, its size in bytes and modification time (ns)."""

    path: str
    device: int
    inode: int
    size: int
    changed: int


class InputFiles:
    """The files that were uploaded or will be."""

    def __init__(self, paths: Iterable[str | Path] = ()) -> None:
        self._known: set[FileIdentity] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str | Path) -> None:
        """Add a file; names that are not local files, such as URLs, are ignored."""
        found = file_identity(path)
        if found is not None:
            self.add_identities([found])

    def add_identities(self, files: Iterable[FileIdentity]) -> None:
        """Add files as they were when they were uploaded."""
        self._known.update(files)

    def contains(self, path: Path) -> bool:
        """Whether the file at `path` is one of them."""
        found = file_identity(path)
        return found is not None and any(_is_same_file(known, found) for known in self._known)


def file_identity(path: str | Path) -> FileIdentity | None:
    """Return the file at a path, links followed; None if there is none."""
    try:
        status = os.stat(path)
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return None
    return FileIdentity(real, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _is_same_file(known: FileIdentity, found: FileIdentity) -> bool:
    if known.path == found.path:
        return True
    if not found.inode or (known.device, known.inode) != (found.device, found.inode):
        return False
    # The inode of a deleted file may be reused.
    unchanged = (known.size, known.changed) == (found.size, found.changed)
    return unchanged or _still_exists(known)


def _still_exists(known: FileIdentity) -> bool:
    now = file_identity(known.path)
    return now is not None and (now.device, now.inode) == (known.device, known.inode)


def check_destination(path: str | Path, *, inputs: Iterable[str | Path] = ()) -> None:
    """Check that an export can be written at `path`, and that it is not one of the `inputs`.

    An existing file is allowed and left alone. Raises `FileProblem`.
    """
    choose_destination(local_path(path), InputFiles(inputs), overwrite=True, number_inputs=False)


def choose_destination(
    path: Path, inputs: InputFiles, *, overwrite: bool, number_inputs: bool
) -> Path:
    """Return the path that an export to `path` would get now; raises `FileProblem`.

    If `path` is an input, it is refused, or gets a number with `number_inputs`.
    """
    _check_writable(path)
    if inputs.contains(path) and not number_inputs:
        raise FileProblem(
            f"{path} is an input and would be overwritten", remedy="choose another name"
        )
    return next(
        candidate
        for candidate in _numbered_paths(path)
        if not _exists(candidate) or _may_replace(candidate, path, inputs, overwrite)
    )


def move_into_place(part: Path, path: Path, inputs: InputFiles, *, overwrite: bool) -> Path:
    """Rename a complete file to `path` or the next free name; return its path."""
    candidates = _numbered_paths(path)
    while True:
        candidate = next(candidates)
        try:
            # A name that was free when the export began may be an input by now.
            if _may_replace(candidate, path, inputs, overwrite):
                part.replace(candidate)
            else:
                _rename_without_replacing(part, candidate)
        except FileExistsError:
            continue
        except OSError as error:
            raise file_problem(candidate, error) from error
        return candidate


def _check_writable(path: Path) -> None:
    """Check that files can be created beside `path`, and that it is not a folder or a device."""
    if os.path.isdir(path):
        raise FileProblem(f"{path} is a folder", remedy="choose a file in it")
    folder = path.parent
    if not os.path.isdir(folder):
        raise FileProblem(f"folder not found: {folder}", remedy="create it first")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileProblem(f"{path} is a device or a pipe", remedy="choose a regular file")
    part = part_path(path)
    try:
        # The name may be too long or invalid for this file system.
        with contextlib.suppress(FileNotFoundError):
            path.lstat()
        open_part_file(part, append=False).close()
        part.unlink()
    except OSError as error:
        raise file_problem(path, error) from error


def _may_replace(candidate: Path, path: Path, inputs: InputFiles, overwrite: bool) -> bool:
    """Only the named file may be replaced, never one with a number."""
    return overwrite and candidate == path and not inputs.contains(candidate)


def _exists(path: Path) -> bool:
    """Whether the name is taken, also by a broken link."""
    return os.path.lexists(path)


def _numbered_paths(path: Path) -> Iterator[Path]:
    """Yield the path itself, then with -2, -3 and so on at the end of its stem, without end."""
    yield path
    numbers = count(2)
    while True:
        number = next(numbers)
        stem, ending = path.stem, f"-{number}{path.suffix}"
        while stem and len(os.fsencode(stem + ending)) > _MAX_NAME_BYTES:
            stem = stem[:-1]
        yield path.with_name(stem + ending)


def _rename_without_replacing(part: Path, destination: Path) -> None:
    """Rename atomically; raises `FileExistsError` if the name is taken."""
    if os.name == "nt":
        # On Windows a rename never replaces a file.
        part.rename(destination)
        return
    try:
        os.link(part, destination, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links; other errors show up again below.
        _rename_over_placeholder(part, destination)
    else:
        part.unlink()


def _rename_over_placeholder(part: Path, destination: Path) -> None:
    """Do the same without hard links: an empty file reserves the name."""
    os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        part.replace(destination)
    except BaseException:
        destination.unlink(missing_ok=True)
        raise
