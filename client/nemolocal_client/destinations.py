"""Where an export is put: whole or not at all, and never over an input.

An older file is replaced only where that is asked for: else a number is added to the name
("film-2.mp4"). The file system itself sees to it that of two exports to one name the later one
gets the next number.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from .errors import FileProblem
from .input_files import InputFiles
from .local_files import file_problem, local_path, open_part_file, part_path

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
