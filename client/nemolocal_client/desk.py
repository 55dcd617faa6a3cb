"""What a flow wants of this machine: the time, the disk, and what is kept between runs."""

import os

from nemolocal_contract.clock import Clock

from .effects import (
    CheckDestination,
    FindFiles,
    KeepSession,
    KeepToken,
    Local,
    Measure,
    Now,
    PutInPlace,
    RecallClientId,
    RecallSessions,
    RecallTokens,
    RenewClientId,
)
from .files import check_destination, file_size, put_in_place
from .profile import IdentityStore


class Desk:
    """Answers the effects that need no network and no waiting."""

    def __init__(self, base_url: str, clock: Clock, store: IdentityStore) -> None:
        self.base_url = base_url
        self.clock = clock
        self._store = store

    def answer(self, effect: Local) -> object:
        """What the effect is answered by."""
        match effect:
            case Now():
                return self.clock.time()
            case RecallClientId():
                return self._store.client_id(self.base_url)
            case RenewClientId():
                return self._store.renew_client_id(self.base_url)
            case RecallTokens():
                newest = self._store.token(self.base_url)
                earlier = self._store.earlier_tokens(self.base_url)
                return () if newest is None else (newest, *earlier)
            case RecallSessions():
                return self._store.sessions(self.base_url)
            case Measure(paths):
                return tuple(file_size(path) for path in paths)
            case FindFiles(names):
                return tuple(name for name in names if os.path.isfile(name))
            case _:
                self._do(effect)
                return None

    def _do(self, effect: KeepToken | KeepSession | CheckDestination | PutInPlace) -> None:
        """What has no answer."""
        match effect:
            case KeepToken(kept):
                self._store.keep(self.base_url, kept)
            case KeepSession(session):
                self._store.keep_session(self.base_url, session)
            case CheckDestination(path):
                check_destination(path)
            case _:
                put_in_place(effect.part, effect.destination)
