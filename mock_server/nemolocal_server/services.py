"""A server as one object: the core, what runs in it, and its journal."""

import contextlib

from nemolocal_contract.clock import Clock
from nemolocal_contract.journal import Summary
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.temporary_folder import delete_abandoned_once

from .access.access_policy import AccessPolicy
from .context import ServerContext, open_context
from .data.data_folder import StoreError
from .data.storage_errors import STORAGE_ERRORS
from .data.tokens import NewToken, TokenRecord
from .errors import ContractError
from .exports.export_service import ExportService
from .exports.render_executor import LocalExecutor, RenderExecutor
from .fair_semaphore import FairSemaphore
from .faults.fault_scenario import FaultScenario, find_scenario
from .faults.fault_service import FaultService
from .journal.journal_repository import JournalQuery, JournalRepository
from .journal.summary import summarise
from .retention.housekeeping import Housekeeping
from .settings import Settings
from .snapshot_service import SnapshotService
from .turns.turn_service import TurnService
from .uploads.sample_media import SampleMedia


class Services:
    """Everything behind the endpoints; `start` and `close` belong to a running event loop."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
    ) -> None:
        # First, since nothing must be left open where the scenario is of no use.
        scenario = find_scenario(settings.scenario) if settings.scenario else FaultScenario()
        self.context: ServerContext = open_context(settings, clock)
        self.access_policy = AccessPolicy(settings)
        self.faults = FaultService(self.context, scenario)
        self.journal = JournalRepository(self.context.store, settings.effective_journal_limits)
        self.turns = TurnService(self.context)
        self.sample_media = SampleMedia(self.context.store.work)
        self.exports = ExportService(
            self.context, execute or LocalExecutor(self.context.store.work)
        )
        # Each probe of an upload is a process: more of them than cores only slow each other.
        self.probe_slots = FairSemaphore(usable_cores(), patience=None)
        self.summary: Summary | None = None
        self._began_after = self.journal.last_id
        try:
            self._make_tokens()
        except ContractError as error:
            self.context.store.close()
            raise StoreError(f"the tokens of the settings cannot be made: {error}") from error
        self.snapshots = SnapshotService(
            self.context, self.journal, self.faults, self.turns, self.exports
        )
        self.housekeeping = Housekeeping(self.context, self.journal, self.turns, self.exports)

    @property
    def settings(self) -> Settings:
        return self.context.settings

    def create_token(self, wanted: NewToken) -> tuple[str, TokenRecord]:
        """A token by hand with its credits, and its text (AUTH-6)."""
        with self.context.store.transaction():
            text, token, fresh = self.context.tokens.create(wanted)
            if fresh:
                self.context.ledger.grant(token.id, wanted.credits, "made by hand")
        return text, token

    def start(self) -> None:
        """Put right what killed processes left behind, and go on with it."""
        delete_abandoned_once()
        self.snapshots.delete_orphan_files()
        self.turns.recover()
        self.exports.resume()
        self.housekeeping.start()

    async def reset(self) -> None:
        """Forget everything but snapshots, and begin as a fresh server does."""
        await self.snapshots.reset_all()
        self._make_tokens()

    async def close(self) -> None:
        """Stop what runs, sum up what was asked since the start, and close the store."""
        await self.housekeeping.close()
        await self.turns.close()
        await self.exports.close()
        self.journal.close()
        # Where the data folder is of no use any more there is no sum, and still an end.
        with contextlib.suppress(*STORAGE_ERRORS):
            self.summary = self.summarise(JournalQuery(since=self._began_after))
        self.context.store.close()

    def summarise(self, wanted: JournalQuery) -> Summary:
        """What was asked, and what it would have cost, where anything costs."""
        return summarise(self.journal, wanted, charged=self.settings.tariff.has_costs)

    def _make_tokens(self) -> None:
        """The tokens that the settings name."""
        for wanted in self.settings.tokens:
            self.create_token(wanted)
