"""What every part of a server stands on: settings, clock, draw and the nouns of the store."""

import msgspec

from nemolocal_contract.clock import Clock

from .assets import Assets
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


def open_core(settings: Settings, clock: Clock) -> Core:
    """Open the store and what lives in it; raises `StoreError` where the folder is of no use."""
    store = Store(settings.data_dir)
    return Core(
        settings=settings,
        clock=clock,
        draw=Draw(settings.seed),
        store=store,
        tokens=Tokens(store, clock, settings.token_lifetime),
        ledger=Ledger(store, clock),
        sessions=Sessions(store, clock),
        assets=Assets(store, clock),
    )
