"""The lines that `nemolocal verdict` and `nemolocal exec --verdict` print about a client."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from nemolocal_conformance.reports.report_text import (
    OUTCOME_ORDER,
    entry_list,
    sort_by_outcome,
    verdict_reason,
)
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.generations import GENERATION_2, client_generation
from nemolocal_contract.journal import Entry
from nemolocal_contract.plurals import pluralize

_UNREPORTED = ("passed", "not applicable")
_MAX_IDS = 12


def report_lines(
    report: ConformanceReport, name: str, entries: int, simulated: int = 0, generation_2: int = 0
) -> Iterator[str]:
    """Return the findings as lines, the worst first; `name` is the name of the journal.

    `simulated` is the number of turns with a simulated edit, `generation_2` that of calls of the
    vendor's newer interface, which no check judges.
    """
    for verdict in sort_by_outcome(report):
        if verdict.outcome not in _UNREPORTED:
            yield _line(verdict)
    if simulated:
        yield f"{pluralize(simulated, 'turn')} simulated: the local server did not understand them"
    if generation_2:
        yield f"not judged: {pluralize(generation_2, 'call')} of {GENERATION_2}"
    yield _summary(report, name, entries)


def count_simulated(entries: Iterable[Entry]) -> int:
    """Return the number of turns with a simulated edit."""
    return sum(entry.turn is not None and entry.turn.is_simulated for entry in entries)


def count_generation_2(entries: Iterable[Entry]) -> int:
    """Return the number of calls of the vendor's newer interface."""
    return sum(
        client_generation(entry.method, urlsplit(entry.url).path, entry.request_headers) == 2
        for entry in entries
    )


def _line(verdict: Verdict) -> str:
    """Return a line such as `failed client.resend: why (entries 5, 6; 50 credits in the cloud)`."""
    notes = [entry_list(verdict.entries, _MAX_IDS)] if verdict.entries else []
    notes += [f"{pluralize(verdict.credits, 'credit')} in the cloud"] if verdict.credits else []
    details = f" ({'; '.join(notes)})" if notes else ""
    return f"{verdict.outcome} {verdict.check}: {verdict_reason(verdict)}{details}"


def _summary(report: ConformanceReport, name: str, entries: int) -> str:
    counts = [f"{n} {outcome}" for outcome in OUTCOME_ORDER if (n := report.count(outcome))]
    cost = sum(verdict.credits for verdict in report.verdicts)
    lost = f"; {pluralize(cost, 'credit')} lost in the cloud" if cost else ""
    checks = pluralize(len(report.verdicts), "check")
    seen = pluralize(entries, "entry", "entries")
    return f"{checks}: {', '.join(counts)}{lost} ({name}, {seen})"
