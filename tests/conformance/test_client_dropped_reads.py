"""In a journal with dropped polls, no check fails for a call that may be among them."""

from collections.abc import Container

import msgspec
import pytest
from hypothesis import example, given, strategies as st

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import LoadedJournal
from tests.support.journal_builder import Build, JournalBuilder, VerdictOf

_READS = {"state", "balance", "render_status", "render_download", None}


def silent_turn(builder: JournalBuilder) -> JournalBuilder:
    return builder.start().chat(text="").wait(30).read_state("after")


def cut_turn(builder: JournalBuilder) -> JournalBuilder:
    return builder.start().chat(text="", ending="cut by fault").wait(30).read_state("after")


def export(builder: JournalBuilder) -> JournalBuilder:
    return builder.start().chat().export().download()


def a_day(builder: JournalBuilder) -> JournalBuilder:
    return export(cut_turn(silent_turn(builder)).wait(60))


def without_reads(journal: LoadedJournal, among: Container[int] = range(10**6)) -> LoadedJournal:
    """Drop some or all reading calls."""
    left = tuple(e for e in journal.entries if e.endpoint not in _READS or e.id not in among)
    return LoadedJournal(left, dropped=len(journal.entries) - len(left))


@pytest.mark.slow
@given(st.sampled_from([silent_turn, cut_turn, export, a_day]), st.sets(st.integers(1, 20)))
@example(a_day, set(range(20)))
def test_dropped_entries_fail_no_check(did: Build, among: set[int]) -> None:
    whole = did(JournalBuilder()).journal()
    rest = without_reads(whole, among)
    checks = list(client_catalogue().values())
    before, after = (evaluate_journal(journal, checks).verdicts for journal in (whole, rest))
    for full, gone in zip(before, after, strict=True):
        if full.outcome in ("passed", "not applicable"):
            assert gone.outcome not in ("failed", "warning"), gone


def test_violation_within_an_entry_is_reported_despite_gaps(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    journal = builder.start().chat(headers={"X-Skill-Source": ""}).read_state().journal()
    assert verdict("client.attribution", without_reads(journal)).outcome == "failed"


def test_full_journal_with_gaps_is_incomplete(builder: JournalBuilder) -> None:
    entry = builder.start().journal().entries[0]
    ids = [1, *range(3, 10_002)]
    lines = tuple(msgspec.structs.replace(entry, id=number) for number in ids)
    assert not LoadedJournal(lines).is_complete
    assert LoadedJournal(lines[:9_999]).is_complete
