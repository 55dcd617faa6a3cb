"""How long and how much a data folder keeps, and which sessions go first (pure)."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ..setting_ranges import CENTURY, DAY, check_range

_LEAST_BYTES, _MOST_BYTES = 1024 * 1024, 10**15


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of sessions; 0 is without end.

    - `max_age`: one that nobody has used for so many seconds is forgotten, with its files.
    - `max_bytes`: where the data folder has more, those go that have been unused for longest.
    """

    max_age: float = 0.0
    max_bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no sense, by its name."""
        check_range("retention.max_age", self.max_age, 0, CENTURY)
        if self.max_bytes:
            check_range("retention.max_bytes", self.max_bytes, _LEAST_BYTES, _MOST_BYTES)


TEMPORARY_RETENTION = Retention(max_age=30 * DAY, max_bytes=10 * 10**9)
"""For work that nobody gave a folder of a name: a month, and 10 GB."""
UNLIMITED_RETENTION = Retention()

Inode = tuple[int, int]
"""A file, by whatever names: its device and number."""


class FileUsage(msgspec.Struct, frozen=True):
    """Bytes on the disk, and how many names they have."""

    size: int
    links: int


class SessionFiles(msgspec.Struct, frozen=True):
    """A session and the files that it has names of, a name each."""

    session: str
    inodes: tuple[Inode, ...]
    size: int = 0
    """Bytes besides: of its rows in the database."""


def select_sessions_to_delete(
    oldest_first: Sequence[SessionFiles], files: Mapping[Inode, FileUsage], excess: int
) -> list[str]:
    """The sessions to forget so that so many bytes are free, unused for longest first.

    A file is free when its last name has gone: one that a snapshot has too, or a session that
    stays, is not. Who has no such file goes only if the rows of all these sessions are what makes
    the difference.
    """
    if excess <= 0:
        return []
    enough, chosen = _choose(oldest_first, files, excess, rows=False)
    if not enough:
        enough, by_rows = _choose(oldest_first, files, excess, rows=True)
        chosen = by_rows if enough else chosen
    return chosen


def _choose(
    holdings: Sequence[SessionFiles], files: Mapping[Inode, FileUsage], excess: int, *, rows: bool
) -> tuple[bool, list[str]]:
    """Whether that is enough, and those of the first sessions that have a part in it."""
    freed_at = _freed_at(holdings, files)
    freed, last = 0, -1
    for place, holding in enumerate(holdings):
        gain = sum(files[inode].size for inode in freed_at.get(place, ()))
        gain += holding.size if rows else 0
        if gain:
            freed, last = freed + gain, place
        if freed >= excess:
            break
    going = {inode for place, inodes in freed_at.items() if place <= last for inode in inodes}
    chosen = [
        holding.session
        for holding in holdings[: last + 1]
        if rows or not going.isdisjoint(holding.inodes)
    ]
    return freed >= excess, chosen


def _freed_at(
    holdings: Iterable[SessionFiles], files: Mapping[Inode, FileUsage]
) -> dict[int, list[Inode]]:
    """Which files are free when the sessions up to each place have gone."""
    names: dict[Inode, int] = {}
    found: dict[int, list[Inode]] = {}
    for place, holding in enumerate(holdings):
        for inode in holding.inodes:
            if inode not in files:
                continue
            names[inode] = names.get(inode, 0) + 1
            if names[inode] == files[inode].links:
                found.setdefault(place, []).append(inode)
    return found
