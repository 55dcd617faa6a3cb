"""What the journal puts off: bounded, found by whoever asks, and written without secrets."""

import asyncio
import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.journal import Entry
from nemolocal_server.app import build_app
from nemolocal_server.data.store import Store
from nemolocal_server.data.token_redaction import KnownTokens
from nemolocal_server.journal import exchange as exchanges, journal_repository
from nemolocal_server.journal.exchange import (
    BodyCapture,
    RecordedExchange,
    RequestAnnotations,
    StateLookup,
)
from nemolocal_server.journal.journal_limits import JournalLimits
from nemolocal_server.journal.journal_repository import (
    JournalQuery,
    JournalRepository,
    JournalWriteQueue,
)
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

JOURNAL = "/__nemolocal__/journal"
STORED = "SELECT id FROM journal ORDER BY id"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What the journal wants done a moment later, to be done by the test."""
    waiting: list[Callable[[], None]] = []

    class Loop:
        def call_later(self, _seconds: float, look: Callable[[], None]) -> "Loop":
            waiting.append(look)
            return self

        def cancel(self) -> None:
            waiting.clear()

    monkeypatch.setattr(
        "nemolocal_server.journal.journal_repository.asyncio.get_running_loop", Loop
    )
    return waiting


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def journal(store: Store, looks: list[Callable[[], None]]) -> JournalRepository:
    assert not looks
    return JournalRepository(store)


def exchange(store: Store, path: str = "/nowhere", body: bytes = b"") -> RecordedExchange:
    received = BodyCapture()
    received.add(body)
    truth = RequestAnnotations(StateLookup(store))
    return RecordedExchange("POST", path, b"", [], truth, 0.0, received, BodyCapture(), status=404)


def fill(journal: JournalRepository, store: Store, count: int) -> None:
    for number in range(count):
        journal.add(exchange(store, f"/{number}"))


@pytest.mark.slow
@pytest.mark.usefixtures("looks")
def test_what_makes_room_before_it_is_written_is_counted_and_never_understood(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    understood: list[str] = []

    def entry_of(copied: RecordedExchange, known: KnownTokens) -> Entry:
        understood.append(copied.path)
        return exchanges.build_entry(copied, known)

    monkeypatch.setattr("nemolocal_server.journal.journal_repository.build_entry", entry_of)
    journal = JournalRepository(store, JournalLimits(max_entries=250))
    fill(journal, store, 1000)
    assert not understood
    reported = list(journal.read_entries(JournalQuery()))
    assert understood == [f"/{number}" for number in range(750, 1000)]
    assert [entry.id for entry in reported] == list(range(751, 1001))
    assert (journal.dropped, journal.count_entries(JournalQuery())) == (
        750,
        {"other": {"404": 250}},
    )
    fill(journal, store, 10)
    assert (journal.dropped, journal.last_id) == (760, 1010)
    assert (journal.clear(), journal.dropped, journal.last_id) == (250, 0, 0)
    fill(journal, store, 1)
    assert journal.last_id == 1011


def test_what_is_too_much_for_memory_is_written_at_once_and_nothing_is_lost(
    journal: JournalRepository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_repository, "MAX_QUEUE_BYTES", 1_000_000)
    for _ in range(300):
        journal.add(exchange(store, body=b"x" * 10_000))
    waiting = 300 - len(store.fetch_column(STORED))
    assert 0 < waiting * 10_000 < 1_000_000
    assert (len(list(journal.read_entries(JournalQuery()))), journal.dropped) == (300, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "read", ["read_entries", "count_entries", "read_turn_results", "last_id", "dropped", "clear"]
)
def test_whoever_reads_finds_everything_that_waited(
    journal: JournalRepository, store: Store, read: str
) -> None:
    fill(journal, store, 150)
    assert store.fetch_column(STORED) == []
    asked: Any = getattr(JournalRepository, read)
    if isinstance(asked, property):
        getattr(journal, read)
    elif read == "clear":
        assert journal.clear() == 150
    else:
        list(asked(journal, JournalQuery()))
    assert len(store.fetch_column(STORED)) == (0 if read == "clear" else 150)


@pytest.mark.slow
def test_nothing_is_written_in_a_rush_and_all_of_it_slice_by_slice_after_it(
    journal: JournalRepository, store: Store, looks: list[Callable[[], None]]
) -> None:
    for _ in range(3):
        fill(journal, store, journal_repository.BUSY_THRESHOLD + 1)
        looks.pop()()
    assert store.fetch_column(STORED) == []
    seen = []
    while looks:
        looks.pop()()
        seen.append(len(store.fetch_column(STORED)))
    assert seen == [
        100,
        3 * (journal_repository.BUSY_THRESHOLD + 1),
        3 * (journal_repository.BUSY_THRESHOLD + 1),
    ]
    fill(journal, store, journal_repository.BUSY_THRESHOLD)
    looks.pop()()
    assert len(store.fetch_column(STORED)) == seen[-1] + journal_repository.BUSY_THRESHOLD


def test_the_journal_is_written_a_moment_later_by_itself(store: Store) -> None:
    async def wait() -> None:
        fill(JournalRepository(store), store, 2)
        while not store.fetch_column(STORED):
            await asyncio.sleep(0)

    asyncio.run(wait())
    assert store.fetch_column(STORED) == [1, 2]


@pytest.mark.slow
def test_closing_writes_everything_and_looks_no_more(
    journal: JournalRepository, store: Store, looks: list[Callable[[], None]]
) -> None:
    fill(journal, store, 150)
    journal.close()
    assert len(store.fetch_column(STORED)) == 150
    assert looks == []


class Disk:
    """Writes slices where there is room; `full` raises as SQLite or the system would."""

    def __init__(self) -> None:
        self.full: Exception | None = None
        self.tried: list[tuple[int, int]] = []
        self.written: list[str] = []

    def write(self, exchanges: Sequence[RecordedExchange], given_up: int) -> None:
        self.tried.append((len(exchanges), given_up))
        if self.full is not None:
            raise self.full
        self.written += [exchange.path for exchange in exchanges]


FULL = sqlite3.OperationalError("database or disk is full")


@pytest.mark.slow
@pytest.mark.parametrize("full", [FULL, OSError(28, "No space left on device")])
def test_what_cannot_be_written_waits_and_is_tried_again(
    store: Store, looks: list[Callable[[], None]], full: Exception
) -> None:
    disk = Disk()
    waiting = JournalWriteQueue(disk.write)
    disk.full = full
    for number in range(150):
        waiting.add(exchange(store, f"/{number}"))
    for _ in range(3):
        looks.pop()()
    assert (disk.tried[-1], len(waiting), len(looks)) == ((100, 0), 150, 1)
    with pytest.raises(type(full)):
        waiting.flush()
    disk.full = None
    while looks:
        looks.pop()()
    assert disk.written == [f"/{number}" for number in range(150)]


def test_where_memory_runs_short_and_nothing_can_be_written_the_oldest_are_given_up(
    store: Store, looks: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_repository, "MAX_QUEUE_BYTES", 100_000)
    disk = Disk()
    waiting = JournalWriteQueue(disk.write)
    disk.full = FULL
    for number in range(50):
        waiting.add(exchange(store, f"/{number}", b"x" * 10_000))
    assert len(waiting) * 10_000 < 100_000
    assert waiting.dropped_count == 50 - len(waiting)
    disk.full = None
    looks.pop()()
    assert disk.tried[-1] == (len(disk.written), 50 - len(disk.written))
    assert disk.written[-1] == "/49"
    assert waiting.dropped_count == 0


@pytest.mark.slow
def test_what_is_left_at_the_end_is_counted(store: Store, looks: list[Callable[[], None]]) -> None:
    disk = Disk()
    waiting = JournalWriteQueue(disk.write)
    disk.full = FULL
    for number in range(150):
        waiting.add(exchange(store, f"/{number}"))
    waiting.close()
    assert (waiting.dropped_count, len(waiting), looks) == (150, 0, [])


def test_an_exchange_that_nobody_understands_is_dropped_alone(
    journal: JournalRepository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry_of(copied: RecordedExchange, known: KnownTokens) -> Entry:
        if copied.path == "/3":
            raise ZeroDivisionError
        return exchanges.build_entry(copied, known)

    monkeypatch.setattr("nemolocal_server.journal.journal_repository.build_entry", entry_of)
    fill(journal, store, 10)
    reported = [entry.url for entry in journal.read_entries(JournalQuery())]
    assert reported == [f"/{number}" for number in range(10) if number != 3]
    assert (journal.dropped, journal.last_id) == (1, 10)


def test_a_journal_on_a_full_disk_loses_nothing_without_counting_it(
    journal: JournalRepository, store: Store, looks: list[Callable[[], None]]
) -> None:
    fill(journal, store, 10)
    assert journal.last_id == 10
    store.execute("PRAGMA max_page_count = 1")  # no more than there are
    for number in range(50):
        journal.add(exchange(store, f"/big/{number}", bytes([97 + number % 26]) * 60_000))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        list(journal.read_entries(JournalQuery()))
    looks.pop()()
    store.execute("PRAGMA max_page_count = 1000000")
    assert len(list(journal.read_entries(JournalQuery()))) == 60
    assert (journal.dropped, journal.last_id) == (0, 60)


@pytest.mark.slow
def test_a_snapshot_has_what_waited_and_restoring_forgets_what_waits(
    caller: HttpCaller, base_url: str
) -> None:
    snapshot = patient_http.post(f"{base_url}/__nemolocal__/snapshot", json={}).json()
    caller.balance()
    patient_http.post(f"{base_url}/__nemolocal__/restore", json=snapshot)
    caller.state()
    reported = patient_http.get(base_url + JOURNAL).json()["entries"]
    assert [(entry["id"], entry["endpoint"]) for entry in reported] == [
        (1, "token"), (2, "session"), (3, "state"),
    ]  # fmt: skip


@pytest.mark.slow
def test_forgetting_a_token_forgets_what_waited_of_it(
    caller: HttpCaller, new_caller: NewCaller, base_url: str
) -> None:
    new_caller(base_url, "other").connect()
    caller.balance()
    patient_http.post(f"{base_url}/__nemolocal__/reset", json={"token_id": 1})
    reported = patient_http.get(base_url + JOURNAL).json()["entries"]
    assert [(entry["id"], entry["token_id"]) for entry in reported] == [(3, 2), (4, 2)]


@pytest.mark.slow
def test_no_file_ever_has_a_token_in_it(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")

    def kept() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    for _ in range(3):
        caller.http.get(f"/api/nothing?t={token}", headers={"Cookie": token})
        caller.http.post("/api/nothing", content=token.encode())
        assert token.encode() not in kept()
        caller.get(JOURNAL)
        assert token.encode() not in kept()
    servers.stop()
    assert b"/api/nothing" in kept()
    assert token.encode() not in kept()


@pytest.mark.slow
def test_a_request_leaves_nothing_for_the_garbage_collector() -> None:
    app = build_app(Settings())

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        del message

    async def ask() -> None:
        scope = {
            "type": "http", "method": "GET", "path": "/api/credits/balance/simple", "root_path": "",
            "query_string": b"", "headers": [],
        }  # fmt: skip
        await app(scope, receive, send)

    def recorders() -> list[Any]:
        return [found for found in gc.get_objects() if type(found).__name__ == "_Recorder"]

    earlier = recorders()  # of other tests: what failed leaves some
    gc.disable()
    try:
        asyncio.run(ask())
        left = [found for found in recorders() if all(found is not known for known in earlier)]
    finally:
        gc.enable()
        asyncio.run(app.state.services.close())
    assert left == []
