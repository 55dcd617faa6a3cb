"""Writes the files of a report to the folder of `--report`."""

from collections.abc import Mapping
from pathlib import Path

from .errors import CommandError


def write_report_files(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write files by name; creates the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(data)
    except OSError as error:
        raise CommandError(
            f"cannot write the report to {folder}: {error.strerror}; choose another folder "
            "with --report"
        ) from error
