"""Records of a correct client: the journal of the server after a journey, on the lockstep clock."""

from collections.abc import Sequence

import msgspec

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_client_check
from nemolocal_conformance.traffic.client_grouping import group_by_client
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_contract.journal import Entry

from ..clients.client_fixture import client_fixture
from .journeys import Journey

_LATENCY = 0.02


class Recording(msgspec.Struct, frozen=True):
    """The entries of a journey in order; `fixed_job` as in `evaluate_journal`."""

    journey: str
    entries: tuple[Entry, ...]
    fixed_job: bool


def record(journey: Journey) -> Recording:
    """Play a journey and return what the server recorded."""
    with client_fixture(**journey.settings) as fixture:
        journey.run(fixture)
        journal = fixture.read_journal()
    entries = sorted(journal.entries, key=lambda entry: (entry.started, entry.id))
    return Recording(journey.name, with_latency(entries), journey.fixed_job)


def with_latency(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Let each request take a moment: on the lockstep clock it takes none, which hides its order.

    No client of the journeys sends two requests at once.
    """
    return tuple(
        msgspec.structs.replace(
            entry,
            started=entry.started + _LATENCY * number,
            ended=entry.ended + _LATENCY * (number + 1),
        )
        for number, entry in enumerate(entries)
    )


def bad_outcomes(recording: Recording) -> dict[str, str]:
    """Return the checks that do not pass, with "failed", "warning" (a SHOULD) or "error"."""
    journal = LoadedJournal(recording.entries)
    # Client and server wait by the same clock.
    logs = group_by_client(journal, speed=1.0, fixed_job=recording.fixed_job)
    found = (evaluate_client_check(check, logs) for check in client_catalogue().values())
    return {v.check: v.outcome for v in found if v.outcome in ("failed", "warning", "error")}
