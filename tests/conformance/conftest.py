"""Fixtures of the harness tests: journals built by hand, and memoized media."""

from typing import Any

import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.verdicts import Verdict
from tests.support.journal_builder import JournalBuilder, VerdictOf


@pytest.fixture
def builder() -> JournalBuilder:
    """A journal builder."""
    return JournalBuilder()


@pytest.fixture(scope="session")
def verdict() -> VerdictOf:
    """Evaluate one check by its id."""

    def judge(check: str, journal: JournalBuilder | LoadedJournal, **options: Any) -> Verdict:
        created = journal.journal() if isinstance(journal, JournalBuilder) else journal
        return evaluate_journal(created, [client_catalogue()[check]], **options).verdicts[0]

    return judge
