"""The server's past: kept, put back, or forgotten while the server goes on.

What runs belongs to the past that it began in: a snapshot is refused while something runs, since
it cannot hold half a turn; putting back and forgetting stop what runs first. Forgetting disarms
faults too; putting back leaves them, as it leaves the clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nemolocal_contract.codes import Code
from nemolocal_contract.control import SnapshotList
from nemolocal_contract.counts import counted

from .core import Core
from .errors import ContractError, bad_request
from .exports import Exports
from .faults.faults import Faults
from .journal.records import Journal
from .namespaces import Namespaces
from .snapshots import MOST, Snapshots, SnapshotUnknown, TooManySnapshots
from .tokens import Token
from .turns import Turns


class Past:
    """Snapshots and resets of one server."""

    def __init__(
        self, core: Core, journal: Journal, faults: Faults, turns: Turns, exports: Exports
    ) -> None:
        self._journal = journal
        self._faults = faults
        self._turns = turns
        self._exports = exports
        self._sessions = core.sessions
        self._snapshots = Snapshots(core.store, core.clock)
        self._namespaces = Namespaces(core.store, core.assets)
        self._changing = 0

    def sweep(self) -> None:
        """After a killed process: take away files that stand for nothing."""
        self._namespaces.sweep()

    def keep(self) -> str:
        """Take a snapshot; its id. 400 while turns or renders run, and where there are `MOST`."""
        if self._changing:
            # What ran has stopped then, and is neither finished nor forgotten yet.
            raise bad_request("a reset or a restore is under way: ask again when it has ended")
        turns, exports = self._turns.running, self._exports.running
        if turns or exports:
            raise bad_request(
                f"running: {counted(turns, 'turn')} and {counted(exports, 'render')}. "
                "A snapshot has no half-done work: "
                "wait until they have ended, or cancel them, and ask again"
            )
        self._journal.catch_up()
        try:
            return self._snapshots.take()
        except TooManySnapshots as error:
            raise bad_request(
                f"there are {MOST} snapshots, and no room for more: throw one away by "
                "DELETE /__nemolocal__/snapshot/<id>"
            ) from error

    def kept(self) -> SnapshotList:
        """The snapshots that there are."""
        return SnapshotList(self._snapshots.all(), MOST)

    def throw_away(self, snapshot_id: str) -> None:
        """Forget a snapshot; 404 where there is none with this id."""
        try:
            self._snapshots.delete(snapshot_id)
        except SnapshotUnknown as error:
            raise ContractError(
                Code.NOT_FOUND, f"{snapshot_id!r} is no snapshot of this server"
            ) from error

    async def put_back(self, snapshot_id: str) -> None:
        """Make everything as it was, the journal included; 400 where there is no such snapshot."""
        try:
            self._snapshots.find(snapshot_id)
            with self._change():
                await self._stop_all()
                try:
                    self._snapshots.restore(snapshot_id)
                    self._sessions.mark_all_used()
                finally:
                    self._go_on()
        except SnapshotUnknown as error:
            raise bad_request(
                f"body: `id` {snapshot_id!r} is no snapshot of this server"
            ) from error
        self._journal.forget_present()

    async def forget(self, token: Token) -> None:
        """What this token's owner did; the token stays, with the credits that it was granted."""
        with self._change():
            while await self._stop_of(token):
                pass
            self._journal.catch_up()
            self._namespaces.forget(token)
        self._faults.arming.disarm_of(token.id, token.user_id)

    async def forget_all(self) -> None:
        """Everything but snapshots."""
        with self._change():
            await self._stop_all()
            try:
                self._namespaces.forget_all()
            finally:
                self._go_on()
        self._journal.forget_present()
        self._faults.rearm()

    async def _stop_all(self) -> None:
        # Turns start no renders and renders no turns, but requests come in while we wait.
        while self._turns.running or self._exports.running:
            await self._turns.close()
            await self._exports.close()

    async def _stop_of(self, token: Token) -> bool:
        """Stop what runs for a token; whether anything did, and so more may have begun since."""
        sessions = self._namespaces.sessions(token)
        ran = await self._turns.stop(sessions)
        return await self._exports.stop(sessions) or ran

    def _go_on(self) -> None:
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
