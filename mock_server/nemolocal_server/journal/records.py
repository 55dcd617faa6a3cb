"""The entries of a store: the newest 10,000, found again by who, what and where."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.journal import Entry

from ..store import Store
from .evidence import Evidence
from .hindsight import Fate, Hindsight

MAX_ENTRIES = 10_000
# Old entries go in batches: one deletion for many insertions.
_BATCH = 100
_PAGE = 100

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries: None for any; `since` is an entry's id: only later ones;
    `limit` is the most that are told, None for all."""

    token_id: Number | None = None
    user_id: str | None = None
    endpoint: str | None = None
    session: str | None = None
    since: Number = 0
    limit: Number | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition of SQL and its values."""
        columns = {
            "token_id": self.token_id,
            "user_id": self.user_id,
            "endpoint": self.endpoint,
            "session_id": self.session,
        }
        values = {name: value for name, value in columns.items() if value is not None}
        conditions = ["id > :since", *(f"{name} = :{name}" for name in values)]
        return " AND ".join(conditions), {**values, "since": self.since}


class _Row(msgspec.Struct, frozen=True):
    id: int
    entry: str


class Journal:
    """Keeps entries, and tells them with what is known of them by then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hindsight = Hindsight(store)
        self._added = 0
        self.evidence = Evidence(store)

    def add(self, entry: Entry) -> None:
        """Keep an entry; the oldest make room."""
        self._store.postpone(
            """INSERT INTO journal (token_id, user_id, endpoint, session_id, code, turn, entry)
               VALUES (:token_id, :user_id, :endpoint, :session_id, :code, :turn, :entry)""",
            token_id=entry.token_id,
            user_id=entry.user_id,
            endpoint=entry.endpoint,
            session_id=entry.session_id,
            code=entry.code,
            turn=entry.turn.number if entry.turn else None,
            entry=encode_json(entry).decode(),
        )
        self._added += 1
        if self._added % _BATCH == 0:
            self._drop_oldest()

    def entries(self, wanted: Wanted) -> Iterator[Entry]:
        """The entries, oldest first, read a page at a time."""
        self._store.catch_up()
        left = sys.maxsize if wanted.limit is None else wanted.limit
        since = wanted.since
        while left > 0:
            size = min(left, _PAGE)
            page = self._page(msgspec.structs.replace(wanted, since=since), size)
            yield from page
            if len(page) < size:
                return
            left, since = left - len(page), page[-1].id

    def turns(self, wanted: Wanted) -> list[Fate]:
        """What became of the turns that the entries began."""
        self._store.catch_up()
        condition, values = wanted.where()
        rows = self._store.all(
            dict[str, Any],
            f"SELECT session_id, turn FROM journal WHERE turn IS NOT NULL AND {condition}",
            **values,
        )
        fates = (self._hindsight.fate(row["session_id"], row["turn"]) for row in rows)
        return [fate for fate in fates if fate is not None]

    def counts(self, wanted: Wanted) -> dict[str, dict[str, int]]:
        """How many entries there are by endpoint and code; `other` and `none` where they lack."""
        self._store.catch_up()
        condition, values = wanted.where()
        rows = self._store.all(
            dict[str, Any],
            f"""SELECT coalesce(endpoint, 'other') AS endpoint, count(*) AS count,
                coalesce(cast(code AS TEXT), 'none') AS code FROM journal WHERE {condition}
                GROUP BY 1, 3 ORDER BY 1, 3""",
            **values,
        )
        counts: dict[str, dict[str, int]] = {}
        for row in rows:
            counts.setdefault(row["endpoint"], {})[row["code"]] = row["count"]
        return counts

    @property
    def last_id(self) -> int:
        """The id of the newest entry, 0 where there is none."""
        self._store.catch_up()
        return int(self._store.value("SELECT max(id) FROM journal") or 0)

    @property
    def dropped(self) -> int:
        """How many entries have made room for newer ones."""
        return int(self._store.value("SELECT coalesce(sum(count), 0) FROM journal_dropped"))

    def clear(self) -> int:
        """Forget everything, the number dropped too; how many entries that were."""
        with self._store.transaction():
            count = int(self._store.value("SELECT count(*) FROM journal"))
            self._store.execute("DELETE FROM journal")
            self._store.execute("DELETE FROM journal_dropped")
        return count

    def _page(self, wanted: Wanted, size: int) -> list[Entry]:
        condition, values = wanted.where()
        rows = self._store.all(
            _Row,
            f"SELECT id, entry FROM journal WHERE {condition} ORDER BY id LIMIT :limit",
            **values,
            limit=size,
        )
        return [self._told(row) for row in rows]

    def _told(self, row: _Row) -> Entry:
        entry = msgspec.structs.replace(decode_json(row.entry, type=Entry), id=row.id)
        return self._hindsight.entry(entry)

    def _drop_oldest(self) -> None:
        newest = self.last_id
        first = self._store.value("SELECT min(id) FROM journal")
        if first is None or newest - first < MAX_ENTRIES:
            return
        oldest = self._store.value(
            "SELECT id FROM journal ORDER BY id DESC LIMIT 1 OFFSET :kept", kept=MAX_ENTRIES
        )
        if oldest is None:
            return
        with self._store.transaction():
            self._store.execute(
                """INSERT INTO journal_dropped (count)
                   SELECT count(*) FROM journal WHERE id <= :oldest""",
                oldest=oldest,
            )
            self._store.execute("DELETE FROM journal WHERE id <= :oldest", oldest=oldest)
