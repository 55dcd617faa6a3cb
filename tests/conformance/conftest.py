"""What the tests of the harness share: journals made by hand, and media made once."""

from collections.abc import Iterator
from typing import Any

import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.verdicts import Verdict
from tests.mutation.memoized_media import MemoizedMedia
from tests.support.journal_builder import JournalBuilder, VerdictOf
from tests.support.media import MediaCache


@pytest.fixture
def builder() -> JournalBuilder:
    """A journal in the making."""
    return JournalBuilder()


@pytest.fixture(scope="session")
def verdict() -> VerdictOf:
    """The verdict of one check, by its id."""

    def judge(check: str, journal: JournalBuilder | LoadedJournal, **options: Any) -> Verdict:
        made = journal.journal() if isinstance(journal, JournalBuilder) else journal
        return evaluate_journal(made, [client_catalogue()[check]], **options).verdicts[0]

    return judge


@pytest.fixture(scope="session")
def memoized_media(media_cache: MediaCache) -> MemoizedMedia:
    """What FFmpeg made for servers, of this run or of an earlier one."""
    return MemoizedMedia(media_cache.folder("memoized", lambda _: None))


@pytest.fixture
def memoized_servers(memoized_media: MemoizedMedia) -> Iterator[None]:
    """Servers of this process take what FFmpeg makes from there."""
    with memoized_media.patch_servers():
        yield
