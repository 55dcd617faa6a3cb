"""What must be true of a server's credits, rows and files, whatever was asked of it."""

from pathlib import Path

from nemolocal_server.server import Server

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


def require_no_debts(server: Server) -> None:
    """No balance is below zero, at any moment."""
    below = server.core.store.values(
        """SELECT token_id FROM ledger GROUP BY token_id
           HAVING sum(available) < 0 OR sum(frozen) < 0"""
    )
    assert below == []


def require_order(server: Server) -> None:
    """Where nothing runs, nothing is frozen or half done, and files and rows tell the same."""
    store = server.core.store
    require_no_debts(server)
    for question in _NONE_LEFT:
        assert store.values(question) == [], question
    assert store.values("PRAGMA integrity_check") == ["ok"]
    renders = store.values("SELECT file_id FROM renders WHERE status = 'completed'")
    assert _ids(store.renders) == sorted(renders)
    assert _ids(store.media) == sorted(store.values("SELECT id FROM assets"))
    assert _ids(store.work) == []
    _require_edits_are_paid_once(server)


def _require_edits_are_paid_once(server: Server) -> None:
    store = server.core.store
    edited = store.values(f"SELECT session_id FROM ({_PAID}) WHERE reason LIKE '%editing'")
    assert len(edited) == len(set(edited)), "a session has paid for editing twice"
    taken = store.values("SELECT hold_id FROM ledger WHERE kind = 'settle'")
    assert set(taken) == set(store.values(_PAID)), "something was paid that was not done"


def _ids(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())
