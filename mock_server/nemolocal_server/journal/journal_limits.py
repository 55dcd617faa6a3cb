"""How much the journal keeps, and which entries are deleted first."""

import msgspec

from ..setting_ranges import CENTURY, check_range

READS, WRITES, TURNS = 0, 1, 2
"""Kinds of entries: requests that only read, requests that change something, turns of the chat."""

_WRITE_ENDPOINTS = frozenset(
    ("token", "claim_token", "session", "upload", "chat", "render", "render_cancel")
)
_MAX_ENTRIES = 50_000
MIN_JOURNAL_BYTES = 1024 * 1024
_MAX_BYTES = 10**12


class JournalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much the journal keeps.

    - `max_entries`: this many turns, and as many other requests.
    - `max_bytes`: half of it for turns, half for other requests.
    - `max_age`, in seconds: older entries of any kind are deleted; 0 for no limit.
    """

    max_entries: int = 10_000
    max_bytes: int = 256 * 1024 * 1024
    max_age: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a field out of its range."""
        check_range("journal.max_entries", self.max_entries, 1, _MAX_ENTRIES)
        check_range("journal.max_bytes", self.max_bytes, MIN_JOURNAL_BYTES, _MAX_BYTES)
        check_range("journal.max_age", self.max_age, 0, CENTURY)


class EntryTotals(msgspec.Struct, frozen=True):
    """How many entries of a kind there are, and their bytes."""

    count: int = 0
    size: int = 0

    def exceeding(self, count: int, size: int) -> "EntryTotals":
        """By how much these are more than `count` and `size`."""
        return EntryTotals(max(self.count - count, 0), max(self.size - size, 0))


def entry_kind(endpoint: str | None, *, turn: bool) -> int:
    """The kind of an entry, by the endpoint of its request."""
    if turn:
        return TURNS
    return WRITES if endpoint in _WRITE_ENDPOINTS else READS


def compute_excess(held: dict[int, EntryTotals], limits: JournalLimits) -> dict[int, EntryTotals]:
    """How much of each kind to delete. Turns make room for turns only.

    Of the other requests, reads are deleted first while they take more than half.
    """
    count, size = limits.max_entries, limits.max_bytes // 2
    reads, writes = held.get(READS, EntryTotals()), held.get(WRITES, EntryTotals())
    both = EntryTotals(reads.count + writes.count, reads.size + writes.size)
    excess = both.exceeding(count, size)
    of_reads = reads.exceeding(count // 2, size // 2)
    of_reads = EntryTotals(min(of_reads.count, excess.count), min(of_reads.size, excess.size))
    return {
        READS: of_reads,
        WRITES: EntryTotals(excess.count - of_reads.count, excess.size - of_reads.size),
        TURNS: held.get(TURNS, EntryTotals()).exceeding(count, size),
    }
