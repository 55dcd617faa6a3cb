"""What a file of a journal holds, and what is said where it holds none."""

import msgspec

from nemolocal_contract.journal import Entry

MAX_ENTRIES = 100_000
# A server forgets some of more.
_SERVER_KEEPS = 10_000


class JournalUnreadable(Exception):
    """A file is no journal; the message names the line and the reason."""


class LoadedJournal(msgspec.Struct, frozen=True):
    """What a file holds: `dropped` other entries are known to be missing.

    `endings` is False where nobody wrote down how replies ended. `truth` says that the file knows
    what was behind the bytes: credits, drafts, faults.
    """

    entries: tuple[Entry, ...]
    dropped: int = 0
    has_endings: bool = True
    has_server_state: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        ids = [entry.id for entry in self.entries]
        full = len(ids) >= _SERVER_KEEPS and max(ids) > len(ids)
        return not self.dropped and not full
