"""Deletes data: of one token, of some sessions, or everything."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import data_folder
from .migrations import TABLES
from .sessions import AssetRepository
from .store import Store
from .tokens import TokenRecord

# Tables by what their rows belong to, in an order that keeps foreign keys valid.
_RENDER_TABLES = ("render_faults", "renders")
_SESSION_TABLES = ("claims", "edits", "turns", "drafts", "assets")
_TOKEN_TABLES = ("sessions", "journal")


class DataDeleter:
    """Deletes rows and their files."""

    def __init__(self, store: Store, assets: AssetRepository) -> None:
        self._store = store
        self._assets = assets

    def session_ids(self, token: TokenRecord) -> list[str]:
        """The ids of the token's sessions."""
        return self._store.fetch_column("SELECT id FROM sessions WHERE token_id = :id", id=token.id)

    def delete_token_data(self, token: TokenRecord) -> None:
        """Delete all data of a token; the token and its granted credits stay."""
        store = self._store
        ours = "(SELECT id FROM sessions WHERE token_id = :id)"
        with store.transaction():
            for table in _RENDER_TABLES:
                store.execute(f"DELETE FROM {table} WHERE token_id = :id", id=token.id)
            for table in _SESSION_TABLES:
                store.execute(f"DELETE FROM {table} WHERE session_id IN {ours}", id=token.id)
            for table in _TOKEN_TABLES:
                store.execute(f"DELETE FROM {table} WHERE token_id = :id", id=token.id)
            # A hold goes after the row that refers to it.
            for kinds in ("('settle', 'release')", "('hold')"):
                store.execute(
                    f"DELETE FROM ledger WHERE token_id = :id AND kind IN {kinds}", id=token.id
                )
        self.delete_orphan_files()

    def delete_sessions(self, sessions: Sequence[str]) -> None:
        """Delete sessions and their files; their costs stay in the ledger."""
        store = self._store
        names = [*self.session_files(sessions)]
        with store.transaction():
            for session in sessions:
                store.execute(
                    """DELETE FROM render_faults WHERE (token_id, render_id) IN
                       (SELECT token_id, id FROM renders WHERE session_id = :id)""",
                    id=session,
                )
                for table in ("renders", *_SESSION_TABLES):
                    store.execute(f"DELETE FROM {table} WHERE session_id = :id", id=session)
                store.execute("DELETE FROM sessions WHERE id = :id", id=session)
                store.changes.note("session", session)
        for name in names:
            (store.folder / name).unlink(missing_ok=True)

    def session_files(self, sessions: Sequence[str]) -> Iterator[str]:
        """The files of these sessions, relative to the data folder (`media/….mp4`)."""
        for session in sessions:
            for asset in self._assets.list_for_session(session):
                yield f"media/{self._assets.file_path(asset).name}"
            renders = "SELECT file_id FROM renders WHERE session_id = :id"
            for file_id in self._store.fetch_column(renders, id=session):
                yield f"renders/{self._store.render_path(file_id).name}"

    def delete_expired_tokens(self, before: float) -> None:
        """Delete tokens without sessions that expired before a moment, with their ledger rows."""
        expired = """(SELECT id FROM tokens WHERE expires < :before
                      AND id NOT IN (SELECT token_id FROM sessions))"""
        with self._store.transaction():
            for kinds in ("('settle', 'release')", "('hold', 'grant')"):
                self._store.execute(
                    f"DELETE FROM ledger WHERE token_id IN {expired} AND kind IN {kinds}",
                    before=before,
                )
            self._store.execute(f"DELETE FROM tokens WHERE id IN {expired}", before=before)

    def delete_all(self) -> None:
        """Delete everything, tokens and journal included; snapshots stay."""
        store = self._store
        with store.transaction():
            store.execute("PRAGMA defer_foreign_keys = ON")
            for table in TABLES:
                store.execute(f"DELETE FROM {table}")
        self.delete_orphan_files()

    def find_orphan_files(self) -> Iterator[str]:
        """The files that no row refers to, relative to the data folder."""
        for folder, known in self._owned_ids():
            for path in data_folder.find_orphans(folder, known):
                yield f"{folder.name}/{path.name}"

    def delete_orphan_files(self) -> None:
        """Delete the files that no row refers to."""
        for folder, known in self._owned_ids():
            data_folder.delete_orphans(folder, known)

    def _owned_ids(self) -> Iterator[tuple[Path, list[str]]]:
        """Each folder of files, and the ids that rows refer to."""
        yield self._store.media, self._store.fetch_column("SELECT id FROM assets")
        yield self._store.renders, self._store.fetch_column("SELECT file_id FROM renders")
