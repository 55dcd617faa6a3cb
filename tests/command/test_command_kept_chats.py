"""A chat on the command's own server: kept for its user, found again, and never lost to Ctrl-C."""

import io
import json
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, strategies as st

from nemolocal.chat_prompt import prompt_lines
from nemolocal.client_factory import open_client
from nemolocal.data_folders import data_folder
from nemolocal.embedded_server import EmbeddedServer
from nemolocal.errors import CommandError
from nemolocal.export_filename import find_export_filename
from nemolocal.saved_chats import (
    ChatProfile,
    create_chat_folder,
    locate_session,
    saved_chat_sessions,
)
from nemolocal_client import Client, KeptSession, Notice, Profile
from nemolocal_client.transport import Transport
from nemolocal_server.data.store import StoreError
from tests.support.cli import CommandResult, CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"
TIMELINE = "Timeline (1 track): 1. Video: clip (0-1s)"
Talk = Callable[..., CommandResult]

pytestmark = pytest.mark.usefixtures("without_rendering")


@pytest.fixture
def talk(run: CommandRunner, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Run a command with these lines as its input."""

    def start(*lines: str, arguments: tuple[object, ...] = ("chat",)) -> CommandResult:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return run(*arguments)

    return start


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Somebody at a terminal who types these lines; an exception stands for a key."""

    def start(*typed: str | type[BaseException]) -> None:
        waiting: Iterator[str | type[BaseException]] = iter([*typed, EOFError])

        def read(_: str) -> str:
            each = next(waiting)
            if isinstance(each, str):
                return each
            raise each

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", read)

    return start


def session_of(run: CommandRunner) -> str:
    (line,) = run("sessions").lines
    return line.split()[0]


@pytest.mark.slow
def test_chat_is_kept_listed_by_file_and_message_and_come_back_to(
    talk: Talk, run: CommandRunner, clip: Path
) -> None:
    outcome = talk(TRIM, arguments=("chat", clip))
    session = session_of(run)
    assert outcome.err.endswith(f"To continue this session: nemolocal sessions {session}\n")
    (line,) = run("sessions").lines
    assert line.endswith(f'clip.mp4: "{TRIM}"')
    listed = json.loads(run("sessions", "--json").out)
    assert (listed["base_url"], listed["files"]) == (None, ["clip.mp4"])
    for back in (("sessions", session), ("chat", "--session", session)):
        assert talk("status", arguments=back).lines == [TIMELINE]
    assert run("edit", "--session", session, "-o", "film.mp4").status == 0
    assert Path("film.mp4").read_bytes() == b"a render"
    outcome = run("edit", "--session", session, "-m", 'add a title "Hi"', "-o", "film.mp4")
    assert any(line.startswith("Timeline (2 tracks)") for line in outcome.lines)
    (line,) = run("sessions").lines
    assert line.endswith('clip.mp4: "add a title "Hi""')


@pytest.mark.slow
def test_export_of_what_was_only_uploaded_says_what_is_missing(talk: Talk, clip: Path) -> None:
    outcome = talk("export", "put it on the timeline", "export", arguments=("chat", clip))
    assert 'the timeline is empty: say "put it on the timeline", or ask' in outcome.err
    assert Path("nemolocal-chat.mp4").exists()


@pytest.mark.slow
def test_kept_chat_is_its_owners_alone(talk: Talk, clip: Path) -> None:
    talk(TRIM, arguments=("chat", clip))
    (chat,) = (data_folder() / "chats").iterdir()
    folders = [data_folder(), chat.parent, chat, *(p for p in chat.rglob("*") if p.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    kept = [*(chat / "client").iterdir(), chat / "nemolocal.sqlite3"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_data_folder_is_the_users_own_unless_a_variable_names_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data_folder() == tmp_path / "data"
    monkeypatch.delenv("NEMOLOCAL_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    if sys.platform.startswith("linux"):
        assert data_folder() == tmp_path / "xdg" / "nemolocal"


def test_chat_in_which_nothing_was_done_leaves_nothing(talk: Talk, run: CommandRunner) -> None:
    assert "To continue" not in talk("/help", "credits", "status").err
    assert run("sessions").lines == ["No saved sessions: start one with `nemolocal chat`"]
    assert not list((data_folder() / "chats").iterdir())


@pytest.mark.slow
def test_two_chats_go_on_at_once_and_each_is_kept(run: CommandRunner, clip: Path) -> None:
    quiet: Callable[[Notice], None] = lambda _: None  # noqa: E731
    with (
        open_client(None, quiet, own=EmbeddedServer(chat_folder=create_chat_folder())) as one,
        open_client(None, quiet, own=EmbeddedServer(chat_folder=create_chat_folder())) as other,
    ):
        for client, message in ((one, TRIM), (other, "mute")):
            client.upload(clip)
            client.say(message)
        assert len(run("sessions").lines) == 2
    assert {kept.last_message for _, kept in saved_chat_sessions()} == {TRIM, "mute"}


def test_chat_that_is_open_elsewhere_is_told_so(talk: Talk, run: CommandRunner, clip: Path) -> None:
    talk(TRIM, arguments=("chat", clip))
    session = session_of(run)
    place = locate_session(session, None)
    with open_client(None, lambda _: None, own=EmbeddedServer(chat_folder=place.chat_folder)):
        outcome = run("edit", "--session", session, "-o", "film.mp4")
    assert outcome.status == 1
    assert outcome.err == (
        "nemolocal: this session is open in another command: close that one first\n"
    )
    assert talk("status", arguments=("sessions", session)).lines == [TIMELINE]


@pytest.mark.slow
def test_session_of_a_server_is_found_without_its_address(
    talk: Talk, run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    talk(TRIM, arguments=("chat", clip, "--base-url", url))
    session = session_of(run)
    assert talk("status", arguments=("chat", "--session", session)).lines == [TIMELINE]
    assert run("edit", "--session", session, "-o", "film.mp4").status == 0
    outcome = run("edit", "--session", session, "-o", "film.mp4", "--like-cloud")
    assert outcome.status == 2
    assert "--like-cloud" in outcome.err


@pytest.mark.slow
def test_session_of_a_server_takes_urls_as_that_server_does(
    talk: Talk, serve: ServerStarter
) -> None:
    """A server of its own refuses before it starts; this one is asked, and refuses itself."""
    with open_client(serve(), lambda _: None) as client:
        session = client.open_session("project")
    for command in (("edit", "-m", TRIM), ("chat",)):
        given = (*command, "http://example.com/a.mp4", "--session", session)
        outcome = talk(arguments=given)
        assert "unless you allow it" not in outcome.err
        assert "this server does not fetch from example.com" in outcome.err


def test_unusable_data_folder_names_the_way_out(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NEMOLOCAL_DATA_DIR", str(tmp_path / "file"))
    outcome = talk("status")
    assert outcome.status == 1
    assert "set NEMOLOCAL_DATA_DIR to a writable folder" in outcome.err


def test_data_folder_that_fails_names_no_option_that_the_command_lacks(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise StoreError("the disk is full: free some space, or choose another --data")

    monkeypatch.setattr("nemolocal_server.serving.LocalServer", fail)
    outcome = talk("status")
    assert outcome.status == 1
    assert "--data" not in outcome.err
    assert "or set NEMOLOCAL_DATA_DIR to another folder" in outcome.err


def test_session_lines_fit_a_narrow_terminal(
    talk: Talk, run: CommandRunner, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk("add a title 'A rather long title that nobody would read to its end'", "mute", TRIM * 3)
    talk(TRIM, arguments=("chat", clip))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for width, lines in ((80, 2), (40, 4)):
        size = os.terminal_size((width, 20))
        monkeypatch.setattr(shutil, "get_terminal_size", lambda size=size: size)
        shown = run("sessions").lines
        assert len(shown) == lines
        assert all(len(line) <= width for line in shown)


@pytest.mark.slow
def test_typed_export_goes_to_the_file_that_it_names(talk: Talk, clip: Path) -> None:
    Path("films").mkdir()
    lines = (TRIM, "export big.mp4", "mute, then export to 'films/my film.mp4'", "export")
    outcome = talk(*lines, arguments=("chat", clip))
    assert outcome.status == 0, outcome.err
    assert Path("big.mp4").exists()
    assert Path("films/my film.mp4").exists()
    assert not Path("nemolocal-chat.mp4").exists()


def test_typed_export_where_nothing_can_be_written_says_nothing_to_the_backend(
    talk: Talk, clip: Path
) -> None:
    outcome = talk(f"{TRIM} and export to none/x.mp4", "status", arguments=("chat", clip))
    assert "folder not found: none" in outcome.err
    assert outcome.lines[-1] == "Timeline (0 tracks):"


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("export big.mp4", "big.mp4"),
        ("Export it as big.MP4!", "big.MP4"),
        ("export the video to /tmp/a b/big.mp4 please", "/tmp/a b/big.mp4"),
        ("export 'my film.mov'", "my film.mov"),
        ("export my film.mp4", "my film.mp4"),
        ("export clip.mp4 as big.mp4", "big.mp4"),
        ("send me the video as big.mp4", "big.mp4"),
        ("导出 big.mp4", "big.mp4"),
        ("裁剪到3秒，然后导出为 a.mp4", "a.mp4"),
        ("export", ""),
        ("export in 4k", ""),
        ("export it as a gif", ""),
        ("don't export big.mp4", ""),
        ("add a title 'export a.mp4'", ""),
        ("big.mp4", ""),
    ],
)
def test_name_of_an_export_is_found(message: str, name: str) -> None:
    assert find_export_filename(message) == name


@pytest.mark.slow
@given(st.from_regex(r"[a-z0-9][a-z0-9_/-]{0,20}\.mp4", fullmatch=True))
def test_any_plain_name_is_the_one_that_is_exported_to(name: str) -> None:
    for message in (f"export {name}", f"export to {name}", f'export it as "{name}"'):
        assert find_export_filename(message) == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("nope.mp4", "nope.mp4"),
        ("/nowhere/nope.mov", "/nowhere/nope.mov"),
        ("./nope", "nope"),
        ("~/none of mine/nope", f"{Path('~').expanduser()}/none of mine/nope"),
        ("./clip.mp4 ./nope.mp4", "nope.mp4"),
        ("upload clip.mp4 and nope.mp4", "nope.mp4"),
        ("'my nope.mp4'", "my nope.mp4"),
        ("upload ../holiday.wmv", "../holiday.wmv"),
    ],
)
def test_missing_file_is_named(talk: Talk, clip: Path, said: str, missing: str) -> None:
    assert clip.is_file()
    outcome = talk(said)
    assert outcome.status == 1
    assert f"file not found: {missing}: check the name" in outcome.err
    assert "Uploaded" not in outcome.out


def test_paths_are_read_as_a_shell_writes_them(
    talk: Talk, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("my films").mkdir()
    for name in ("my films/a b.mp4", "c.mp4"):
        Path(name).write_bytes(clip.read_bytes())
    monkeypatch.setenv("HOME", str(Path.cwd()))
    outcome = talk("./my\\ films/a\\ b.mp4 ./c.mp4", "./my films/a b.mp4", "~/c.mp4")
    assert outcome.status == 0, outcome.err
    assert sum(line.startswith("Uploaded a b.mp4") for line in outcome.lines) == 2
    assert sum(line.startswith("Uploaded c.mp4") for line in outcome.lines) == 2


def test_typed_line_is_read_as_utf_8_in_any_locale(typing: Callable[..., None]) -> None:
    typing("静音".encode().decode("ascii", "surrogateescape"))
    assert list(prompt_lines()) == ["静音"]


@pytest.mark.slow
def test_ctrl_c_clears_the_line_and_twice_ends(
    run: CommandRunner, typing: Callable[..., None], clip: Path
) -> None:
    typing(KeyboardInterrupt, TRIM, KeyboardInterrupt, "status", KeyboardInterrupt,
           KeyboardInterrupt, "never")  # fmt: skip
    outcome = run("chat", clip)
    assert outcome.status == 0
    assert outcome.lines[-1] == TIMELINE
    assert outcome.err.count("Ctrl-C once more, or Ctrl-D, ends") == 3
    assert "To continue this session" in outcome.err


@pytest.mark.parametrize(
    ("arrived", "said"),
    [(0.5, "Upload stopped: nothing was added"), (1.0, "the file was sent and may still")],
)
def test_ctrl_c_in_an_upload_says_what_is_true(
    talk: Talk, clip: Path, monkeypatch: pytest.MonkeyPatch, arrived: float, said: str
) -> None:
    call = Transport.call

    def interrupted(transport: Transport, effect: object) -> object:
        if getattr(effect, "files", ()):
            transport._notify(Notice("upload", "Uploading", arrived))
            raise KeyboardInterrupt
        return call(transport, effect)  # type: ignore[arg-type]

    monkeypatch.setattr(Transport, "call", interrupted)
    outcome = talk("/help", arguments=("chat", clip))
    assert said in outcome.err
    assert "goes on in the backend" not in outcome.err


def test_ctrl_c_before_a_message_was_sent_promises_no_work(
    talk: Talk, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Client) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("nemolocal_client.client.Client.claim_link", interrupted)
    outcome = talk(TRIM, "/link", arguments=("chat", clip))
    assert "Stopped; /state shows what was done" in outcome.err


def test_unknown_session_is_told_how_to_be_reached() -> None:
    with pytest.raises(CommandError, match="no saved session 42"):
        locate_session("42", None)


def test_threads_that_begin_chats_have_folders_of_their_own() -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(create_chat_folder())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8


def test_session_is_found_among_all_chats_and_servers() -> None:
    chats = [create_chat_folder() for _ in range(2)]
    for number, chat in enumerate(chats):
        kept = KeptSession(f"chat-{number}", used_at=1.0, last_message="trim")
        ChatProfile(chat).keep_session("", kept)
    for number in range(2):
        Profile().keep_session(f"http://localhost:{number}", KeptSession(f"server-{number}"))
    found = [locate_session(f"chat-{number}", None).chat_folder for number in range(2)]
    assert found == chats
    urls = [locate_session(f"server-{number}", None).base_url for number in range(2)]
    assert urls == ["http://localhost:0", "http://localhost:1"]


def test_client_id_of_a_chat_is_its_own_and_can_be_replaced() -> None:
    first, second = (ChatProfile(create_chat_folder()) for _ in range(2))
    before = first.client_id()
    assert before not in (second.client_id(), first.renew_client_id())
    assert first.client_id() != before
