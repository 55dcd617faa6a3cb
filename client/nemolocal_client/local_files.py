"""Local files: what is sent is readable, and what is asked for can be written."""

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


class FileIdentity(msgspec.Struct, frozen=True):
    """A file: its real path, device and inode, and its size in bytes and time of change (ns)."""

    path: str
    device: int
    inode: int
    size: int
    changed: int


class InputFiles:
    """Files that were named to be uploaded."""

    def __init__(self, paths: Iterable[str | Path] = ()) -> None:
        self._known: set[FileIdentity] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str | Path) -> None:
        """Remember a file; what is no file here, such as a URL, is none."""
        found = file_identity(path)
        if found is not None:
            self.add_identities([found])

    def add_identities(self, files: Iterable[FileIdentity]) -> None:
        """Remember files, as they were when they were uploaded."""
        self._known.update(files)

    def contains(self, path: Path) -> bool:
        """Whether what lies at `path` now is one of them."""
        found = file_identity(path)
        return found is not None and any(_is_same_file(known, found) for known in self._known)


def file_identity(path: str | Path) -> FileIdentity | None:
    """What lies at a path, links followed; None where nothing does."""
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
    # The inode of a file that is gone may be given to another one.
    unchanged = (known.size, known.changed) == (found.size, found.changed)
    return unchanged or _still_exists(known)


def _still_exists(known: FileIdentity) -> bool:
    now = file_identity(known.path)
    return now is not None and (now.device, now.inode) == (known.device, known.inode)


_MAX_NAME_BYTES = 255


def check_destination(path: str | Path, *, inputs: Iterable[str | Path] = ()) -> None:
    """See that a film can be written at `path`, and that this is none of the `inputs`.

    Nothing there is touched. An older file may be there. Raises `FileProblem`.
    """
    choose_destination(local_path(path), InputFiles(inputs), overwrite=True, number_inputs=False)


def choose_destination(
    path: Path, inputs: InputFiles, *, overwrite: bool, number_inputs: bool
) -> Path:
    """Where a film for `path` would be put now; `FileProblem` where it cannot be.

    An input is refused, or passed by as any other file with `number_inputs`.
    """
    _check_writable(path)
    if inputs.contains(path) and not number_inputs:
        raise FileProblem(f"{path} would be overwritten", remedy="name another file")
    for candidate in _numbered_paths(path):
        if not _exists(candidate) or _may_replace(candidate, path, inputs, overwrite):
            return candidate
    raise AssertionError("numbers do not end")


def move_into_place(part: Path, path: Path, inputs: InputFiles, *, overwrite: bool) -> Path:
    """Give a complete file its name, or the next one that is free; where it is now."""
    for candidate in _numbered_paths(path):
        try:
            # What was free or replaceable when the export began may be an input by now.
            if _may_replace(candidate, path, inputs, overwrite):
                part.replace(candidate)
            else:
                _rename_without_replacing(part, candidate)
        except FileExistsError:
            continue
        except OSError as error:
            raise file_problem(candidate, error) from error
        return candidate
    raise AssertionError("numbers do not end")


def _check_writable(path: Path) -> None:
    """See that files can be made beside `path`, and that it is no folder and no device."""
    if os.path.isdir(path):
        raise FileProblem(f"{path} is a folder", remedy="name a file in it")
    folder = path.parent
    if not os.path.isdir(folder):
        raise FileProblem(f"the folder {folder} does not exist", remedy="make it first")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileProblem(f"{path} is a device or a pipe", remedy="name a regular file")
    part = part_path(path)
    try:
        # A name may be too long, or none that this file system takes.
        with contextlib.suppress(FileNotFoundError):
            path.lstat()
        open_part_file(part, append=False).close()
        part.unlink()
    except OSError as error:
        raise file_problem(path, error) from error


def _may_replace(candidate: Path, path: Path, inputs: InputFiles, overwrite: bool) -> bool:
    """Only the file that was named is replaced, never one that merely has the next number."""
    return overwrite and candidate == path and not inputs.contains(candidate)


def _exists(path: Path) -> bool:
    """Whether something has the name, a link to nothing too."""
    return os.path.lexists(path)


def _numbered_paths(path: Path) -> Iterator[Path]:
    """The path itself, then with 2, 3 and so on at the end of its stem."""
    yield path
    for number in count(2):
        stem, ending = path.stem, f"-{number}{path.suffix}"
        while stem and len(os.fsencode(stem + ending)) > _MAX_NAME_BYTES:
            stem = stem[:-1]
        yield path.with_name(stem + ending)


def _rename_without_replacing(part: Path, destination: Path) -> None:
    """Rename in one step that fails with `FileExistsError` where the name is taken."""
    if os.name == "nt":
        # There, a rename replaces nothing.
        part.rename(destination)
        return
    try:
        os.link(part, destination, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links; what else is wrong shows again.
        _rename_over_placeholder(part, destination)
    else:
        part.unlink()


def _rename_over_placeholder(part: Path, destination: Path) -> None:
    """The same without hard links: an empty file of ours keeps the name meanwhile."""
    os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        part.replace(destination)
    except BaseException:
        destination.unlink(missing_ok=True)
        raise
