"""The context of a server: settings, clock, random numbers, store and its repositories."""

import msgspec

from nemolocal_contract.clock import MANUAL_CLOCK_START, Clock, ManualClock, ScaledClock, WallClock
from nemolocal_contract.endpoints import RESET

from .body_memory import BodyMemory
from .data.ledger import Ledger
from .data.sessions import AssetRepository, SessionRepository
from .data.store import Store
from .data.tokens import ClaimRepository, TokenRepository
from .seeded_random import SeededRandom
from .settings import Settings


class ServerContext(msgspec.Struct, frozen=True):
    """Created once per server by `open_context`, closed with `store.close()`."""

    settings: Settings
    clock: Clock
    rng: SeededRandom
    store: Store
    tokens: TokenRepository
    ledger: Ledger
    sessions: SessionRepository
    assets: AssetRepository
    claims: ClaimRepository
    body_memory: BodyMemory


def open_context(settings: Settings, clock: Clock | None = None) -> ServerContext:
    """Open the store and its repositories; raises `StoreError` if the folder cannot be used."""
    store = Store(settings.data_dir)
    clock = clock or _clock(settings, store)
    return ServerContext(
        settings=settings,
        clock=clock,
        rng=SeededRandom(settings.seed),
        store=store,
        tokens=TokenRepository(
            store,
            clock,
            settings.token_lifetime,
            settings.address_limit,
            f"POST {RESET.template} begins anew" if settings.control else "",
        ),
        ledger=Ledger(store, clock),
        sessions=SessionRepository(store, clock),
        assets=AssetRepository(store, clock),
        claims=ClaimRepository(store, clock),
        body_memory=BodyMemory(),
    )


def _clock(settings: Settings, store: Store) -> Clock:
    """Return the clock of the settings; a virtual one never starts before stored times."""
    if settings.clock == "real":
        return WallClock(settings.speed)
    stored: float = store.fetch_value("SELECT max(created) FROM ledger") or 0.0
    if settings.clock == "scaled":
        return ScaledClock(settings.speed, max(WallClock().time(), stored))
    return ManualClock(max(MANUAL_CLOCK_START, stored))
