"""What the journal keeps at most, and which entries make room for which."""

import msgspec

from ..ranges import CENTURY, check_range

READS, ACTS, TURNS = 0, 1, 2
"""Kinds of entries: requests that only look, others that do something, and turns of the chat."""

_ACTING = frozenset(
    ("token", "claim_token", "session", "upload", "chat", "render", "render_cancel")
)
_MOST_ENTRIES = 50_000
LEAST_BYTES = 1024 * 1024
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
        check_range("journal.max_bytes", self.max_bytes, LEAST_BYTES, _MOST_BYTES)
        check_range("journal.max_age", self.max_age, 0, CENTURY)


class Held(msgspec.Struct, frozen=True):
    """How many entries of a kind there are, and their bytes."""

    count: int = 0
    size: int = 0

    def over(self, count: int, size: int) -> "Held":
        """By how much it is more than that."""
        return Held(max(self.count - count, 0), max(self.size - size, 0))


def kind_of(endpoint: str | None, *, turn: bool) -> int:
    """What kind of entry a request to an endpoint of the contract makes."""
    if turn:
        return TURNS
    return ACTS if endpoint in _ACTING else READS


def excess(held: dict[int, Held], limits: JournalLimits) -> dict[int, Held]:
    """How much of each kind must go: a turn makes room for turns alone.

    Of other requests those that only look go first, as long as they are more than half.
    """
    count, size = limits.max_entries, limits.max_bytes // 2
    reads, acts = held.get(READS, Held()), held.get(ACTS, Held())
    more = Held(reads.count + acts.count, reads.size + acts.size).over(count, size)
    looks = reads.over(count // 2, size // 2)
    looks = Held(min(looks.count, more.count), min(looks.size, more.size))
    return {
        READS: looks,
        ACTS: Held(more.count - looks.count, more.size - looks.size),
        TURNS: held.get(TURNS, Held()).over(count, size),
    }
