"""The files that a command line names: what goes in is there, what comes out hurts none of it."""

import os
from collections.abc import Sequence
from pathlib import Path

from nemolocal_client import check_destination
from nemolocal_client.files import file_size, local_path
from nemolocal_client.texts import sendable

from .problem import Problem


def is_url(name: str) -> bool:
    """Whether an INPUT is fetched by the server."""
    return name.lower().startswith(("http://", "https://"))


def check_inputs(names: Sequence[str]) -> None:
    """Raise `Problem` or `FileProblem` for the first INPUT that cannot be uploaded."""
    for name in names:
        if is_url(name):
            sendable(name, "the URL")
            continue
        if name and not os.path.lexists(name):
            raise Problem(f"{name} is no file: check the path")
        file_size(local_path(name))


def chosen_output(output: str | None, default: Path, inputs: Sequence[str]) -> Path:
    """Where a film goes: what -o names, which must be no INPUT, else the default.

    The export itself finds a number for a default name that is an INPUT's.
    """
    if output is None:
        check_destination(default)
        return default
    path = local_path(output)
    check_destination(path, inputs=inputs)
    return path
