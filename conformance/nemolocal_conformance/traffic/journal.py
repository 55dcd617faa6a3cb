"""The content of a journal file, and the error for a file that is not one."""

import msgspec

from nemolocal_contract.journal import Entry

MAX_ENTRIES = 100_000
# Beyond this number a server drops the oldest entries.
_SERVER_KEEPS = 10_000


class JournalUnreadable(Exception):
    """A file is not a journal; the message has the line and the reason."""


class LoadedJournal(msgspec.Struct, frozen=True):
    """The entries of a file; `dropped` more entries are known to be missing.

    `has_endings` is False if the file does not record how responses ended. `has_server_state` says
    that it contains the server's side: credits, drafts, faults.
    """

    entries: tuple[Entry, ...]
    dropped: int = 0
    has_endings: bool = True
    has_server_state: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether no entry is missing."""
        ids = [entry.id for entry in self.entries]
        full = len(ids) >= _SERVER_KEEPS and max(ids) > len(ids)
        return not self.dropped and not full
