"""A server as one object: the core, what runs in it, and its journal."""

import contextlib

from nemolocal_contract.clock import Clock
from nemolocal_contract.journal import Summary
from nemolocal_render.cores import usable_cores
from nemolocal_render.temporary_folder import sweep_once

from .access.policy import AccessPolicy
from .core import Core, open_core
from .data_folder import StoreError
from .errors import ContractError
from .executor import LocalExecutor, RenderExecutor
from .exports import Exports
from .faults.faults import Faults
from .faults.scenario import Scenario, find_scenario
from .fixtures import Fixtures
from .housekeeping import Housekeeping
from .journal.records import Journal, Wanted
from .journal.summary import summarise
from .machine_limits import STORAGE_ERRORS
from .past import Past
from .places import Places
from .settings import Settings
from .tokens import NewToken, Token
from .turns import Turns


class Server:
    """Everything behind the endpoints; `start` and `close` belong to a running event loop."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
    ) -> None:
        # First, since nothing must be left open where the scenario is of no use.
        scenario = find_scenario(settings.scenario) if settings.scenario else Scenario()
        self.core: Core = open_core(settings, clock)
        self.access = AccessPolicy(settings)
        self.faults = Faults(self.core, scenario)
        self.journal = Journal(self.core.store, settings.journal_keeps)
        self.turns = Turns(self.core)
        self.fixtures = Fixtures(self.core.store.work)
        self.exports = Exports(self.core, execute or LocalExecutor(self.core.store.work))
        # Each probe of an upload is a process: more of them than cores only slow each other.
        self.probing = Places(usable_cores(), patience=None)
        self.summary: Summary | None = None
        self._began_after = self.journal.last_id
        try:
            self._make_tokens()
        except ContractError as error:
            self.core.store.close()
            raise StoreError(f"the tokens of the settings cannot be made: {error}") from error
        self.past = Past(self.core, self.journal, self.faults, self.turns, self.exports)
        self.housekeeping = Housekeeping(self.core, self.journal, self.turns, self.exports)

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def make_token(self, wanted: NewToken) -> tuple[str, Token]:
        """A token by hand with its credits, and its text (AUTH-6)."""
        with self.core.store.transaction():
            text, token, fresh = self.core.tokens.make(wanted)
            if fresh:
                self.core.ledger.grant(token.id, wanted.credits, "made by hand")
        return text, token

    def start(self) -> None:
        """Put right what killed processes left behind, and go on with it."""
        sweep_once()
        self.past.sweep()
        self.turns.recover()
        self.exports.resume()
        self.housekeeping.start()

    async def reset(self) -> None:
        """Forget everything but snapshots, and begin as a fresh server does."""
        await self.past.forget_all()
        self._make_tokens()

    async def close(self) -> None:
        """Stop what runs, sum up what was asked since the start, and close the store."""
        await self.housekeeping.close()
        await self.turns.close()
        await self.exports.close()
        self.journal.close()
        # Where the data folder is of no use any more there is no sum, and still an end.
        with contextlib.suppress(*STORAGE_ERRORS):
            self.summary = self.sum_up(Wanted(since=self._began_after))
        self.core.store.close()

    def sum_up(self, wanted: Wanted) -> Summary:
        """What was asked, and what it would have cost, where anything costs."""
        return summarise(self.journal, wanted, charged=self.settings.tariff.charges)

    def _make_tokens(self) -> None:
        """The tokens that the settings name."""
        for wanted in self.settings.tokens:
            self.make_token(wanted)
