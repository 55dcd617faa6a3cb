"""A data folder is believed by its proof, never by a name, and loses nothing that is not ours."""

import asyncio
import json
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.data.data_folder import APPLICATION_ID, identify_database
from nemolocal_server.data.store import Store, StoreError
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support.older_folders import ASSET, DATABASE, RENDER, SESSION, make_older_folder

PARTS = ("media", "renders", "footage", "work", "snapshots")
FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")
OURS = "0123456789abcdef0123456789abcdef"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def live(folder: Path, do: Callable[[Services], object] = lambda _: None) -> None:
    """Start a server on a folder, do something with it, and end it."""

    async def play() -> None:
        server = Services(Settings(data_dir=folder))
        try:
            server.start()
            done = do(server)
            if asyncio.iscoroutine(done):
                await done
        finally:
            await server.close()

    asyncio.run(play())


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder of the user's, with names of theirs and names like ours."""
    folder = tmp_path / "Videos"
    folder.mkdir()
    (folder / "wedding.mp4").write_bytes(b"precious")
    (folder / f"{OURS}.mp4").write_bytes(b"precious, too")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("database", ["none", "empty", "ours", "earlier"])
def test_a_part_that_is_a_link_is_refused_and_nothing_behind_it_is_lost(
    tmp_path: Path, videos: Path, database: str, subtests: pytest.Subtests
) -> None:
    for part in PARTS:
        with subtests.test(part):
            folder = tmp_path / part
            if database == "earlier":
                make_older_folder(folder, 1)
            elif database == "ours":
                Store(folder).close()
            else:
                folder.mkdir()
            if database == "empty":
                (folder / DATABASE).touch()
            if (folder / part).exists():
                (folder / part).rename(tmp_path / f"{part} away")
            (folder / part).symlink_to(videos)
            before = contents(videos), contents(folder)
            with pytest.raises(StoreError, match=rf"its `{part}` is a link.*--data"):
                live(folder)
            assert (contents(videos), contents(folder)) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_database_file_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    target = tmp_path / "somebody's"
    for exists in (True, False):
        folder = tmp_path / f"data-{exists}"
        Store(folder).close()
        (folder / name).unlink(missing_ok=True)
        if exists:
            target.write_bytes(b"not to be written to")
        (folder / name).symlink_to(target if exists else tmp_path / "nowhere")
        with pytest.raises(StoreError, match=rf"its `{name}` is a link"):
            Store(folder)
    assert target.read_bytes() == b"not to be written to"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(not hasattr(os, "link"), reason="no hard links here")
@pytest.mark.parametrize("name", FILES)
def test_a_database_file_that_is_also_another_file_is_refused(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "thesis.txt"
    victim.write_bytes(b"precious")
    Store(tmp_path / "data").close()
    (tmp_path / "data" / name).unlink(missing_ok=True)
    os.link(victim, tmp_path / "data" / name)
    with pytest.raises(StoreError, match=f"its `{name}` is a hard link of another file"):
        Store(tmp_path / "data")
    assert victim.read_bytes() == b"precious"


def test_what_is_no_file_at_all_is_refused(tmp_path: Path) -> None:
    for name in (DATABASE, f"{DATABASE}-wal"):
        folder = tmp_path / name
        (folder / name).mkdir(parents=True)
        with pytest.raises(StoreError, match=f"its `{name}` is not a file"):
            Store(folder)
    (tmp_path / "media").touch()
    with pytest.raises(StoreError, match="its `media` is not a folder"):
        Store(tmp_path)


@pytest.mark.slow
def test_links_within_our_folders_are_refused_where_they_have_names_of_ours(
    tmp_path: Path, videos: Path, subtests: pytest.Subtests
) -> None:
    film = videos / "wedding.mp4"
    for number, place in enumerate(
        [
            f"media/{OURS}.mp4", f"renders/{OURS}.mp4", f"footage/{OURS}.mp4", f"work/{OURS}.mp4",
            "work/render-abcd1234", f"snapshots/{OURS}", f"snapshots/{OURS}/media",
            f"snapshots/{OURS}/database.sqlite3", f"snapshots/{OURS}/media/{OURS}.mp4",
        ]
    ):  # fmt: skip
        with subtests.test(place):
            folder = tmp_path / f"data-{number}"
            Store(folder).close()
            link = folder / place
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(film if "." in link.name else videos)
            with pytest.raises(StoreError, match=f"its `{place}` is a link"):
                live(folder)
    assert len(contents(videos)) == 2


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "data").close()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(StoreError, match="it is a link; give the folder itself"):
        Store(tmp_path / "link")


