"""The TOML file of a server's settings, and where `nemolocal serve` looks for one."""

import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

FILE_NAME = "nemolocal.toml"
_PROJECT_FILE = "pyproject.toml"
_PROJECT_TABLE = "tool.nemolocal"


class SettingsFile(msgspec.Struct, frozen=True):
    """A TOML file; `table` is the dotted name of the table with the settings, "" the whole file."""

    path: Path
    table: str = ""

    def __str__(self) -> str:
        """The file as errors and `serve` name it."""
        return f"{self.path} [{self.table}]" if self.table else str(self.path)

    def read(self) -> dict[str, Any]:
        """Return the settings as they are in the file.

        Raises ValueError with the reason why the file cannot be read.
        """
        try:
            found = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"cannot read {self.path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self.path} is not valid TOML: {error}") from error
        for name in self.table.split(".") if self.table else ():
            found = found.get(name, {})
            if not isinstance(found, dict):
                raise ValueError(f"{self.path}: {self.table} must be a table")
        return found


def choose_settings_file(named: str | None) -> SettingsFile | None:
    """Return the file that was named, or else the one that is found from the current folder."""
    if named:
        return SettingsFile(Path(named))
    try:
        folder = Path.cwd()
    except OSError:  # it has been removed
        return None
    return find_settings_file(folder)


def find_settings_file(folder: Path) -> SettingsFile | None:
    """Return `nemolocal.toml` of a folder, or else the nearest pyproject.toml with settings.

    That is the first in the folder and those above it that has a table `[tool.nemolocal]`. Nothing
    else is read beside a `nemolocal.toml`. Above the folder, files of strangers are passed over:
    in /tmp anybody can put one.
    """
    own = folder / FILE_NAME
    if os.path.lexists(own):
        return SettingsFile(own)
    for parent in (folder, *folder.parents):
        file = SettingsFile(parent / _PROJECT_FILE, _PROJECT_TABLE)
        if _has_settings(file.path) and (parent == folder or _is_trusted(file.path, folder)):
            return file
    return None


def _is_trusted(file: Path, folder: Path) -> bool:
    """Whether a file belongs to this user, to root or to the owner of the folder."""
    if not hasattr(os, "geteuid"):
        return True
    return file.stat().st_uid in (os.geteuid(), 0, folder.stat().st_uid)


def _has_settings(project: Path) -> bool:
    """Whether a pyproject.toml has our table; one that cannot be read has none.

    One that is not valid TOML counts if it mentions the table, so that its error is reported.
    """
    try:
        text = project.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        tools = tomllib.loads(text).get("tool", {})
    except (ValueError, RecursionError):
        return _PROJECT_TABLE in text
    return isinstance(tools, dict) and "nemolocal" in tools
