"""The file of observations, which accumulates what was seen of rules and of values, run by run."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ..recording import Recording, assemble
from ..recording_file import RecordingUnreadable, read_lines
from .evaluation import Outcome, evaluate_recordings
from .traffic_view import TrafficView
from .values import SILENT_EDITS, Unit, measured_values, silent_edits
from .variants import seen_variants

_HASH_DIGITS = 16
STABLE_DAYS = 2
"""What was seen on so many days is stable."""

ServerKind = Literal["cloud", "other"]
Day = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\d\Z")]


class Observation(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="line", tag="rule"):
    """What one recording, or a check of one run of `conform`, shows of a rule.

    `day` is that of the recording in UTC, `recording` a hash of the file, or of the report of the
    run. Observed is another axis than the grade of a rule: it never changes the grade. `actual` is
    what contradicts the rule; it is left out of recordings that were made with texts. `check` is
    the check of `conform`.
    """

    rule: str
    outcome: Outcome
    day: Day
    recording: str
    server: ServerKind
    times_held: int = 0
    alternative: str = ""
    actual: str = ""
    check: str = ""


class ValueObservation(msgspec.Struct, frozen=True, tag_field="line", tag="value"):
    """All that one recording shows of a value, such as the seconds of each edit."""

    name: str
    unit: Unit
    seen: tuple[float, ...]
    day: Day
    recording: str
    server: ServerKind


class CountObservation(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="line", tag="count"
):
    """How often one recording shows one of several variants, such as edits with and without text.

    `name` is a field of a dialect, or `silent edits` with the variants `silent` and `text`. With
    `is_run` it is a run of `conform` that shows it.
    """

    name: str
    variant: str
    count: int
    day: Day
    recording: str
    server: ServerKind
    is_run: bool = False


ObservationLine = Observation | ValueObservation | CountObservation


class RecordingSource(msgspec.Struct, frozen=True):
    """A recording and the hash of its file."""

    path: Path
    hash: str
    recording: Recording

    @classmethod
    def read(cls, path: Path) -> "RecordingSource":
        """Read a file; raises RecordingUnreadable."""
        found = assemble(read_lines(path))
        return cls(path, hash_of(path.read_bytes()), found)

    def observe(self) -> list[ObservationLine]:
        """Return what it shows of each rule and value of which it shows something."""
        view = TrafficView(self.recording)
        header = self.recording.header
        origin = (day_of(header.started), self.hash, header.server)
        silent, edits = silent_edits([view])
        counts = {(SILENT_EDITS, "silent"): silent, (SILENT_EDITS, "text"): edits - silent}
        counts |= seen_variants(view)
        return [
            *self._rules(origin),
            *(
                ValueObservation(name, unit, tuple(held), *origin)
                for (name, unit), held in measured_values(view).items()
            ),
            *(
                CountObservation(name, variant, count, *origin)
                for (name, variant), count in counts.items()
                if count
            ),
        ]

    def _rules(self, origin: tuple[str, str, ServerKind]) -> list[Observation]:
        return [
            Observation(
                one.rule,
                one.outcome,
                *origin,
                one.times_held,
                one.alternative,
                "" if self.recording.header.has_text else one.actual,
            )
            for one in evaluate_recordings([self.recording])
            if one.outcome != "not seen"
        ]


def hash_of(content: bytes) -> str:
    """Return the hash by which a recording or a report is known in the file."""
    return sha256(content).hexdigest()[:_HASH_DIGITS]


def day_of(seconds: float) -> str:
    """Return the day, in UTC, of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def read_lines_of(path: Path) -> list[ObservationLine]:
    """Read the file, which may not exist; a torn last line is left out.

    Raises RecordingUnreadable.
    """
    try:
        rows = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordingUnreadable(f"cannot read {path}: {error.strerror}") from error
    rows.pop()
    decoder = msgspec.json.Decoder(ObservationLine)
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(decoder.decode(row))
        except (msgspec.DecodeError, RecursionError) as error:
            raise RecordingUnreadable(f"{path}, line {number}: {error}") from None
    return found


def read_observations(path: Path) -> list[Observation]:
    """Return what was seen of rules, [] if there is no file; raises RecordingUnreadable."""
    return [one for one in read_lines_of(path) if isinstance(one, Observation)]


def add_observations(path: Path, sources: Iterable[RecordingSource]) -> list[ObservationLine]:
    """Append what these recordings show, each recording once; return all that is in the file."""
    known = read_lines_of(path)
    seen = {one.recording for one in known}
    for source in sources:
        if source.hash not in seen:
            seen.add(source.hash)
            known += append_lines(path, source.observe())
    return known


def append_lines(path: Path, lines: Iterable[ObservationLine]) -> list[ObservationLine]:
    """Append lines, all or none, after a torn one was removed; return them. Raises OSError."""
    added = list(lines)
    content = b"".join(msgspec.json.encode(one) + b"\n" for one in added)
    with path.open("a+b") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(path, whole)
            raise
    return added


def days_seen(observations: Iterable[Observation], rule: str, outcome: Outcome) -> int:
    """Return on how many days a rule had this outcome in the cloud: two or more are stable."""
    return len(
        {
            one.day
            for one in observations
            if (one.rule, one.outcome, one.server) == (rule, outcome, "cloud")
        }
    )
