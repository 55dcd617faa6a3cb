"""Lists of sessions and of uploaded files have an end, and lose nothing that is needed."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from nemolocal_client import KeptSession, Profile, config_files
from nemolocal_client.config_files import MOST_BYTES, MOST_FILES
from nemolocal_client.local_files import FileIdentity

URL = "http://127.0.0.1:8787"


def file(name: str) -> FileIdentity:
    return FileIdentity(f"/films/{name}", 1, 2, 3, 4)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few dozen lines, and few of them."""
    monkeypatch.setattr(config_files, "MOST_BYTES", 6000)
    monkeypatch.setattr(config_files, "MOST_FILES", 3)


def sizes(folder: Path, kind: str) -> list[int]:
    return [path.stat().st_size for path in folder.glob(f"{kind}-*.jsonl")]


def test_limits_are_those_that_are_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "data-folder.md"
    text = page.read_text(encoding="utf-8")
    assert (MOST_BYTES, MOST_FILES) == (500_000, 100)
    assert "500 kB" in text
    assert "100 servers" in text


def test_list_of_sessions_has_an_end_and_those_used_last_stay(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session(URL, KeptSession("first", used_at=1.0))
    for number in range(200):
        profile.keep_session(URL, KeptSession(f"s{number}", used_at=10.0 + number))
        assert max(sizes(tmp_path, "sessions")) <= 6000
        # It is used again and again.
        profile.keep_session(URL, KeptSession("first", used_at=10.5 + number))
    kept = [session.session_id for session in profile.sessions(URL)]
    assert kept[:3] == ["first", "s199", "s198"]
    assert 10 < len(kept) < 100
    assert kept[1:] == [f"s{199 - number}" for number in range(len(kept) - 1)]


def test_one_session_that_is_used_for_ever_stays_one_line_of_the_limit(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session(URL, KeptSession("other", used_at=0.0))
    for number in range(300):
        profile.keep_session(URL, KeptSession("a", used_at=float(number), last_message="trim"))
    assert max(sizes(tmp_path, "sessions")) <= 6000
    assert [session.session_id for session in profile.sessions(URL)] == ["a", "other"]


def test_session_that_was_kept_last_stays_where_the_clock_was_set_back(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    for number in range(100):
        profile.keep_session(URL, KeptSession(f"s{number}", used_at=1000.0 - number))
        assert f"s{number}" in {session.session_id for session in profile.sessions(URL)}


def test_uploaded_files_of_a_session_that_can_be_come_back_to_stay_longest(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session(URL, KeptSession("known", used_at=1.0))
    profile.keep_inputs(URL, "known", [file("mine.mp4")])
    for number in range(200):
        profile.keep_inputs(URL, f"gone{number}", [file(f"{number}.mp4")])
        assert profile.inputs(URL, f"gone{number}") == (file(f"{number}.mp4"),)
        assert max(sizes(tmp_path, "inputs")) <= 6000
    assert profile.inputs(URL, "known") == (file("mine.mp4"),)
    assert profile.inputs(URL, "gone0") == ()
    assert profile.inputs(URL, "gone198")


def test_file_that_is_uploaded_again_takes_no_room(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_inputs(URL, "a", [file("first.mp4"), file("\udcff.mp4")])
    for _ in range(200):
        profile.keep_inputs(URL, "a", [file("again.mp4")])
    kept = {Path(each.path).name for each in profile.inputs(URL, "a")}
    assert kept == {"first.mp4", "\udcff.mp4", "again.mp4"}
    assert max(sizes(tmp_path, "inputs")) <= 6000


@pytest.mark.parametrize("kind", ["sessions", "inputs"])
def test_only_so_many_servers_have_a_list_those_used_last(tmp_path: Path, kind: str) -> None:
    profile = Profile(tmp_path)
    for port in range(1, 8):
        if kind == "sessions":
            profile.keep_session(f"http://x:{port}", KeptSession("a"))
        else:
            profile.keep_inputs(f"http://x:{port}", "a", [file("a.mp4")])
        # The first one is in use.
        for age, number in enumerate([1, port, *range(port - 1, 1, -1)]):
            path = tmp_path / f"{kind}-http-x-{number}.jsonl"
            if path.exists():
                os.utime(path, (1e9 - age, 1e9 - age))
    left = sorted(path.name for path in tmp_path.glob(f"{kind}-*"))
    assert left == [f"{kind}-http-x-{port}.jsonl" for port in (1, 6, 7)]


def test_lines_that_nobody_can_read_cost_no_other_and_go(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session(URL, KeptSession("a", used_at=1.0))
    (path,) = tmp_path.glob("sessions-*")
    path.write_bytes(path.read_bytes() + b'\xff\xfe{"base_url":3}\n{}\nnull\n{"base_u')
    profile.keep_session(URL, KeptSession("b", used_at=2.0))
    assert [session.session_id for session in profile.sessions(URL)] == ["b", "a"]
    for _ in range(100):
        profile.keep_session(URL, KeptSession("b", used_at=2.0))
    assert b"\xff" not in path.read_bytes()


def test_shortened_list_is_for_its_owner_only_and_nothing_else_is_left(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    for number in range(100):
        profile.keep_session(URL, KeptSession(f"s{number}", used_at=float(number)))
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


_KEEP = """
import sys
from pathlib import Path
from nemolocal_client import KeptSession, Profile, config_files
from nemolocal_client.local_files import FileIdentity
config_files.MOST_BYTES = 20_000
profile, me = Profile(Path(sys.argv[1])), sys.argv[2]
for number in range(300):
    profile.keep_session("http://x", KeptSession("filler", used_at=number, last_message="x" * 200))
    if number % 30 == 0:
        profile.keep_session("http://x", KeptSession(f"{me}-{number}", used_at=1e9))
        profile.keep_inputs("http://x", "s", [FileIdentity(f"/{me}-{number}", 1, 2, 3, 4)])
"""


@pytest.mark.slow
def test_processes_that_add_and_shorten_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", _KEEP, str(tmp_path), name] for name in "abcd"]
    children = [subprocess.Popen(command) for command in commands]
    assert [child.wait() for child in children] == [0] * 4
    wanted = {f"{name}-{number}" for name in "abcd" for number in range(0, 300, 30)}
    profile = Profile(tmp_path)
    assert {kept.session_id for kept in profile.sessions("http://x")} == wanted | {"filler"}
    assert {each.path[1:] for each in profile.inputs("http://x", "s")} == wanted


def test_list_that_another_process_replaced_during_the_wait_gets_the_line_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the lock of a file that is deleted meanwhile must not write into that."""
    profile = Profile(tmp_path)
    profile.keep_session(URL, KeptSession("first", used_at=1.0))
    lock, deleted = config_files._lock, list[Path]()

    def wait(file: BinaryIO) -> None:
        lock(file)
        if not deleted:
            deleted.extend(tmp_path.glob("sessions-*.jsonl"))
            deleted[0].unlink()

    monkeypatch.setattr(config_files, "_lock", wait)
    profile.keep_session(URL, KeptSession("second", used_at=2.0))
    assert deleted
    assert [session.session_id for session in profile.sessions(URL)] == ["second"]
