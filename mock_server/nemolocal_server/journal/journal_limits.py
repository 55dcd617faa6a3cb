"""What the journal keeps at most, and which entries make room for which."""

import msgspec

from ..setting_ranges import CENTURY, check_range

READS, WRITES, TURNS = 0, 1, 2
"""Kinds of entries: requests that only look, others that do something, and turns of the chat."""

_WRITE_ENDPOINTS = frozenset(
    ("token", "claim_token", "session", "upload", "chat", "render", "render_cancel")
)
_MOST_ENTRIES = 50_000
MIN_JOURNAL_BYTES = 1024 * 1024
_MOST_BYTES = 10**12


class JournalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much the journal keeps.

    - `max_entries`: so many turns and, besides, so many other requests.
    - `max_bytes`: half of it for turns, half for other requests.
    - `max_age`, in seconds: older entries go, of whatever kind; 0 for no end.
    """

    max_entries: int = 10_000
    max_bytes: int = 256 * 1024 * 1024
    max_age: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense, by its name."""
        check_range("journal.max_entries", self.max_entries, 1, _MOST_ENTRIES)
        check_range("journal.max_bytes", self.max_bytes, MIN_JOURNAL_BYTES, _MOST_BYTES)
        check_range("journal.max_age", self.max_age, 0, CENTURY)


class EntryTotals(msgspec.Struct, frozen=True):
    """How many entries of a kind there are, and their bytes."""

    count: int = 0
    size: int = 0

    def exceeding(self, count: int, size: int) -> "EntryTotals":
        """By how much it is more than that."""
        return EntryTotals(max(self.count - count, 0), max(self.size - size, 0))


def entry_kind(endpoint: str | None, *, turn: bool) -> int:
    """What kind of entry a request to an endpoint of the contract makes."""
    if turn:
        return TURNS
    return WRITES if endpoint in _WRITE_ENDPOINTS else READS


def compute_excess(held: dict[int, EntryTotals], limits: JournalLimits) -> dict[int, EntryTotals]:
    """How much of each kind must go: a turn makes room for turns alone.

    Of other requests those that only look go first, as long as they are more than half.
    """
    count, size = limits.max_entries, limits.max_bytes // 2
    reads, acts = held.get(READS, EntryTotals()), held.get(WRITES, EntryTotals())
    more = EntryTotals(reads.count + acts.count, reads.size + acts.size).exceeding(count, size)
    looks = reads.exceeding(count // 2, size // 2)
    looks = EntryTotals(min(looks.count, more.count), min(looks.size, more.size))
    return {
        READS: looks,
        WRITES: EntryTotals(more.count - looks.count, more.size - looks.size),
        TURNS: held.get(TURNS, EntryTotals()).exceeding(count, size),
    }
