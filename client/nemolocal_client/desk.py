"""What a flow wants of this machine: the time, the disk, and what is kept between runs."""

import os
from collections.abc import Sequence
from pathlib import Path

from nemolocal_contract.clock import Clock

from .destinations import choose, put_in_place
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
    RecallInputs,
    RecallSessions,
    RecallTokens,
    RenewClientId,
)
from .files import file_size
from .inputs import Inputs, identity
from .profile import IdentityStore, InputStore


class Desk:
    """Answers the effects that need no network and no waiting."""

    def __init__(self, base_url: str, clock: Clock, store: IdentityStore) -> None:
        self.base_url = base_url
        self.clock = clock
        self._store = store
        self._inputs = Inputs()

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
            case Measure(paths, session_id):
                self._protect(paths, session_id)
                return tuple(map(file_size, paths))
            case CheckDestination(path, overwrite, number_inputs):
                inputs = self._inputs
                return choose(path, inputs, overwrite=overwrite, number_inputs=number_inputs)
            case PutInPlace(part, destination, overwrite):
                return put_in_place(part, destination, self._inputs, overwrite=overwrite)
            case FindFiles(names):
                return tuple(name for name in names if os.path.isfile(name))
            case _:
                self._do(effect)
                return None

    def _protect(self, paths: Sequence[Path], session_id: str) -> None:
        files = [found for path in paths if (found := identity(path)) is not None]
        self._inputs.know(files)
        if session_id and isinstance(self._store, InputStore):
            self._store.keep_inputs(self.base_url, session_id, files)

    def _do(self, effect: KeepToken | KeepSession | RecallInputs) -> None:
        """What has no answer."""
        match effect:
            case KeepToken(kept):
                self._store.keep(self.base_url, kept)
            case RecallInputs(session_id):
                if isinstance(self._store, InputStore):
                    self._inputs.know(self._store.inputs(self.base_url, session_id))
            case _:
                self._store.keep_session(self.base_url, effect.kept)
