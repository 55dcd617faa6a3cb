"""The file of observations, which accumulates what recordings have shown of each rule."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from ..recording import Recording, assemble
from ..recording_file import RecordingUnreadable, read_lines
from .evaluation import Outcome, evaluate_recordings

_HASH_DIGITS = 16


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one recording shows of a rule.

    `day` is that of the recording in UTC, `recording` a hash of the file. Observed is another axis
    than the grade of a rule: it never changes the grade. `actual` is what contradicts the rule; it
    is left out of recordings that were made with texts.
    """

    rule: str
    outcome: Outcome
    day: str
    recording: str
    server: Literal["cloud", "other"]
    times_held: int = 0
    alternative: str = ""
    actual: str = ""


class RecordingSource(msgspec.Struct, frozen=True):
    """A recording and the hash of its file."""

    path: Path
    hash: str
    recording: Recording

    @classmethod
    def read(cls, path: Path) -> "RecordingSource":
        """Read a file; raises RecordingUnreadable."""
        found = assemble(read_lines(path))
        return cls(path, sha256(path.read_bytes()).hexdigest()[:_HASH_DIGITS], found)

    def observe(self) -> list[Observation]:
        """Return what it shows of each rule of which it shows something."""
        header = self.recording.header
        day = datetime.fromtimestamp(header.started, UTC).date().isoformat()
        return [
            Observation(
                one.rule,
                one.outcome,
                day,
                self.hash,
                header.server,
                one.times_held,
                one.alternative,
                "" if header.has_text else one.actual,
            )
            for one in evaluate_recordings([self.recording])
            if one.outcome != "not seen"
        ]


def read_observations(path: Path) -> list[Observation]:
    """Read the file, which may not exist; raises RecordingUnreadable."""
    try:
        rows = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordingUnreadable(f"cannot read {path}: {error.strerror}") from error
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(msgspec.json.decode(row, type=Observation))
        except msgspec.DecodeError as error:
            raise RecordingUnreadable(f"{path}, line {number}: {error}") from None
    return found


def add_observations(path: Path, sources: Iterable[RecordingSource]) -> list[Observation]:
    """Append what these recordings show, each recording once; return all observations."""
    known = read_observations(path)
    seen = {one.recording for one in known}
    for source in sources:
        if source.hash in seen:
            continue
        seen.add(source.hash)
        fresh = source.observe()
        with path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in fresh))
        known += fresh
    return known


def days_seen(observations: Iterable[Observation], rule: str, outcome: Outcome) -> int:
    """Return on how many days a rule had this outcome in the cloud: two or more are stable."""
    return len(
        {
            one.day
            for one in observations
            if (one.rule, one.outcome, one.server) == (rule, outcome, "cloud")
        }
    )
