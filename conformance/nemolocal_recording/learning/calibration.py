"""The values of the calibration card that recordings of the cloud show."""

from collections.abc import Iterator, Mapping

from nemolocal_conformance.verdicts import RecordedValue

from .learned_values import LearnedCounts, LearnedValue, LearnedValues
from .values import (
    FIRST_EDIT,
    GENERATION_PRICE,
    HEARTBEATS,
    RENDER_TIME,
    SILENT_EDITS,
)

RECORDED_ASSUMPTIONS: Mapping[str, str] = {
    "share of edits that close silently": SILENT_EDITS,
    "heartbeat interval": HEARTBEATS,
    "length of a talk turn": "turn: talk",
    "length of an edit": "turn: edit",
    "length of a generation": "turn: generation",
    "price of editing, once a session": FIRST_EDIT,
    "price of a generated clip": GENERATION_PRICE,
    "length of a cloud render": RENDER_TIME,
}
"""The names of assumptions, and the values that recordings show of them."""


def recorded_values(learned: LearnedValues, today: str) -> Iterator[RecordedValue]:
    """Yield the values that were seen; `today` is a day as `2026-01-31`."""
    for assumption, name in RECORDED_ASSUMPTIONS.items():
        seen: LearnedValue | LearnedCounts | None
        seen = learned.values.get(name) or learned.counts.get(name)
        if seen is not None:
            origin = seen.origin
            yield RecordedValue(
                assumption, seen.describe(), origin.source, origin.describe_age(today)
            )
