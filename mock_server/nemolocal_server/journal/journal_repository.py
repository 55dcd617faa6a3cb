"""The journal in the store: entries that wait to be written, are stored, found and deleted.

An exchange costs its request almost nothing: it waits in memory (`JournalWriteQueue`) and is turned
into an entry and stored when there is time, or when somebody reads the journal.
"""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from nemolocal_contract.journal import Entry, TurnEntry
from nemolocal_contract.responses import decode_json, encode_json

from ..data.storage_errors import STORAGE_ERRORS
from ..data.store import Store
from .exchange import RecordedExchange, StateLookup, build_entry
from .journal_limits import EntryTotals, JournalLimits, compute_excess, entry_kind
from .turn_results import TurnResult, TurnResults

log = logging.getLogger("nemolocal")

MAX_QUEUE_BYTES = 32 * 1024 * 1024
BUSY_THRESHOLD = 40
"""More exchanges than this between two checks (2,000 a second) are a load: requests come first."""
_CHECK_SECONDS = 0.02
# After a failed write, for instance on a full disk.
_RETRY_SECONDS = 1.0
# Streams wait while a batch is written, so it is small: exchanges, and about their bytes.
_BATCH, _BATCH_BYTES = 100, 512 * 1024
_PAGE = 100

NonNegativeInt = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class JournalWriteQueue:
    """Exchanges in the order in which they ended; `write` gets them in batches.

    The second argument of `write` is the number of exchanges dropped since its last call. What
    cannot be written, since the disk is full for instance, stays in the queue. If the queue gets
    too large, the oldest exchanges are dropped, turns of the chat last.
    """

    def __init__(self, write: Callable[[Sequence[RecordedExchange], int], None]) -> None:
        self._write = write
        self._waiting: deque[RecordedExchange] = deque()
        # Turns that are older than the exchanges dropped so far: they come first.
        self._older_turns: deque[RecordedExchange] = deque()
        self._dropped = 0
        self._bytes = 0
        self._added_since_check = 0
        self._stuck = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._older_turns)

    def add(self, exchange: RecordedExchange) -> None:
        """Add an exchange; if memory runs short, the oldest are written now or dropped."""
        self._waiting.append(exchange)
        exchange.memory_size = exchange.estimate_memory_size()
        self._bytes += exchange.memory_size
        self._added_since_check += 1
        while self._bytes > MAX_QUEUE_BYTES:
            if self._stuck or not self._try_batch():
                self.drop_oldest()
        if self._timer is None:
            self._check_later(_CHECK_SECONDS)

    def drop_oldest(self) -> None:
        """Drop the oldest exchange; a turn only if nothing else waits."""
        while self._waiting and self._waiting[0].annotations.turn is not None:
            self._older_turns.append(self._waiting.popleft())
        oldest = (self._waiting or self._older_turns).popleft()
        self._bytes -= oldest.memory_size
        self._dropped += 1

    @property
    def dropped_count(self) -> int:
        """How many were dropped since `write` was last called."""
        return self._dropped

    def flush(self) -> None:
        """Write all that waits; raises the error if that fails."""
        while len(self):
            self._write_batch()

    def discard(self) -> None:
        """Forget what waits without counting it as dropped."""
        self._waiting.clear()
        self._older_turns.clear()
        self._dropped = self._bytes = 0

    def close(self) -> None:
        """Write what can be written, drop the rest and stop the timer."""
        while len(self) and self._try_batch():
            pass
        dropped = self._dropped + len(self)
        self.discard()
        self._dropped = dropped
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        busy, self._added_since_check = self._added_since_check > BUSY_THRESHOLD, 0
        if not len(self):
            return
        if (busy and not self._stuck) or self._try_batch():
            self._check_later(_CHECK_SECONDS)
        else:
            self._check_later(_RETRY_SECONDS)

    def _try_batch(self) -> bool:
        """Write a batch; False if that fails, which is logged once."""
        try:
            self._write_batch()
        except STORAGE_ERRORS as error:
            if not self._stuck:
                log.warning("cannot write the journal, will retry: %s", error)
            self._stuck = True
        return not self._stuck

    def _write_batch(self) -> None:
        batch: list[RecordedExchange] = []
        room = _BATCH_BYTES
        self._waiting.extendleft(reversed(self._older_turns))
        self._older_turns.clear()
        while self._waiting and len(batch) < _BATCH and room > 0:
            batch.append(self._waiting.popleft())
            room -= batch[-1].memory_size
        self._bytes -= _BATCH_BYTES - room
        dropped, self._dropped = self._dropped, 0
        try:
            self._write(batch, dropped)
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            self._bytes += _BATCH_BYTES - room
            self._dropped += dropped
            raise
        self._stuck = False


class JournalQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries; None for any. `since` is an entry's id: only later ones. `limit` is the
    largest number of entries."""

    token_id: NonNegativeInt | None = None
    user_id: str | None = None
    endpoint: str | None = None
    session: str | None = None
    since: NonNegativeInt = 0
    limit: NonNegativeInt | None = None

    def to_sql(self) -> tuple[str, dict[str, Any]]:
        """An SQL condition and its values."""
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


class JournalRepository:
    """The journal of a store. Reading writes first what still waits, so nothing is missing."""

    def __init__(self, store: Store, limits: JournalLimits | None = None) -> None:
        self._store = store
        self._limits = limits or JournalLimits()
        self._turn_results = TurnResults(store)
        self._queue = JournalWriteQueue(self._write)
        self.state_lookup = StateLookup(store)

    def add(self, exchange: RecordedExchange) -> None:
        """Add an exchange; if too many wait, the oldest is dropped."""
        if len(self._queue) >= self._limits.max_entries:
            self._queue.drop_oldest()
        self._queue.add(exchange)

    def flush(self) -> None:
        """Write what waits: before anybody reads or copies the store."""
        self._queue.flush()

    def discard_pending(self) -> None:
        """After a restore or a reset: forget what waits, and the hashes of drafts."""
        self._queue.discard()
        self.state_lookup.clear_cache()

    def close(self) -> None:
        """Write what waits; what cannot be written is counted as dropped."""
        self._queue.close()
        if dropped := self._queue.dropped_count:
            log.warning("%d entries of the journal could not be written", dropped)

    def read_entries(self, wanted: JournalQuery) -> Iterator[Entry]:
        """Read entries, oldest first, a page at a time."""
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
        """The results of the turns that these entries began."""
        self.flush()
        condition, values = wanted.to_sql()
        rows = self._store.fetch_all(
            dict[str, Any],
            f"SELECT id, session_id, turn FROM journal WHERE turn IS NOT NULL AND {condition}",
            **values,
        )
        results = (
            self._turn_results.find(row["session_id"], row["turn"])
            or self._read_stored_turn(row["id"])
            for row in rows
        )
        return [result for result in results if result is not None]

    def store_turn_results(self, sessions: Sequence[str]) -> None:
        """Store the results of turns in their entries: their sessions are about to be deleted."""
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
        """Delete what is older than `max_age`, also while no requests come in."""
        if self._limits.max_age:
            self.flush()
            with self._store.transaction():
                self._count_dropped(self._delete_before(now - self._limits.max_age))

    def count_entries(self, wanted: JournalQuery) -> dict[str, dict[str, int]]:
        """The number of entries by endpoint (or `other`) and by code (or `none`)."""
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

    def count_simulated_turns(self, wanted: JournalQuery) -> int:
        """The number of turns whose edit only stands for what was asked for."""
        self.flush()
        condition, values = wanted.to_sql()
        count = self._store.fetch_value(
            f"""SELECT count(*) FROM journal WHERE turn IS NOT NULL AND {condition}
                AND json_extract(entry, '$.turn.understood') = 'none'
                AND json_extract(entry, '$.turn.edits') > 0""",
            **values,
        )
        return int(count)

    @property
    def last_id(self) -> int:
        """The id of the newest entry; 0 if there is none."""
        self.flush()
        return int(self._store.fetch_value("SELECT max(id) FROM journal") or 0)

    @property
    def dropped(self) -> int:
        """How many entries were deleted to make room, or could not be written."""
        self.flush()
        stored = self._store.fetch_value("SELECT coalesce(sum(count), 0) FROM journal_dropped")
        return int(stored) + self._queue.dropped_count

    def clear(self) -> int:
        """Delete all entries and the count of dropped ones; return the number of entries."""
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
        """The result that was stored in an entry before its session was deleted."""
        text = self._store.fetch_value("SELECT entry FROM journal WHERE id = :id", id=entry_id)
        turn = decode_json(text, type=Entry).turn
        return turn if turn is not None and turn.truth != "unknown" else None

    def _read_entry(self, row: _JournalRow) -> Entry:
        entry = msgspec.structs.replace(decode_json(row.entry, type=Entry), id=row.id)
        return self._turn_results.complete_entry(entry)

    def _write(self, exchanges: Sequence[RecordedExchange], dropped: int) -> None:
        """Store exchanges; `dropped` ones before them have used up ids too."""
        # Cleared entries do not give their ids back.
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'"
        first = int(self._store.fetch_value(query) or 0) + dropped + 1
        rows = [self._row(exchange) for exchange in exchanges]
        with self._store.transaction():
            for entry_id, row in enumerate(rows, first):
                if row is not None:
                    self._insert(entry_id, *row)
            dropped += rows.count(None) + self._make_room()
            if exchanges and self._limits.max_age:
                dropped += self._delete_before(exchanges[-1].ended - self._limits.max_age)
            self._count_dropped(dropped)

    def _row(self, exchange: RecordedExchange) -> tuple[Entry, str] | None:
        """An entry and its JSON; None if it cannot be built."""
        try:
            entry = build_entry(exchange, self._store.known_tokens)
            return entry, encode_json(entry).decode()
        except Exception:
            # A defect of ours must not block the queue for ever.
            log.exception("cannot build the journal entry of a %s request", exchange.method)
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

    def _make_room(self) -> int:
        """Delete the oldest entries of each kind that is over its limit; return how many."""
        kinds = self._store.fetch_all(
            dict[str, int],
            "SELECT kind, count(*) AS count, sum(size) AS size FROM journal GROUP BY kind",
        )
        held = {row["kind"]: EntryTotals(row["count"], row["size"]) for row in kinds}
        return sum(
            self._delete_oldest(*item) for item in compute_excess(held, self._limits).items()
        )

    def _delete_oldest(self, kind: int, wanted: EntryTotals) -> int:
        """Delete the fewest oldest entries with this count and these bytes; return how many."""
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
        """Delete the entries that ended before a moment; return how many."""
        condition = "FROM journal WHERE ended < :moment"
        count = int(self._store.fetch_value(f"SELECT count(*) {condition}", moment=moment))
        if count:
            self._store.execute(f"DELETE {condition}", moment=moment)
        return count

    def _count_dropped(self, count: int) -> None:
        """Add to the count of dropped entries, which has one row."""
        if count:
            self._store.execute(
                """INSERT INTO journal_dropped (rowid, count) VALUES (1, :count)
                   ON CONFLICT (rowid) DO UPDATE SET count = count + excluded.count""",
                count=count,
            )
