"""What the store remembers: faster, and never seen by whoever asks."""

from pathlib import Path

import msgspec
import pytest

from nemolocal_server.data.store import Store


class Total(msgspec.Struct, frozen=True):
    """A sum over everything."""

    total: int


ASKED = "SELECT coalesce(sum(count), 0) AS total FROM journal_dropped WHERE count > :least"
INSERT = "INSERT INTO journal_dropped (count) VALUES (:count)"


def total(store: Store) -> int:
    found = store.fetch_one_cached(Total, ASKED, least=0)
    assert found is not None
    return found.total


def test_what_is_remembered_follows_every_write_and_no_rollback(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert total(store) == 0
    store.execute(INSERT, count=1)
    assert (total(store), total(store)) == (1, 1)

    def fail_inside() -> None:
        with store.transaction():
            store.execute(INSERT, count=2)
            assert total(store) == 3
            raise KeyError("boom")

    with pytest.raises(KeyError):
        fail_inside()
    assert total(store) == 1
    store.back_up(tmp_path / "copy.sqlite3")
    store.execute(INSERT, count=4)
    assert total(store) == 5
    store.restore(tmp_path / "copy.sqlite3")
    assert total(store) == 1
    store.close()
