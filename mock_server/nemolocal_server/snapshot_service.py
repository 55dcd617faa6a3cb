"""The server's past: kept, put back, or forgotten while the server goes on.

What runs belongs to the past that it began in: a snapshot is refused while something runs, since
it cannot hold half a turn; putting back and forgetting stop what runs first. Forgetting disarms
faults too; putting back leaves them, as it leaves the clock.
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
from .turns.turn_service import TurnService


class SnapshotService:
    """Snapshots and resets of one server."""

    def __init__(
        self,
        core: ServerContext,
        journal: JournalRepository,
        faults: FaultService,
        turns: TurnService,
        exports: ExportService,
    ) -> None:
        self._journal = journal
        self._faults = faults
        self._turns = turns
        self._exports = exports
        self._sessions = core.sessions
        self._snapshots = SnapshotRepository(core.store, core.clock)
        self._deleter = DataDeleter(core.store, core.assets)
        self._changing = 0

    def delete_orphan_files(self) -> None:
        """After a killed process: take away files that stand for nothing."""
        self._deleter.delete_orphan_files()

    def create(self) -> str:
        """Take a snapshot; its id. 400 while turns or renders run, and where there are
        `MAX_SNAPSHOTS`.
        """
        if self._changing:
            # What ran has stopped then, and is neither finished nor forgotten yet.
            raise bad_request("a reset or a restore is under way: ask again when it has ended")
        turns, exports = self._turns.running_count, self._exports.running_count
        if turns or exports:
            raise bad_request(
                f"running: {pluralize(turns, 'turn')} and {pluralize(exports, 'render')}. "
                "A snapshot has no half-done work: "
                "wait until they have ended, or cancel them, and ask again"
            )
        self._journal.flush()
        try:
            return self._snapshots.create()
        except TooManySnapshots as error:
            raise bad_request(
                f"there are {MAX_SNAPSHOTS} snapshots, and no room for more: throw one away by "
                "DELETE /__nemolocal__/snapshot/<id>"
            ) from error

    def list_all(self) -> SnapshotList:
        """The snapshots that there are."""
        return SnapshotList(self._snapshots.list_all(), MAX_SNAPSHOTS)

    def delete(self, snapshot_id: str) -> None:
        """Forget a snapshot; 404 where there is none with this id."""
        try:
            self._snapshots.delete(snapshot_id)
        except SnapshotNotFound as error:
            raise ContractError(
                ResponseCode.NOT_FOUND, f"{snapshot_id!r} is no snapshot of this server"
            ) from error

    async def restore(self, snapshot_id: str) -> None:
        """Make everything as it was, the journal included; 400 where there is no such snapshot."""
        try:
            self._snapshots.find_folder(snapshot_id)
            with self._change():
                await self._stop_all()
                try:
                    self._snapshots.restore(snapshot_id)
                    self._sessions.touch_all()
                finally:
                    self._resume_work()
        except SnapshotNotFound as error:
            raise bad_request(
                f"body: `id` {snapshot_id!r} is no snapshot of this server"
            ) from error
        self._journal.discard_pending()

    async def reset_token(self, token: TokenRecord) -> None:
        """What this token's owner did; the token stays, with the credits that it was granted."""
        with self._change():
            while await self._stop_of(token):
                pass
            self._journal.flush()
            self._deleter.delete_token_data(token)
        self._faults.registry.disarm_token(token.id, token.user_id)

    async def reset_all(self) -> None:
        """Everything but snapshots."""
        with self._change():
            await self._stop_all()
            try:
                self._deleter.delete_all()
            finally:
                self._resume_work()
        self._journal.discard_pending()
        self._faults.reset()

    async def _stop_all(self) -> None:
        # Turns start no renders and renders no turns, but requests come in while we wait.
        while self._turns.running_count or self._exports.running_count:
            await self._turns.close()
            await self._exports.close()

    async def _stop_of(self, token: TokenRecord) -> bool:
        """Stop what runs for a token; whether anything did, and so more may have begun since."""
        sessions = self._deleter.session_ids(token)
        ran = await self._turns.stop(sessions)
        return await self._exports.stop(sessions) or ran

    def _resume_work(self) -> None:
        """What was stopped and has not gone is put right, as it is after a kill."""
        self._turns.recover()
        self._exports.resume()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """While the present is half stopped, nobody may keep it."""
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
