"""The entries of a store: the newest of each kind, found again by who, what and where."""

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec

from nemolocal_contract.journal import Entry, TurnEntry
from nemolocal_contract.responses import decode_json, encode_json

from ..data.store import Store
from .annotations import StateLookup
from .exchange import RecordedExchange, build_entry
from .journal_limits import EntryTotals, JournalLimits, compute_excess, entry_kind
from .turn_results import TurnResult, TurnResults
from .write_queue import JournalWriteQueue

log = logging.getLogger("nemolocal")

_PAGE = 100

NonNegativeInt = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class JournalQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries: None for any; `since` is an entry's id: only later ones;
    `limit` is the most that are told, None for all."""

    token_id: NonNegativeInt | None = None
    user_id: str | None = None
    endpoint: str | None = None
    session: str | None = None
    since: NonNegativeInt = 0
    limit: NonNegativeInt | None = None

    def to_sql(self) -> tuple[str, dict[str, Any]]:
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


class _JournalRow(msgspec.Struct, frozen=True):
    id: int
    entry: str


class _KindTotals(msgspec.Struct, frozen=True):
    kind: int
    count: int
    size: int


class JournalRepository:
    """Keeps entries, and tells them with what is known of them by then.

    What comes in waits until there is time to write it down; who asks finds it all the same.
    """

    def __init__(self, store: Store, limits: JournalLimits | None = None) -> None:
        self._store = store
        self._limits = limits or JournalLimits()
        self._turn_results = TurnResults(store)
        self._queue = JournalWriteQueue(self._write)
        self.state_lookup = StateLookup(store)

    def add(self, exchange: RecordedExchange) -> None:
        """Keep an exchange; the oldest make room."""
        if len(self._queue) >= self._limits.max_entries:
            self._queue.drop_oldest()
        self._queue.add(exchange)

    def flush(self) -> None:
        """Write down what waits: for whoever reads or copies the store."""
        self._queue.flush()

    def discard_pending(self) -> None:
        """The store is at another time now: what waits never was, and drafts may be others."""
        self._queue.discard()
        self.state_lookup.clear_cache()

    def close(self) -> None:
        """Write down what waits, for the last time; what cannot be is counted as dropped."""
        self._queue.close()
        if self._queue.dropped_count:
            log.warning("%d entries of the journal could not be written", self._queue.dropped_count)

    def read_entries(self, wanted: JournalQuery) -> Iterator[Entry]:
        """The entries, oldest first, read a page at a time."""
        self.flush()
        left = sys.maxsize if wanted.limit is None else wanted.limit
        since = wanted.since
        while left > 0:
            size = min(left, _PAGE)
            page = self._page(msgspec.structs.replace(wanted, since=since), size)
            yield from page
            if len(page) < size:
                return
            left, since = left - len(page), page[-1].id

    def read_turn_results(self, wanted: JournalQuery) -> list[TurnResult | TurnEntry]:
        """What became of the turns that the entries began."""
        self.flush()
        condition, values = wanted.to_sql()
        rows = self._store.fetch_all(
            dict[str, Any],
            f"SELECT id, session_id, turn FROM journal WHERE turn IS NOT NULL AND {condition}",
            **values,
        )
        fates = (
            self._turn_results.find(row["session_id"], row["turn"])
            or self._read_stored_turn(row["id"])
            for row in rows
        )
        return [fate for fate in fates if fate is not None]

    def store_turn_results(self, sessions: Sequence[str]) -> None:
        """Write into the entries what became of the turns of sessions about to be forgotten."""
        self.flush()
        names = {f"s{number}": session for number, session in enumerate(sessions)}
        rows = self._store.fetch_all(
            _JournalRow,
            f"""SELECT id, entry FROM journal WHERE turn IS NOT NULL
                AND session_id IN ({", ".join(f":{name}" for name in names)})""",
            **names,
        )
        for row in rows:
            text = encode_json(self._read_entry(row)).decode()
            self._store.execute(
                "UPDATE journal SET entry = :entry, size = :size WHERE id = :id",
                id=row.id,
                entry=text,
                size=len(text.encode()),
            )

    def delete_expired(self, now: float) -> None:
        """Drop what is older than the journal is to keep; for when nothing comes in."""
        if self._limits.max_age:
            self.flush()
            with self._store.transaction():
                self._count_dropped(self._delete_before(now - self._limits.max_age))

    def count_entries(self, wanted: JournalQuery) -> dict[str, dict[str, int]]:
        """How many entries there are by endpoint and code; `other` and `none` where they lack."""
        self.flush()
        condition, values = wanted.to_sql()
        rows = self._store.fetch_all(
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
        self.flush()
        return int(self._store.fetch_value("SELECT max(id) FROM journal") or 0)

    @property
    def dropped(self) -> int:
        """How many entries are no longer here: they made room, or could not be written."""
        self.flush()
        stored = self._store.fetch_value("SELECT coalesce(sum(count), 0) FROM journal_dropped")
        return int(stored) + self._queue.dropped_count

    def clear(self) -> int:
        """Forget everything, the number dropped too; how many entries that were."""
        self.flush()
        with self._store.transaction():
            count = int(self._store.fetch_value("SELECT count(*) FROM journal"))
            self._store.execute("DELETE FROM journal")
            self._store.execute("DELETE FROM journal_dropped")
        return count

    def _page(self, wanted: JournalQuery, size: int) -> list[Entry]:
        condition, values = wanted.to_sql()
        rows = self._store.fetch_all(
            _JournalRow,
            f"SELECT id, entry FROM journal WHERE {condition} ORDER BY id LIMIT :limit",
            **values,
            limit=size,
        )
        return [self._read_entry(row) for row in rows]

    def _read_stored_turn(self, entry_id: int) -> TurnEntry | None:
        """What was written into an entry before its session was forgotten."""
        text = self._store.fetch_value("SELECT entry FROM journal WHERE id = :id", id=entry_id)
        turn = decode_json(text, type=Entry).turn
        return turn if turn is not None and turn.truth != "unknown" else None

    def _read_entry(self, row: _JournalRow) -> Entry:
        entry = msgspec.structs.replace(decode_json(row.entry, type=Entry), id=row.id)
        return self._turn_results.complete_entry(entry)

    def _write(self, exchanges: Sequence[RecordedExchange], given_up: int) -> None:
        """Store exchanges; those given up before them have had their ids too."""
        first = self._last_used_id + given_up + 1
        rows = [self._row(exchange) for exchange in exchanges]
        with self._store.transaction():
            for entry_id, row in enumerate(rows, first):
                if row is not None:
                    self._insert(entry_id, *row)
            dropped = given_up + rows.count(None) + self._make_room()
            if exchanges and self._limits.max_age:
                dropped += self._delete_before(exchanges[-1].ended - self._limits.max_age)
            self._count_dropped(dropped)

    def _row(self, exchange: RecordedExchange) -> tuple[Entry, str] | None:
        """An entry and its text; None, which counts as dropped, where there is none to be had."""
        try:
            entry = build_entry(exchange, self._store.known_tokens)
            return entry, encode_json(entry).decode()
        except Exception:
            # A defect of ours: it must not keep the others waiting for ever.
            log.exception("an exchange (%s) cannot be understood", exchange.method)
            return None

    def _insert(self, entry_id: int, entry: Entry, text: str) -> None:
        self._store.execute(
            """INSERT INTO journal (id, token_id, user_id, endpoint, session_id, code, turn, entry,
                   kind, size, ended)
               VALUES (:id, :token_id, :user_id, :endpoint, :session_id, :code, :turn, :entry,
                   :kind, :size, :ended)""",
            id=entry_id,
            token_id=entry.token_id,
            user_id=entry.user_id,
            endpoint=entry.endpoint,
            session_id=entry.session_id,
            code=entry.code,
            turn=entry.turn.number if entry.turn else None,
            entry=text,
            kind=entry_kind(entry.endpoint, turn=entry.turn is not None),
            size=len(text.encode()),
            ended=entry.ended,
        )

    @property
    def _last_used_id(self) -> int:
        """The highest id that there has ever been: cleared entries do not give theirs back."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'"
        return int(self._store.fetch_value(query) or 0)

    def _make_room(self) -> int:
        """Delete the oldest entries of the kinds of which there are too many; how many."""
        kinds = self._store.fetch_all(
            _KindTotals,
            "SELECT kind, count(*) AS count, sum(size) AS size FROM journal GROUP BY kind",
        )
        held = {row.kind: EntryTotals(row.count, row.size) for row in kinds}
        return sum(
            self._delete_oldest(*item) for item in compute_excess(held, self._limits).items()
        )

    def _delete_oldest(self, kind: int, wanted: EntryTotals) -> int:
        """Delete as few of the oldest as are so many, with so many bytes; how many that were."""
        count = size = last = 0
        while count < wanted.count or size < wanted.size:
            query = """SELECT id, size FROM journal WHERE kind = :of AND id > :last
                       ORDER BY id LIMIT :page"""
            page = self._store.fetch_all(dict[str, int], query, of=kind, last=last, page=_PAGE)
            if not page:
                break
            for row in page:
                if count >= wanted.count and size >= wanted.size:
                    break
                count, size, last = count + 1, size + row["size"], row["id"]
        if count:
            self._store.execute(
                "DELETE FROM journal WHERE kind = :kind AND id <= :last", kind=kind, last=last
            )
        return count

    def _delete_before(self, moment: float) -> int:
        """Delete the entries that had ended before a moment; how many there were."""
        condition = "FROM journal WHERE ended < :moment"
        count = int(self._store.fetch_value(f"SELECT count(*) {condition}", moment=moment))
        if count:
            self._store.execute(f"DELETE {condition}", moment=moment)
        return count

    def _count_dropped(self, count: int) -> None:
        """Count entries as dropped, in the one row that there is for it."""
        if count:
            self._store.execute(
                """INSERT INTO journal_dropped (rowid, count) VALUES (1, :count)
                   ON CONFLICT (rowid) DO UPDATE SET count = count + excluded.count""",
                count=count,
            )
