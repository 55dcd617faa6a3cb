"""Forgetting: one token's namespace, or everything (the token is the namespace)."""

from . import data_folder
from .assets import Assets
from .store import Store
from .tokens import Token

# What belongs to a token and to its sessions, in the order in which it can go.
_RENDERS = ("render_faults", "renders")
_OF_SESSION = ("claims", "edits", "turns", "drafts", "assets")
_OF_TOKEN = ("sessions", "journal")


class Namespaces:
    """Deletes rows, and the files that they stood for."""

    def __init__(self, store: Store, assets: Assets) -> None:
        self._store = store
        self._assets = assets

    def sessions(self, token: Token) -> list[str]:
        """The ids of the token's sessions."""
        return self._store.values("SELECT id FROM sessions WHERE token_id = :id", id=token.id)

    def forget(self, token: Token) -> None:
        """All that the token's owner did; the token stays, with the credits that it was granted."""
        store = self._store
        ours = "(SELECT id FROM sessions WHERE token_id = :id)"
        with store.transaction():
            for table in _RENDERS:
                store.execute(f"DELETE FROM {table} WHERE token_id = :id", id=token.id)
            for table in _OF_SESSION:
                store.execute(f"DELETE FROM {table} WHERE session_id IN {ours}", id=token.id)
            for table in _OF_TOKEN:
                store.execute(f"DELETE FROM {table} WHERE token_id = :id", id=token.id)
            for kinds in ("('settle', 'release')", "('hold')"):  # answers before what they answer
                store.execute(
                    f"DELETE FROM ledger WHERE token_id = :id AND kind IN {kinds}", id=token.id
                )
        self._sweep()

    def forget_all(self) -> None:
        """Everything, tokens and journal included; snapshots stay."""
        store = self._store
        with store.transaction():
            store.execute("PRAGMA defer_foreign_keys = ON")
            for table in store.tables():
                store.execute(f"DELETE FROM {table}")
        self._sweep()

    def _sweep(self) -> None:
        """Take away the files that no row stands for any more."""
        self._assets.sweep()
        files = self._store.values("SELECT file_id FROM renders")
        data_folder.sweep(self._store.renders, files)
