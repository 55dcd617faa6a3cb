"""What must be true of a server's credits, rows and files, whatever was asked of it."""

from pathlib import Path

from nemolocal_server.services import Services

# Nothing of these is left where nothing runs.
_NONE_LEFT = (
    "SELECT token_id FROM ledger GROUP BY token_id HAVING sum(frozen) <> 0",
    "SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN"
    " (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL)",
    "SELECT number FROM turns WHERE status = 'running'",
    "SELECT number FROM edits WHERE waiting",
    "SELECT id FROM renders WHERE status NOT IN ('completed', 'failed')",
    "PRAGMA foreign_key_check",
)
_PAID = """
SELECT hold.id, turns.session_id, hold.reason FROM turns
JOIN ledger AS hold ON hold.id = turns.hold_id
JOIN ledger AS answer ON answer.hold_id = hold.id
WHERE turns.status = 'done' AND answer.kind = 'settle'
"""


def assert_no_negative_balance(server: Services) -> None:
    """No balance is below zero, at any moment."""
    below = server.context.store.fetch_column(
        """SELECT token_id FROM ledger GROUP BY token_id
           HAVING sum(available) < 0 OR sum(frozen) < 0"""
    )
    assert below == []


def assert_consistent(server: Services) -> None:
    """Where nothing runs, nothing is frozen or half done, and files and rows tell the same."""
    store = server.context.store
    assert_no_negative_balance(server)
    for question in _NONE_LEFT:
        assert store.fetch_column(question) == [], question
    assert store.fetch_column("PRAGMA integrity_check") == ["ok"]
    renders = store.fetch_column("SELECT file_id FROM renders WHERE status = 'completed'")
    assert _ids(store.renders) == sorted(renders)
    assert _ids(store.media) == sorted(store.fetch_column("SELECT id FROM assets"))
    assert _ids(store.work) == []
    _require_edits_are_paid_once(server)


def _require_edits_are_paid_once(server: Services) -> None:
    store = server.context.store
    edited = store.fetch_column(f"SELECT session_id FROM ({_PAID}) WHERE reason LIKE '%editing'")
    assert len(edited) == len(set(edited)), "a session has paid for editing twice"
    taken = store.fetch_column("SELECT hold_id FROM ledger WHERE kind = 'settle'")
    assert set(taken) == set(store.fetch_column(_PAID)), "something was paid that was not done"


def _ids(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())
