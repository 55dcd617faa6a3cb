"""What belongs to a session is found by an index, in a data folder of any release."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.data.store import Store
from nemolocal_server.exports.export_service import ExportRepository
from nemolocal_server.inspection.draft_history import DraftHistory
from nemolocal_server.inspection.session_report import SessionReport
from nemolocal_server.journal.journal_repository import JournalQuery, JournalRepository
from nemolocal_server.journal.journal_search import JournalFilter, JournalSearch
from tests.support.older_folders import SESSION, make_older_folder

QUERIES: dict[str, Callable[[Store], object]] = {
    "journal": lambda store: list(
        JournalRepository(store).read_entries(JournalQuery(session=SESSION))
    ),
    "turns of the journal": lambda store: JournalRepository(store).store_turn_results([SESSION]),
    "journal page": lambda store: JournalSearch(store).page(
        JournalFilter(session=SESSION), until=9, offset=0, limit=50
    ),
    "journal count": lambda store: JournalSearch(store).count(
        JournalFilter(session=SESSION), until=9
    ),
    "renders": lambda store: SessionReport(
        store, JournalRepository(store), DraftHistory(store)
    ).renders_of_session(SESSION, ""),
    "newest render": lambda store: ExportRepository(store, ManualClock()).newest_completed(SESSION),
}


@pytest.fixture(params=["new folder", "older folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "older folder":
        make_older_folder(tmp_path, 3)
    with closing(Store(tmp_path)) as opened:
        yield opened


def statements_of(store: Store, query: Callable[[Store], object]) -> list[str]:
    """The SQL that a call of a repository runs, with its values."""
    seen: list[str] = []
    store._db.set_trace_callback(seen.append)
    query(store)
    store._db.set_trace_callback(None)
    return seen


@pytest.mark.parametrize("name", QUERIES)
def test_queries_by_session_use_an_index(store: Store, name: str) -> None:
    (sql,) = statements_of(store, QUERIES[name])
    steps = [row["detail"] for row in store._db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("_of_session (session_id=?" in step for step in steps), steps
