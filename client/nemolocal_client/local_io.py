"""Performs the operations of a flow that need only this machine: clock, disk and profile."""

import os
from collections.abc import Sequence
from pathlib import Path

from nemolocal_contract.clock import Clock

from .local_files import InputFiles, choose_destination, file_identity, file_size, move_into_place
from .operations import (
    CheckDestination,
    FindFiles,
    GetTime,
    LoadClientId,
    LoadInputs,
    LoadSessions,
    LoadTokens,
    LocalOperation,
    MoveFile,
    RenewClientId,
    SaveSession,
    SaveToken,
    StatFiles,
)
from .profile import IdentityStore, InputStore


class LocalIO:
    """Performs the operations that neither use the network nor wait."""

    def __init__(self, base_url: str, clock: Clock, store: IdentityStore) -> None:
        self.base_url = base_url
        self.clock = clock
        self._store = store
        self._inputs = InputFiles()

    def perform(self, operation: LocalOperation) -> object:
        """Perform an operation and return its result."""
        match operation:
            case GetTime():
                return self.clock.time()
            case LoadClientId():
                return self._store.client_id(self.base_url)
            case RenewClientId():
                return self._store.renew_client_id(self.base_url)
            case LoadTokens():
                newest = self._store.token(self.base_url)
                earlier = self._store.earlier_tokens(self.base_url)
                return () if newest is None else (newest, *earlier)
            case LoadSessions():
                return self._store.sessions(self.base_url)
            case StatFiles(paths, session_id):
                self._protect(paths, session_id)
                return tuple(map(file_size, paths))
            case CheckDestination(path, overwrite, number_inputs):
                inputs = self._inputs
                return choose_destination(
                    path, inputs, overwrite=overwrite, number_inputs=number_inputs
                )
            case MoveFile(part, destination, overwrite):
                return move_into_place(part, destination, self._inputs, overwrite=overwrite)
            case FindFiles(names):
                return tuple(name for name in names if os.path.isfile(name))
            case _:
                self._perform_without_result(operation)
                return None

    def _protect(self, paths: Sequence[Path], session_id: str) -> None:
        files = [found for path in paths if (found := file_identity(path)) is not None]
        self._inputs.add_identities(files)
        if session_id and isinstance(self._store, InputStore):
            self._store.keep_inputs(self.base_url, session_id, files)

    def _perform_without_result(self, operation: SaveToken | SaveSession | LoadInputs) -> None:
        """Perform an operation whose result is None."""
        match operation:
            case SaveToken(saved):
                self._store.keep(self.base_url, saved)
            case LoadInputs(session_id):
                if isinstance(self._store, InputStore):
                    self._inputs.add_identities(self._store.inputs(self.base_url, session_id))
            case _:
                self._store.keep_session(self.base_url, operation.saved_session)
