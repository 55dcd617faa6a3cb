"""The file of observations in `nemolocal conform`: what a run adds to it, and what it shows."""

import argparse
import sys
from pathlib import Path

import msgspec

from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_contract.plurals import pluralize
from nemolocal_recording.learning.calibration import recorded_values
from nemolocal_recording.learning.check_observations import observe_report
from nemolocal_recording.learning.learned_values import learn_values
from nemolocal_recording.learning.observations import ServerKind, append_lines, read_lines_of
from nemolocal_recording.recording_file import RecordingUnreadable

from .errors import UsageError

_DEFAULT_FILE = "observations.jsonl"


def observations_file(arguments: argparse.Namespace) -> Path | None:
    """Return the file of --observations; for the cloud there is a default.

    Raises UsageError before anything is paid if it is not one.
    """
    given = arguments.observations
    if given is None:
        given = _DEFAULT_FILE if _server_kind(arguments.base_url) == "cloud" else ""
    if not given:
        return None
    try:
        read_lines_of(Path(given))
    except RecordingUnreadable as problem:
        raise UsageError(str(problem)) from None
    return Path(given)


def add_to_observations(
    path: Path, report: ConformanceReport, run: ConformanceReport
) -> ConformanceReport:
    """Add what a run has seen, and return the report with what all recordings of the cloud show.

    `run` is the part of the report that is of today: what an earlier run saw was added then.

    The run is over and may have been paid: a file that cannot be written is only told.
    """
    seen = observe_report(run, _server_kind(run.base_url))
    try:
        known = [*read_lines_of(path), *(append_lines(path, seen) if seen else ())]
    except (OSError, RecordingUnreadable) as error:
        print(f"nemolocal: nothing was added to {path}: {error}", file=sys.stderr)
        return report
    if seen:
        added = pluralize(len(seen), "observation")
        print(f"{added} added to {path}", file=sys.stderr)
    learned = learn_values(line for line in known if line.server == "cloud")
    values = tuple(recorded_values(learned, report.at[:10]))
    return msgspec.structs.replace(report, recorded_values=values)


def _server_kind(base_url: str | None) -> ServerKind:
    return "cloud" if (base_url or "").rstrip("/").lower() == CLOUD_BASE_URL else "other"
