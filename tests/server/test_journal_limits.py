"""What the journal keeps at most: turns are pushed out by turns alone, and the sums stay right."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.journal import TurnEntry
from nemolocal_server.data.store import Store
from nemolocal_server.journal.exchange import (
    BodyCapture,
    RecordedExchange,
    RequestAnnotations,
    StateLookup,
)
from nemolocal_server.journal.journal_limits import (
    READS,
    TURNS,
    WRITES,
    EntryTotals,
    JournalLimits,
    compute_excess,
)
from nemolocal_server.journal.journal_repository import JournalQuery, JournalRepository
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

SUMMARY = "/__nemolocal__/journal/summary"
JOURNAL = "/__nemolocal__/journal"
MEGABYTE = 1024 * 1024


@pytest.fixture
def store(tmp_path: Path, no_loop: None) -> Iterator[Store]:
    assert no_loop is None
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written by itself."""

    class Loop:
        def call_later(self, _seconds: float, _look: Callable[[], None]) -> "Loop":
            return self

        def cancel(self) -> None:
            pass

    monkeypatch.setattr(
        "nemolocal_server.journal.journal_repository.asyncio.get_running_loop", Loop
    )


def exchange(store: Store, path: str, method: str = "GET", **fields: Any) -> RecordedExchange:
    received = BodyCapture()
    received.add(fields.pop("body", b""))
    truth = RequestAnnotations(StateLookup(store))
    truth.turn = fields.pop("turn", None)
    return RecordedExchange(
        method, path, b"", [], truth, 0.0, received, BodyCapture(), status=200, **fields
    )


def turn(store: Store, number: int, **fields: Any) -> RecordedExchange:
    return exchange(store, "/run_sse", "POST", turn=TurnEntry(number, 1), **fields)


def poll(store: Store, **fields: Any) -> RecordedExchange:
    return exchange(store, "/api/credits/balance/simple", **fields)


def kept(journal: JournalRepository) -> list[str]:
    names = {"chat": "turn", "balance": "poll", "token": "token"}
    return [names[entry.endpoint or ""] for entry in journal.read_entries(JournalQuery())]


@pytest.mark.parametrize("at_once", [True, False], ids=["in a rush", "one by one"])
def test_polls_push_out_polls_and_never_a_turn(store: Store, at_once: bool) -> None:
    journal = JournalRepository(store, JournalLimits(max_entries=20))
    journal.add(exchange(store, "/api/auth/anonymous-token", "POST"))
    for number in range(5):
        journal.add(turn(store, number))
    for _ in range(300):
        journal.add(poll(store))
        if not at_once:
            journal.flush()
    found = kept(journal)
    assert found.count("turn") == 5
    assert len(found) <= 25
    assert journal.dropped == 306 - len(found)
    if not at_once:
        # What does something outlives what only looks.
        assert (found.count("token"), found.count("poll")) == (1, 19)


@pytest.mark.slow
def test_turns_push_out_the_oldest_turns(store: Store) -> None:
    journal = JournalRepository(store, JournalLimits(max_entries=10))
    for number in range(25):
        journal.add(turn(store, number))
        journal.add(poll(store))
        journal.flush()
    entries = list(journal.read_entries(JournalQuery()))
    assert [e.turn.number for e in entries if e.turn] == list(range(15, 25))
    assert (len(entries), journal.dropped) == (20, 30)


@pytest.mark.slow
def test_the_journal_is_bounded_in_bytes(store: Store) -> None:
    journal = JournalRepository(store, JournalLimits(max_bytes=MEGABYTE))
    journal.add(turn(store, 1, body=b"x" * 1000))
    for _ in range(60):
        journal.add(poll(store, body=b"x" * 50_000))
    journal.flush()
    size = store.fetch_value("SELECT sum(length(entry)) FROM journal")
    assert 0.4 * MEGABYTE < size < 0.6 * MEGABYTE
    assert kept(journal)[0] == "turn"
    assert journal.dropped == 61 - len(kept(journal))


def test_what_is_too_old_goes_turns_too(store: Store) -> None:
    journal = JournalRepository(store, JournalLimits(max_age=100.0))
    for ended in (0.0, 50.0, 120.0):
        journal.add(turn(store, int(ended), ended=ended))
    journal.flush()
    assert [entry.ended for entry in journal.read_entries(JournalQuery())] == [50.0, 120.0]
    journal.delete_expired(200.0)
    assert [entry.ended for entry in journal.read_entries(JournalQuery())] == [120.0]
    assert journal.dropped == 2


_HELD = st.builds(EntryTotals, st.integers(0, 60), st.integers(0, 4 * MEGABYTE))


@pytest.mark.slow
@given(_HELD, _HELD, _HELD, st.integers(1, 50))
def test_what_goes_is_just_enough_and_no_turn_goes_for_other_requests(
    reads: EntryTotals, acts: EntryTotals, turns: EntryTotals, most: int
) -> None:
    limits = JournalLimits(max_entries=most, max_bytes=2 * MEGABYTE)
    gone = compute_excess({READS: reads, WRITES: acts, TURNS: turns}, limits)
    assert gone[TURNS] == turns.exceeding(most, MEGABYTE)
    for name in ("count", "size"):
        there = getattr(reads, name) + getattr(acts, name)
        room = most if name == "count" else MEGABYTE
        went = getattr(gone[READS], name) + getattr(gone[WRITES], name)
        assert there - went == min(there, room)
        assert getattr(gone[READS], name) <= getattr(reads, name)
        assert getattr(gone[WRITES], name) <= getattr(acts, name)


@pytest.fixture
def busy(servers: ServerFactory, new_caller: NewCaller, sample: Path) -> HttpCaller:
    """A caller with a turn, and then more polls than the journal keeps."""
    caller = new_caller(servers.start(journal=JournalLimits(max_entries=40))).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    for _ in range(100):
        caller.balance()
    return caller


@pytest.mark.slow
def test_the_sum_has_its_turns_and_credits_after_many_polls(busy: HttpCaller) -> None:
    summary = busy.get(SUMMARY)
    assert (summary["turns"], summary["credits"]["spent"]) == (1, 50)
    assert summary["entries"] + summary["dropped"] == 104
    assert summary["line"].startswith(f"{summary['entries']} requests (")
    assert "1 turn, which would have cost 50 credits" in summary["line"]
    (chat,) = busy.get(f"{JOURNAL}?endpoint=chat")["entries"]
    assert (chat["turn"]["truth"], chat["turn"]["cost"]) == ("applied", 50)