def test_what_belongs_to_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "data").close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StoreError, match=rf"belongs to another user \(id {owner}\)"):
        Store(tmp_path / "data")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give")
@pytest.mark.parametrize("part", ["media", "snapshots", DATABASE])
def test_a_part_of_somebody_else_is_refused(tmp_path: Path, part: str) -> None:
    Store(tmp_path / "data").close()
    (tmp_path / "data" / "snapshots").mkdir()
    os.chown(tmp_path / "data" / part, 12345, -1)
    with pytest.raises(StoreError, match=rf"its `{part}` belongs to another user \(id 12345\)"):
        Store(tmp_path / "data")


def foreign(path: Path, *statements: str) -> bytes:
    """A database of another program; its bytes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
    return path.read_bytes()


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')"),
        ("PRAGMA journal_mode=WAL", "CREATE TABLE notes (text)"),
        ("PRAGMA application_id = 77",),
        ("PRAGMA application_id = 77", "CREATE TABLE tokens (id, fingerprint)"),
        ("CREATE TABLE tokens (id, text)", "CREATE TABLE sessions (id)", "CREATE TABLE ledger (a)"),
        ("CREATE VIEW drafts AS SELECT 1",),
    ],
)
def test_a_database_of_another_program_is_left_as_it_is(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    before = foreign(tmp_path / DATABASE, *statements)
    with pytest.raises(StoreError, match=rf"its `{DATABASE}` is the database of another program"):
        live(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == before
    assert not (tmp_path / "media").exists()


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("database", ["empty", "no tables"])
def test_a_database_that_says_nothing_proves_nothing(
    tmp_path: Path, part: str, database: str
) -> None:
    (tmp_path / part).mkdir()
    (tmp_path / part / f"{OURS}.mp4").write_bytes(b"precious")
    (tmp_path / DATABASE).touch()
    if database == "no tables":
        foreign(tmp_path / DATABASE, "CREATE TABLE t (a)", "DROP TABLE t")
    with pytest.raises(StoreError, match=rf"not a data folder: its `{part}` is not ours"):
        live(tmp_path)
    assert (tmp_path / part / f"{OURS}.mp4").read_bytes() == b"precious"


def test_a_log_without_its_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE}-wal").write_bytes(b"whose is this?")
    with pytest.raises(StoreError, match="-wal` is not ours"):
        Store(tmp_path)
    assert (tmp_path / f"{DATABASE}-wal").read_bytes() == b"whose is this?"


def test_a_fresh_database_says_whose_it_is_from_the_first_moment_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    # Read past SQLite, in a copy: what the log holds does not count yet.
    head = (tmp_path / DATABASE).read_bytes()[:100]
    store.close()
    assert head[68:72] == APPLICATION_ID.to_bytes(4, "big")
    assert identify_database(tmp_path / DATABASE) == "ours"


@pytest.mark.slow
@pytest.mark.parametrize("schema", [0, 1, 3])
def test_the_folder_of_an_earlier_release_opens_with_all_it_has(
    tmp_path: Path, schema: int
) -> None:
    make_older_folder(tmp_path, schema)
    kept: list[object] = []
    for _ in range(2):  # the second time by its id
        live(tmp_path, lambda server: kept.append(server.context.tokens.list_all()))
        assert contents(tmp_path / "media") == {f"{ASSET}.mp4": b"an upload"}
        assert contents(tmp_path / "renders") == {f"{RENDER}.mp4": b"a render"}
    assert kept[0] == kept[1]
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def scatter(folder: Path) -> dict[str, bytes]:
    """Put files of other people everywhere in a data folder; what there is then."""
    for part in PARTS:
        (folder / part).mkdir(exist_ok=True)
        for name in (
            "my film.mp4", ".DS_Store", f"{OURS}", f"{OURS} (copy).mp4", f"{OURS.upper()}.mp4",
            f"x{OURS}.mp4", "notes.json", "render-me.mp4",
        ):  # fmt: skip
            if (part, name) != ("snapshots", OURS):
                (folder / part / name).write_bytes(b"somebody's")
        for name in ("@eaDir", f"{OURS}.mov", "my snapshot"):
            (folder / part / name).mkdir()
            (folder / part / name / "thumb.jpg").write_bytes(b"somebody's")
    return {name: data for name, data in contents(folder).items() if data == b"somebody's"}


@pytest.mark.slow
def test_starts_resets_and_restores_take_away_nothing_without_a_name_of_ours(
    tmp_path: Path,
) -> None:
    Store(tmp_path).close()
    before = scatter(tmp_path)

    async def everything(server: Services) -> None:
        snapshot = server.snapshots.create()
        assert [kept.id for kept in server.snapshots.list_all().snapshots] == [snapshot]
        await server.reset()
        await server.snapshots.restore(snapshot)
        _, token = server.create_token(NewToken())
        await server.snapshots.reset_token(token)
        server.snapshots.delete(snapshot)

    live(tmp_path, everything)
    live(tmp_path)
    after = contents(tmp_path)
    assert {name: after.get(name) for name in before} == before


def test_what_lies_there_under_a_name_of_ours_is_swept(tmp_path: Path) -> None:
    live(tmp_path)
    swept = [
        tmp_path / "media" / f"{OURS}.mp4", tmp_path / "work" / f"{OURS}.mp4",
        tmp_path / "work" / f"{OURS}.json", tmp_path / "work" / "fixture-sample.mp4",
        tmp_path / "work" / "render-ab_d1234" / "part.mp4",
        tmp_path / "work" / f"snapshot-{OURS}" / "database.sqlite3",
    ]  # fmt: skip
    for path in swept:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    live(tmp_path)
    assert not any(path.exists() for path in swept)


@pytest.mark.slow
def test_a_reset_touches_our_own_tables_only(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as db:
        db.execute("CREATE TABLE notes (text)")
        db.execute("INSERT INTO notes VALUES ('somebody''s')")
    live(tmp_path, lambda server: server.reset())
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        assert db.execute("SELECT text FROM notes").fetchall() == [("somebody's",)]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "new"
        live(folder, lambda server: server.snapshots.create())
        make_older_folder(tmp_path / "old", 1)
        live(tmp_path / "old")
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.iterdir(), *(tmp_path / "old").iterdir())
    }
    wanted = {name: 0o600 if DATABASE in name else 0o700 for name in modes}
    assert modes == wanted


@pytest.mark.parametrize("name", ["../../Videos/wedding", "/tmp/x", f"{OURS}.mp4/../../x", "a"])
def test_a_database_that_names_files_elsewhere_leads_nowhere(
    tmp_path: Path, videos: Path, name: str
) -> None:
    folder = make_older_folder(tmp_path / "clone" / "data", 1)
    rendered: list[Path] = []

    async def render(
        plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        del plan, on_progress
        rendered.append(destination)
        return RenderResult(1.0, 8, 30, 64, 64, "none", "planned")

    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as db:
        db.execute("UPDATE renders SET status = 'pending', file_id = ?", (name,))
        draft = {"t": [{"tt": 0, "sg": [{"id": "s", "s": 0, "d": 900, "src": ASSET}]}], "d": 900}
        db.execute("UPDATE renders SET draft = ?", (json.dumps(draft),))

    async def start() -> str:
        server = Services(Settings(data_dir=folder), None, render)
        server.start()
        while server.exports.tasks.running_count:
            await asyncio.sleep(0)
        status: str = server.context.store.fetch_value("SELECT status FROM renders")
        await server.close()
        return status

    assert (asyncio.run(start()), rendered) == ("failed", [])
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as db:
        db.execute("UPDATE assets SET id = ?", (name,))

    def read(server: Services) -> None:
        with pytest.raises(StoreError, match="invalid file name"):
            server.context.assets.render_sources(SESSION)

    live(folder, read)
    assert contents(videos)["wedding.mp4"] == b"precious"
