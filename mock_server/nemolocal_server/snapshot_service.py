"""Snapshots, restore and reset of a running server.

A snapshot is refused while turns or renders run, since it cannot contain half a turn; a restore or
a reset stops them first. A reset also disarms faults and goes back to the scripted replies of the
settings; a restore brings back the replies of the snapshot, with their use counts, and leaves
faults and clock as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nemolocal_contract.control_api import SnapshotList
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode

from .context import ServerContext
from .data.deletion import DataDeleter
from .data.snapshots import MAX_SNAPSHOTS, SnapshotNotFound, SnapshotRepository, TooManySnapshots
from .data.tokens import TokenRecord
from .errors import ContractError, bad_request
from .exports.export_service import ExportService
from .faults.fault_service import FaultService
from .journal.journal_repository import JournalRepository
from .scripted_replies.reply_service import ReplyService
from .turns.turn_service import TurnService


class SnapshotService:
    """Snapshots and resets of one server."""

    def __init__(
        self,
        context: ServerContext,
        journal: JournalRepository,
        faults: FaultService,
        replies: ReplyService,
        turns: TurnService,
        exports: ExportService,
    ) -> None:
        self._journal = journal
        self._store = context.store
        self._faults = faults
        self._replies = replies
        self._turns = turns
        self._exports = exports
        self._sessions = context.sessions
        self._snapshots = SnapshotRepository(context.store, context.clock)
        self._deleter = DataDeleter(context.store, context.assets)
        # How many resets and restores are running.
        self._changes = 0

    def delete_orphan_files(self) -> None:
        """Delete files without a row in the store, which a killed process may leave behind."""
        self._deleter.delete_orphan_files()

    def create(self) -> str:
        """Take a snapshot and return its id.

        400 while turns or renders run, and if there are `MAX_SNAPSHOTS` already.
        """
        if self._changes:
            # Turns have been stopped, but their data are not consistent yet.
            raise bad_request("a reset or a restore is running: try again when it has ended")
        turns, exports = self._turns.tasks.running_count, self._exports.tasks.running_count
        if turns or exports:
            raise bad_request(
                f"{pluralize(turns, 'turn')} and {pluralize(exports, 'render')} are running, "
                "which a snapshot cannot contain: wait until they have ended, or cancel them, "
                "and try again"
            )
        self._journal.flush()
        self._replies.save()
        try:
            return self._snapshots.create()
        except TooManySnapshots as error:
            raise bad_request(
                f"there are {MAX_SNAPSHOTS} snapshots, which is the maximum: delete one with "
                "DELETE /__nemolocal__/snapshot/<id>"
            ) from error

    def list_all(self) -> SnapshotList:
        """Return all snapshots."""
        return SnapshotList(self._snapshots.list_all(), MAX_SNAPSHOTS)

    def delete(self, snapshot_id: str) -> None:
        """Delete a snapshot; 404 if there is none with this id."""
        try:
            self._snapshots.delete(snapshot_id)
        except SnapshotNotFound as error:
            raise ContractError(
                ResponseCode.NOT_FOUND, f"snapshot not found: {snapshot_id!r}"
            ) from error

    async def restore(self, snapshot_id: str) -> None:
        """Restore a snapshot, the journal included; 400 if there is none with this id."""
        try:
            self._snapshots.find_folder(snapshot_id)
            with self._change():
                await self._stop_all()
                try:
                    self._snapshots.restore(snapshot_id)
                    self._sessions.touch_all()
                    self._replies.load()
                finally:
                    self._resume_work()
        except SnapshotNotFound as error:
            raise bad_request(f"body: `id`: snapshot not found: {snapshot_id!r}") from error
        self._journal.discard_pending()

    async def reset_token(self, token: TokenRecord) -> None:
        """Delete the data of a token; the token stays, with the credits that it was granted."""
        with self._change():
            while await self._stop_work_of(token):
                pass
            self._journal.flush()
            self._deleter.delete_token_data(token)
        self._faults.registry.disarm_token(token.id, token.user_id)

    async def reset_all(self) -> None:
        """Delete everything except snapshots."""
        with self._change():
            await self._stop_all()
            try:
                self._deleter.delete_all()
            finally:
                self._resume_work()
        self._journal.discard_pending()
        self._faults.reset()
        self._replies.reset()

    async def _stop_all(self) -> None:
        # New requests may start turns and renders while the others end.
        while self._turns.tasks.running_count or self._exports.tasks.running_count:
            await self._turns.tasks.close()
            await self._exports.tasks.close()

    async def _stop_work_of(self, token: TokenRecord) -> bool:
        """Stop the work of a token; return whether there was any, so that more may have started."""
        sessions = self._deleter.session_ids(token)
        is_stopped = await self._turns.tasks.stop(sessions)
        return await self._exports.tasks.stop(sessions) or is_stopped

    def _resume_work(self) -> None:
        """Recover stopped work that is still in the store, as after a killed process."""
        self._turns.recover()
        self._exports.resume()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Refuse snapshots while a reset or a restore runs; the event feed is told of its end."""
        self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1
            self._store.changes.restart()
