"""What goes first where there is too much: as little as is enough, and nothing for nothing."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nemolocal_server.retention.retention_policy import (
    FileUsage,
    Inode,
    SessionFiles,
    measure_disk_usage,
    select_sessions_to_delete,
)

_INODES = st.integers(0, 5).map(lambda number: (1, number))
_SESSIONS = st.lists(st.tuples(st.lists(_INODES, max_size=3), st.integers(0, 2)), max_size=8)
_ELSEWHERE = st.dictionaries(_INODES, st.integers(1, 2), max_size=3)
_SIZES = st.lists(st.integers(1, 9), min_size=6, max_size=6)


class Disk:
    """Sessions with names of files; some files have names elsewhere, as in snapshots."""

    def __init__(
        self, sessions: list[tuple[list[Inode], int]], elsewhere: dict[Inode, int], sizes: list[int]
    ) -> None:
        self.holdings = [
            SessionFiles(str(n), tuple(i), size) for n, (i, size) in enumerate(sessions)
        ]
        links = dict(elsewhere)
        for holding in self.holdings:
            for inode in holding.inodes:
                links[inode] = links.get(inode, 0) + 1
        self.files = {inode: FileUsage(sizes[inode[1]], count) for inode, count in links.items()}

    def freed_by(self, gone: list[str], *, rows: bool = True) -> int:
        names: dict[Inode, int] = {}
        total = 0
        for holding in self.holdings:
            if holding.session in gone:
                total += holding.size if rows else 0
                for inode in holding.inodes:
                    names[inode] = names.get(inode, 0) + 1
        return total + sum(
            self.files[inode].size for inode, n in names.items() if n == self.files[inode].links
        )


@pytest.mark.slow
@given(_SESSIONS, _ELSEWHERE, _SIZES, st.integers(0, 30))
def test_as_much_is_freed_as_is_wanted_wherever_that_is_possible(
    sessions: list[tuple[list[Inode], int]],
    elsewhere: dict[Inode, int],
    sizes: list[int],
    excess: int,
) -> None:
    disk = Disk(sessions, elsewhere, sizes)
    gone = select_sessions_to_delete(disk.holdings, disk.files, excess)
    everybody = [holding.session for holding in disk.holdings]
    assert gone == [name for name in everybody if name in gone]
    if excess <= 0:
        assert gone == []
    elif disk.freed_by(everybody) >= excess:
        assert disk.freed_by(gone) >= excess
    else:
        assert disk.freed_by(gone, rows=False) == disk.freed_by(everybody, rows=False)
    # Whoever was used later than the last that goes stays.
    if gone and disk.freed_by(gone[:-1]) >= excess > 0:
        assert disk.freed_by(gone[:-1], rows=False) < excess


@pytest.mark.slow
@given(_SESSIONS, _ELSEWHERE, _SIZES)
def test_no_session_goes_whose_files_stay_in_a_snapshot(
    sessions: list[tuple[list[Inode], int]], elsewhere: dict[Inode, int], sizes: list[int]
) -> None:
    disk = Disk(sessions, elsewhere, sizes)
    gone = select_sessions_to_delete(disk.holdings, disk.files, 10_000)
    for holding in disk.holdings:
        if all(inode in elsewhere for inode in holding.inodes):
            assert holding.session not in gone


def test_the_sessions_that_were_used_last_stay() -> None:
    disk = Disk([([(1, n)], 0) for n in range(6)], {}, [1] * 6)
    assert select_sessions_to_delete(disk.holdings, disk.files, 2) == ["0", "1"]


def test_a_file_of_many_sessions_is_kept_as_long_as_another_one_is_enough() -> None:
    disk = Disk([([(1, 0)], 0), ([(1, 1)], 0), ([(1, 0)], 0)], {}, [5] * 6)
    assert select_sessions_to_delete(disk.holdings, disk.files, 5) == ["1"]
    assert select_sessions_to_delete(disk.holdings, disk.files, 6) == ["0", "1", "2"]


def test_files_that_are_gone_free_nothing_and_links_are_not_measured(tmp_path: Path) -> None:
    disk = Disk([([(1, 0)], 0), ([(1, 1)], 0)], {}, [5] * 6)
    del disk.files[1, 0]  # somebody has deleted it
    assert select_sessions_to_delete(disk.holdings, disk.files, 5) == ["1"]
    media = tmp_path / "media"
    media.mkdir()
    file = media / f"{'a' * 32}.mp4"
    file.write_bytes(b"x" * 5000)
    (media / f"{'b' * 32}.mp4").symlink_to(file)
    (media / f"{'c' * 32}.mp4").mkdir()
    usage = measure_disk_usage(tmp_path)
    assert list(usage.names) == [f"media/{file.name}"]
    assert usage.total >= 5000
