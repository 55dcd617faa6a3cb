"""What every part of a server stands on: settings, clock, draw and the nouns of the store."""

import msgspec

from nemolocal_contract.clock import MANUAL_START, Clock, ManualClock, ScaledClock, WallClock
from nemolocal_contract.endpoints import RESET

from .assets import Assets
from .claims import Claims
from .draw import Draw
from .ledger import Ledger
from .sessions import Sessions
from .settings import Settings
from .store import Store
from .tokens import Tokens


class Core(msgspec.Struct, frozen=True):
    """Made once per server by `open_core`, closed with `store.close()`."""

    settings: Settings
    clock: Clock
    draw: Draw
    store: Store
    tokens: Tokens
    ledger: Ledger
    sessions: Sessions
    assets: Assets
    claims: Claims


def open_core(settings: Settings, clock: Clock | None = None) -> Core:
    """Open the store and what lives in it; raises `StoreError` where the folder is of no use."""
    store = Store(settings.data_dir)
    clock = clock or _clock(settings, store)
    return Core(
        settings=settings,
        clock=clock,
        draw=Draw(settings.seed),
        store=store,
        tokens=Tokens(
            store,
            clock,
            settings.token_lifetime,
            settings.address_limit,
            f"POST {RESET.template} begins anew" if settings.control else "",
        ),
        ledger=Ledger(store, clock),
        sessions=Sessions(store, clock),
        assets=Assets(store, clock),
        claims=Claims(store, clock),
    )


def _clock(settings: Settings, store: Store) -> Clock:
    """The clock of the settings; one that is not the wall's never starts before what is stored."""
    if settings.clock == "real":
        return WallClock(settings.speed)
    stored: float = store.value("SELECT max(created) FROM ledger") or 0.0
    if settings.clock == "scaled":
        return ScaledClock(settings.speed, max(WallClock().time(), stored))
    return ManualClock(max(MANUAL_START, stored))
