"""A server as one object: the core, what runs in it, and its journal."""

from nemolocal_contract.clock import Clock, WallClock

from .core import Core, open_core
from .executor import LocalExecutor, RenderExecutor
from .exports import Exports
from .journal import Journal
from .settings import Settings
from .turns import Turns


class Server:
    """Everything behind the endpoints; `start` and `close` belong to a running event loop."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        execute: RenderExecutor | None = None,
    ) -> None:
        self.core: Core = open_core(settings, clock or WallClock(settings.speed))
        self.journal = Journal(self.core.store)
        self.turns = Turns(self.core)
        self.exports = Exports(self.core, execute or LocalExecutor(self.core.store.work))

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def start(self) -> None:
        """Put right what a killed process left behind, and go on with it."""
        self.turns.recover()
        self.exports.resume()

    async def close(self) -> None:
        """Stop what runs and close the store."""
        await self.turns.close()
        await self.exports.close()
        self.core.store.close()
