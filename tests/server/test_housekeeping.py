"""A data folder stays within its limits; what runs, is in a snapshot or has a name stays."""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_render.media import MediaInfo
from nemolocal_server import ids
from nemolocal_server.data.sessions import Asset, SessionRecord
from nemolocal_server.data.tokens import NewToken, TokenRecord
from nemolocal_server.errors import ContractError
from nemolocal_server.exports.export_service import ExportRecord
from nemolocal_server.journal.journal_repository import JournalQuery
from nemolocal_server.journal.summary import summarise
from nemolocal_server.retention.housekeeping import KEPT_SESSIONS
from nemolocal_server.retention.retention_policy import (
    TEMPORARY_RETENTION,
    UNLIMITED_RETENTION,
    Retention,
    measure_disk_usage,
)
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support.clips import open_session

T = TypeVar("T")
MEGABYTE = 10**6
DAY = 86_400.0
CLIP = MediaInfo("video", "mp4", 1.0, 64, 64, 30.0)


class ServerHarness:
    """A server without a socket, its clock and its loop; whoever works at it has a token."""

    def __init__(self, folder: Path | None, **settings: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.server = self.run(self._open(Settings(data_dir=folder, **settings)))
        self.context = self.server.context
        self.context.store.wall_clock = self.clock
        self.folder = self.context.store.folder
        self.token: TokenRecord = self.server.create_token(NewToken(expires_in=3000 * DAY))[1]

    async def _open(self, settings: Settings) -> Services:
        server = Services(settings, self.clock)
        server.start()
        return server

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def session(self) -> SessionRecord:
        return open_session(self.context, self.token)

    def upload(self, session: SessionRecord, size: int, content: bytes = b"") -> Path:
        """A file in a session, of so many bytes; with the same content it is the same file."""
        asset_id = ids.new_file_id()
        asset = Asset(asset_id, session.id, "upload", "a.mp4", content.hex() or asset_id, CLIP)
        received = self.context.store.work / asset.stored_name
        received.write_bytes((content or os.urandom(16)).ljust(size, b"x"))
        self.context.assets.add([(asset, received)])
        return self.context.assets.file_path(asset)

    def tidy(self) -> None:
        self.run(self.server.housekeeping.enforce_retention())

    def sessions(self) -> list[str]:
        return self.context.store.fetch_column("SELECT id FROM sessions ORDER BY rowid")

    def pass_days(self, days: float) -> None:
        self.run(self.clock.advance(days * DAY))

    def close(self) -> None:
        self.run(self.server.close())
        self.loop.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def harnesses() -> Iterator[list[ServerHarness]]:
    opened: list[ServerHarness] = []
    yield opened
    for harness in opened:
        harness.close()


@pytest.fixture
def bounded(folder: Path, harnesses: list[ServerHarness]) -> ServerHarness:
    """A server whose folder may hold 20 MB, for 30 days."""
    harnesses.append(ServerHarness(folder, retention=Retention(30 * DAY, 20 * MEGABYTE)))
    return harnesses[-1]


def test_only_work_without_a_named_folder_is_temporary() -> None:
    assert Settings().effective_retention == TEMPORARY_RETENTION
    assert Settings(data_dir=Path("mine")).effective_retention == UNLIMITED_RETENTION
    own = Retention(max_age=1.0)
    assert (
        Settings(retention=own).effective_retention
        == Settings(data_dir=Path("a"), retention=own).effective_retention
        == own
    )


def test_what_nobody_used_for_long_is_forgotten_with_its_files(bounded: ServerHarness) -> None:
    old, looked_into, fresh = (bounded.session() for _ in range(3))
    gone = bounded.upload(old, 1000)
    kept = bounded.upload(looked_into, 1000)
    bounded.pass_days(20)
    bounded.context.sessions.touch(bounded.context.sessions.find(bounded.token, looked_into.id))
    bounded.upload(fresh, 1000)
    bounded.pass_days(15)
    bounded.tidy()
    assert bounded.sessions() == [looked_into.id, fresh.id]
    assert (gone.exists(), kept.exists()) == (False, True)
    with pytest.raises(ContractError, match="Session not found"):
        bounded.context.sessions.find(bounded.token, old.id)


@pytest.mark.slow
def test_a_folder_of_a_name_keeps_everything(folder: Path, harnesses: list[ServerHarness]) -> None:
    harnesses.append(harness := ServerHarness(folder))
    harness.upload(harness.session(), 5 * MEGABYTE)
    harness.pass_days(3000)
    harness.tidy()
    assert len(harness.sessions()) == 1


@pytest.mark.slow
def test_where_too_much_is_there_what_was_unused_for_longest_goes(bounded: ServerHarness) -> None:
    for _ in range(40):
        bounded.upload(bounded.session(), MEGABYTE)
        bounded.pass_days(0.01)
    everybody = bounded.sessions()
    bounded.tidy()
    left = bounded.sessions()
    assert left == everybody[-len(left) :]
    assert len(left) >= KEPT_SESSIONS
    assert measure_disk_usage(bounded.folder).total <= 20 * MEGABYTE
    assert len(list((bounded.folder / "media").iterdir())) == 2 * len(left)


@pytest.mark.slow
def test_room_is_made_while_files_come(bounded: ServerHarness) -> None:
    bounded.tidy()

    async def work() -> None:
        for _ in range(35):
            bounded.upload(bounded.session(), MEGABYTE)
            bounded.clock.wait(60)
            while (task := bounded.server.housekeeping._task) and not task.done():
                await task
            assert measure_disk_usage(bounded.folder).total < 22 * MEGABYTE

    bounded.run(work())


@pytest.mark.slow
def test_equal_files_are_kept_once_and_go_with_their_last_session(bounded: ServerHarness) -> None:
    sessions = [bounded.session() for _ in range(40)]
    paths = [bounded.upload(session, MEGABYTE, b"the same") for session in sessions]
    assert {path.stat().st_ino for path in paths} == {paths[0].stat().st_ino}
    bounded.tidy()
    assert bounded.sessions() == [session.id for session in sessions]
    bounded.server.snapshots._deleter.delete_sessions([s.id for s in sessions[1:]])
    assert paths[0].read_bytes().startswith(b"the same")
    assert sum(path.exists() for path in paths) == 1


@pytest.mark.slow
def test_a_file_that_was_changed_by_somebody_is_no_copy(bounded: ServerHarness) -> None:
    first = bounded.upload(bounded.session(), 1000, b"the same")
    first.write_bytes(b"cut")
    second = bounded.upload(bounded.session(), 1000, b"the same")
    first.unlink()
    third = bounded.upload(bounded.session(), 1000, b"the same")
    assert second.read_bytes() == third.read_bytes() == b"the same".ljust(1000, b"x")


def test_where_there_are_no_hard_links_there_are_copies(
    bounded: ServerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    paths = [bounded.upload(bounded.session(), 1000, b"the same") for _ in range(2)]
    assert [path.stat().st_nlink for path in paths] == [1, 1]


@pytest.mark.slow
def test_snapshots_stay_and_so_does_what_was_put_back(bounded: ServerHarness) -> None:
    film = bounded.upload(bounded.session(), 15 * MEGABYTE)
    content = film.read_bytes()
    snapshot = bounded.server.snapshots.create()
    before = bounded.sessions()
    bounded.pass_days(40)
    bounded.tidy()
    assert bounded.sessions() == []
    assert not film.exists()
    bounded.run(bounded.server.snapshots.restore(snapshot))
    bounded.tidy()
    assert (bounded.sessions(), film.read_bytes() == content) == (before, True)


def test_nothing_is_forgotten_for_files_that_a_snapshot_keeps(
    bounded: ServerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(30):
        bounded.upload(bounded.session(), MEGABYTE)
    bounded.server.snapshots.create()
    everybody = bounded.sessions()
    for _ in range(2):
        bounded.tidy()
    assert bounded.sessions() == everybody
    assert caplog.text.count("more than its limit of 20 MB: what is left is in use or in snap") == 1


@pytest.mark.slow
def test_what_runs_is_left_alone(bounded: ServerHarness) -> None:
    session = bounded.session()
    bounded.upload(session, 1000)

    async def play() -> None:
        bounded.server.turns.start(bounded.token, session, "edit my raw video footage")
        bounded.context.store.execute("UPDATE sessions SET used = 0")
        await bounded.server.housekeeping.enforce_retention()
        assert bounded.sessions() == [session.id]
        await bounded.clock.advance(2000)
        while bounded.server.turns.tasks.running_count:
            await asyncio.sleep(0)
        bounded.context.store.execute("UPDATE sessions SET used = 0")
        await bounded.server.housekeeping.enforce_retention()

    bounded.run(play())
    assert bounded.sessions() == []


def test_credits_and_sums_outlive_the_session(bounded: ServerHarness) -> None:
    session = bounded.session()
    bounded.upload(session, 1000)

    async def play() -> None:
        bounded.server.turns.start(bounded.token, session, "edit my raw video footage")
        await bounded.clock.advance(2000)

    bounded.run(play())
    bounded.context.store.execute(
        """INSERT INTO journal (endpoint, session_id, turn, kind, entry) VALUES ('chat', :session,
           1, 2, '{"started":0,"ended":9e9,"ending":"complete","method":"POST","url":"/run_sse",
           "endpoint":"chat","status":200,"code":0,"rules":[],"faults":[],"token_id":1,
           "user_id":null,"session_id":"' || :session || '","render_id":null,"turn":{"number":1,
           "edits":1},"credits_before":null,"credits_after":null,"draft_before":null,
           "draft_after":null,"request_headers":{},"request_body":"","request_size":0,
           "response_headers":{},"response_body":"","response_size":0,"chunks":[]}')""",
        session=session.id,
    )
    before = summarise(bounded.server.journal, JournalQuery())
    (entry,) = bounded.server.journal.read_entries(JournalQuery())
    assert before.credits.spent == 50
    balance = bounded.context.ledger.balance(bounded.token.id)
    bounded.pass_days(40)
    bounded.tidy()
    assert bounded.sessions() == []
    assert summarise(bounded.server.journal, JournalQuery()) == before
    assert list(bounded.server.journal.read_entries(JournalQuery())) == [entry]
    assert bounded.context.ledger.balance(bounded.token.id) == balance


@pytest.mark.slow
def test_tokens_go_when_they_have_long_expired_and_have_no_session(bounded: ServerHarness) -> None:
    kept = bounded.token.id
    _, gone = bounded.server.create_token(NewToken(expires_in=7 * DAY))
    bounded.pass_days(30)
    bounded.tidy()
    assert bounded.context.store.fetch_column("SELECT id FROM tokens ORDER BY id") == [
        kept,
        gone.id,
    ]
    bounded.pass_days(8)
    bounded.tidy()
    assert bounded.context.store.fetch_column("SELECT id FROM tokens ORDER BY id") == [kept]
    _, fresh = bounded.server.create_token(NewToken())
    assert fresh.id > gone.id


@pytest.mark.slow
def test_ordinals_of_sessions_go_on_when_older_ones_have_gone(bounded: ServerHarness) -> None:
    first = bounded.session()
    bounded.pass_days(20)
    second = bounded.session()
    bounded.pass_days(15)
    bounded.tidy()
    assert bounded.sessions() == [second.id]
    assert (first.ordinal, second.ordinal, bounded.session().ordinal) == (1, 2, 3)


@pytest.mark.slow
def test_renders_that_stand_for_nothing_are_swept_at_the_start(folder: Path) -> None:
    ServerHarness(folder).close()
    orphan = folder / "renders" / f"{ids.new_file_id()}.mp4"
    orphan.write_bytes(b"x")
    ServerHarness(folder).close()
    assert not orphan.exists()


def test_the_database_gives_back_what_it_does_not_need(bounded: ServerHarness) -> None:
    store = bounded.context.store
    session = bounded.session()
    bounded.server.exports._repository.add(
        ExportRecord(1, "r", session.id, "failed", 0, "x" * 5 * MEGABYTE, "{}", ids.new_file_id())
    )
    store.incremental_vacuum()
    before = measure_disk_usage(bounded.folder).total
    bounded.pass_days(40)
    bounded.tidy()
    store.incremental_vacuum()
    assert measure_disk_usage(bounded.folder).total < before - 4 * MEGABYTE


def test_generated_clips_go_where_they_alone_are_too_much(bounded: ServerHarness) -> None:
    footage = bounded.folder / "footage" / f"{'a' * 32}.mp4"
    footage.parent.mkdir(exist_ok=True)
    footage.write_bytes(b"x" * (25 * MEGABYTE))
    kept = bounded.upload(bounded.session(), 1000)
    bounded.tidy()
    assert (footage.exists(), kept.exists()) == (False, True)


def test_a_folder_that_cannot_be_measured_now_is_checked_again_later(
    bounded: ServerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    housekeeping = bounded.server.housekeeping

    async def fail() -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr(housekeeping, "enforce_retention", fail)
    bounded.run(housekeeping._try_to_enforce())
    assert "cannot enforce the retention of the data folder now: the disk is away" in caplog.text
