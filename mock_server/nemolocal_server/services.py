"""The services of one server: turns, exports, faults, replies, journal and housekeeping."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.journal import Summary
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.temporary_folder import delete_abandoned_once

from .access.access_policy import AccessPolicy
from .context import ServerContext, open_context
from .data.data_folder import StoreError, clear_returned_parts
from .data.storage_errors import STORAGE_ERRORS
from .data.tokens import NewToken, TokenRecord
from .errors import ContractError
from .exports.export_service import ExportService
from .exports.render_executor import LocalExecutor, RenderExecutor
from .fair_semaphore import FairSemaphore
from .faults.fault_scenario import FaultScenario, find_scenario
from .faults.fault_service import FaultService
from .inspection.change_feed import ChangeFeed
from .inspection.draft_history import DraftHistory
from .inspection.preview_service import PreviewService
from .inspection.render_report import RenderReport
from .inspection.session_report import SessionReport
from .journal.journal_repository import JournalQuery, JournalRepository
from .journal.summary import summarise
from .language_model.endpoint import ModelSetupError
from .open_downloads import OpenDownloads
from .retention.housekeeping import Housekeeping
from .scripted_replies.reply_service import ReplyService, build_replies
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
        replies: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        # First, since an invalid scenario or reply must not leave the store open.
        scenario = find_scenario(settings.scenario) if settings.scenario else FaultScenario()
        build_replies(replies)
        scripted = build_replies([*scenario.replies, *replies])
        self.context: ServerContext = open_context(settings, clock)
        self.access_policy = AccessPolicy(settings)
        self.faults = FaultService(self.context, scenario)
        self.replies = ReplyService(self.context.store, scripted)
        self.journal = JournalRepository(self.context.store, settings.effective_journal_limits)
        try:
            self.turns = TurnService(self.context)
        except ModelSetupError:
            self.context.store.close()
            raise
        self.sample_media = SampleMedia(self.context.store.work)
        self.exports = ExportService(
            self.context, execute or LocalExecutor(self.context.store.work)
        )
        self.downloads = OpenDownloads()
        # Each probe of an upload is a process: more of them than cores would not be faster.
        self.probe_slots = FairSemaphore(usable_cores(), overdue_seconds=None)
        # What the control API shows.
        self.feed = ChangeFeed(self.context, self.faults, self.replies)
        self.drafts = DraftHistory(self.context.store)
        self.sessions = SessionReport(self.context.store, self.journal, self.drafts)
        self.renders = RenderReport(self.sessions, self.exports)
        self.previews = PreviewService(self.context)
        # Whether workers of a farm render: then the parts that they have returned are kept.
        self.has_farm = False
        self.summary: Summary | None = None
        self._first_entry = self.journal.last_id
        try:
            self._create_tokens()
        except ContractError as error:
            self.context.store.close()
            raise StoreError(f"cannot create the tokens of the settings: {error}") from error
        self.snapshots = SnapshotService(
            self.context, self.journal, self.faults, self.replies, self.turns, self.exports
        )
        self.housekeeping = Housekeeping(self.context, self.journal, self.turns, self.exports)

    @property
    def settings(self) -> Settings:
        return self.context.settings

    def create_token(self, new: NewToken) -> tuple[str, TokenRecord]:
        """Create a token with its credits; return its text and its record (AUTH-6)."""
        with self.context.store.transaction():
            text, token, is_fresh = self.context.tokens.create(new)
            if is_fresh:
                self.context.ledger.grant(token.id, new.credits, "made by hand")
        return text, token

    def start(self) -> None:
        """Clean up after killed processes, and resume their work."""
        delete_abandoned_once()
        if not self.has_farm:
            clear_returned_parts(self.context.store.work)
        self.snapshots.delete_orphan_files()
        self.turns.recover()
        self.exports.resume()
        self.housekeeping.start()

    async def reset(self) -> None:
        """Delete everything except snapshots, and create the tokens of the settings again."""
        await self.snapshots.reset_all()
        self._create_tokens()

    async def close(self) -> None:
        """Stop all work, summarise the journal since the start, and close the store."""
        await self.housekeeping.close()
        await self.previews.close()
        await self.turns.tasks.close()
        await self.exports.tasks.close()
        self.journal.close()
        # Without a usable data folder there is no summary, but the server still ends.
        with contextlib.suppress(*STORAGE_ERRORS):
            self.summary = self.summarise(JournalQuery(since=self._first_entry))
        self.context.store.close()

    def summarise(self, query: JournalQuery) -> Summary:
        """Count requests, and what they would have cost if the tariff has prices."""
        summary = summarise(self.journal, query, charged=self.settings.tariff.has_costs)
        if not self.replies.registered:
            return summary
        return msgspec.structs.replace(summary, unused_replies=tuple(self.replies.unused))

    def _create_tokens(self) -> None:
        for new in self.settings.tokens:
            self.create_token(new)
