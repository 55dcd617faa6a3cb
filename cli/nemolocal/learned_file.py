"""Writes `learned.toml`: the settings of `nemolocal serve` that follow what was seen."""

import os
from collections.abc import Sequence
from pathlib import Path

from nemolocal_contract.clock import WallClock
from nemolocal_recording.learning.learned_settings import FIRST_LINE, learned_toml
from nemolocal_recording.learning.learned_values import learn_values
from nemolocal_recording.learning.observations import (
    ObservationLine,
    RecordingSource,
    day_of,
)

from .errors import CommandError, UsageError

_CLOUD = "the cloud"
_OTHER = "not the cloud: these values say nothing about it"


def require_replaceable(path: Path) -> None:
    """Raise UsageError for a file that `nemolocal learn` has not written."""
    try:
        with path.open("rb") as file:
            first = file.readline(len(FIRST_LINE) + 2)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if first.strip() != FIRST_LINE.encode():
        raise UsageError(
            f"{path} was not written by `nemolocal learn` and is kept: choose another file with "
            "--settings"
        )


def write_learned_settings(
    path: Path, lines: Sequence[ObservationLine], sources: Sequence[RecordingSource]
) -> None:
    """Write the settings, or leave the file as it was; raises CommandError.

    They follow all observations of the cloud, but if no recording is of the cloud, these recordings
    only: other servers need not be the same one.
    """
    is_cloud = any(source.recording.header.server == "cloud" for source in sources)
    hashes = {source.hash for source in sources}
    chosen = [
        line for line in lines if (line.server == "cloud" if is_cloud else line.recording in hashes)
    ]
    server, today = _CLOUD if is_cloud else _OTHER, day_of(WallClock().time())
    text = learned_toml(learn_values(chosen), server, today)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error
