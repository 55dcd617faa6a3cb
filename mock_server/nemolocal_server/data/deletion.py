"""Forgetting: one token's namespace, or everything (the token is the namespace)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import data_folder
from .assets import AssetRepository
from .store import Store
from .tokens import TokenRecord

# What belongs to a token and to its sessions, in the order in which it can go.
_RENDERS = ("render_faults", "renders")
_OF_SESSION = ("claims", "edits", "turns", "drafts", "assets")
_OF_TOKEN = ("sessions", "journal")


class DataDeleter:
    """Deletes rows, and the files that they stood for."""

    def __init__(self, store: Store, assets: AssetRepository) -> None:
        self._store = store
        self._assets = assets

    def session_ids(self, token: TokenRecord) -> list[str]:
        """The ids of the token's sessions."""
        return self._store.fetch_column("SELECT id FROM sessions WHERE token_id = :id", id=token.id)

    def delete_token_data(self, token: TokenRecord) -> None:
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
        self.delete_orphan_files()

    def delete_sessions(self, sessions: Sequence[str]) -> None:
        """Sessions and their files; what they cost stays in the ledger."""
        store = self._store
        names = [*self.session_files(sessions)]
        with store.transaction():
            for session in sessions:
                store.execute(
                    """DELETE FROM render_faults WHERE (token_id, render_id) IN
                       (SELECT token_id, id FROM renders WHERE session_id = :id)""",
                    id=session,
                )
                for table in ("renders", *_OF_SESSION):
                    store.execute(f"DELETE FROM {table} WHERE session_id = :id", id=session)
                store.execute("DELETE FROM sessions WHERE id = :id", id=session)
        for name in names:
            (store.folder / name).unlink(missing_ok=True)

    def session_files(self, sessions: Sequence[str]) -> Iterator[str]:
        """The names of the files of these sessions, in the data folder (`media/….mp4`)."""
        for session in sessions:
            for asset in self._assets.list_for_session(session):
                yield f"media/{self._assets.file_path(asset).name}"
            renders = "SELECT file_id FROM renders WHERE session_id = :id"
            for file_id in self._store.fetch_column(renders, id=session):
                path = data_folder.checked_path(self._store.renders, f"{file_id}.mp4")
                yield f"renders/{path.name}"

    def delete_expired_tokens(self, before: float) -> None:
        """Tokens that had expired by then and have no session any more, with their ledger."""
        gone = """(SELECT id FROM tokens WHERE expires < :before
                   AND id NOT IN (SELECT token_id FROM sessions))"""
        with self._store.transaction():
            for kinds in ("('settle', 'release')", "('hold', 'grant')"):
                self._store.execute(
                    f"DELETE FROM ledger WHERE token_id IN {gone} AND kind IN {kinds}",
                    before=before,
                )
            self._store.execute(f"DELETE FROM tokens WHERE id IN {gone}", before=before)

    def delete_all(self) -> None:
        """Everything, tokens and journal included; snapshots stay."""
        store = self._store
        with store.transaction():
            store.execute("PRAGMA defer_foreign_keys = ON")
            for table in store.tables():
                store.execute(f"DELETE FROM {table}")
        self.delete_orphan_files()

    def find_orphan_files(self) -> Iterator[str]:
        """The names of the files that no row stands for, in the data folder."""
        for folder, known in self._owned_ids():
            for path in data_folder.find_orphans(folder, known):
                yield f"{folder.name}/{path.name}"

    def delete_orphan_files(self) -> None:
        """Take away the files that no row stands for any more."""
        for folder, known in self._owned_ids():
            data_folder.delete_orphans(folder, known)

    def _owned_ids(self) -> Iterator[tuple[Path, list[str]]]:
        """Each folder of files, and the ids of those that are somebody's."""
        yield self._store.media, self._store.fetch_column("SELECT id FROM assets")
        yield self._store.renders, self._store.fetch_column("SELECT file_id FROM renders")
