"""`nemolocal chat` and `sessions`: a conversation that nothing but its user ends."""

import io
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from nemolocal_client import Assistant, Client
from tests.support.cli import CommandResult, CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"


# Runs `chat` with these lines as its input, and these `arguments`.
Talk = Callable[..., CommandResult]


@pytest.fixture
def talk(run: CommandRunner, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Run `chat` with these lines as its input."""

    def start(*lines: str, arguments: tuple[object, ...] = ()) -> CommandResult:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return run("chat", *arguments)

    return start


def test_conversation_goes_from_an_upload_to_a_file(
    talk: Talk, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    outcome = talk(TRIM, "/state", "credits", "export", arguments=(clip, "--base-url", url))
    assert outcome.status == 0, outcome.err
    assert outcome.lines[0] == "Uploaded clip.mp4 (video, 2 s)"
    assert "Timeline (1 track): 1. Video: clip (0-1s)" in outcome.lines
    assert "50 credits, and 0 in use" in outcome.lines
    assert outcome.lines[-1] == "nemolocal-chat.mp4 (1 s, 1 kB)"
    assert Path("nemolocal-chat.mp4").read_bytes() == b"a render"
    assert "To continue this session" in outcome.err


@pytest.mark.slow
def test_files_may_be_named_in_the_conversation(
    talk: Talk, serve: ServerStarter, clip: Path
) -> None:
    outcome = talk(str(clip), "/export other.mp4", arguments=("--base-url", serve()))
    assert outcome.lines[0] == "Uploaded clip.mp4 (video, 2 s)"
    assert "the timeline is empty" in outcome.err
    assert outcome.status == 1


def test_export_goes_where_it_is_told_to(talk: Talk, serve: ServerStarter, clip: Path) -> None:
    Path("films").mkdir()
    arguments = (clip, "-o", "first.mp4", "--base-url", serve())
    outcome = talk(TRIM, "export", "/export films/x.mp4", "/quit", "never", arguments=arguments)
    assert outcome.status == 0, outcome.err
    assert Path("first.mp4").exists()
    assert Path("films/x.mp4").exists()
    assert "never" not in outcome.out


@pytest.mark.slow
def test_last_edit_is_taken_back(talk: Talk, serve: ServerStarter, clip: Path) -> None:
    outcome = talk(
        TRIM, 'add a title "Hi"', "/undo", "/state", arguments=(clip, "--base-url", serve())
    )
    assert outcome.status == 0, outcome.err
    assert outcome.lines[-1] == "Timeline (1 track): 1. Video: clip (0-1s)"


def test_what_goes_wrong_ends_a_message_and_not_the_conversation(
    talk: Talk, serve: ServerStarter, clip: Path
) -> None:
    lines = ("/export none/x.mp4", "/nonsense", "/cancel", "/help", "status")
    outcome = talk(*lines, arguments=(clip, "--base-url", serve()))
    assert outcome.status == 1
    assert "folder not found: none" in outcome.err
    assert "unknown command /nonsense: /help lists all commands" in outcome.lines
    assert "No export is running" in outcome.lines
    assert any(line.startswith("/undo") for line in outcome.lines)
    assert outcome.lines[-1] == "Timeline (0 tracks):"


def test_answers_for_scripts_are_an_object_a_line(
    talk: Talk, serve: ServerStarter, clip: Path
) -> None:
    lines = (TRIM, "/state", "export", "/export none/x.mp4", "/link")
    url = serve()
    outcome = talk(*lines, arguments=(clip, "--json", "--base-url", url))
    said = [json.loads(line) for line in outcome.lines]
    assert [each["message"] for each in said] == [str(clip), *lines]
    assert said[1]["routes"] == ["chat"]
    assert said[2]["lines"] == ["Timeline (1 track): 1. Video: clip (0-1s)"]
    assert said[3]["file"] == "nemolocal-chat.mp4"
    assert "folder not found" in said[4]["error"]
    assert said[5]["lines"][0].startswith(f"{url}/workspace/claim?ct=clm_")
    assert "nmv_usr_" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("method", "said"),
    [("stream", "the edit continues in the backend: /state"), ("export", "/cancel stops it")],
)
def test_ctrl_c_gives_up_the_wait_and_says_that_the_work_goes_on(
    talk: Talk,
    serve: ServerStarter,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    said: str,
) -> None:
    def interrupted(assistant: Assistant, *_: object) -> NoReturn:
        session = assistant._client.workspace.session
        assert session is not None
        session.is_turn_running = method == "stream"
        if method == "export":
            session.active_render_id = "render_1"
        raise KeyboardInterrupt

    monkeypatch.setattr(Assistant, method, interrupted)
    lines = (TRIM, "/help") if method == "stream" else ("/export", "/help")
    outcome = talk(*lines, arguments=(clip, "--base-url", serve()))
    assert said in outcome.err
    assert any(line.startswith("/quit") for line in outcome.lines)
    assert outcome.status == 0


@pytest.mark.slow
def test_typed_conversation_has_a_prompt_and_a_history(
    run: CommandRunner, serve: ServerStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["/help", "status"]

    def typing(prompt: str) -> str:
        if not typed:
            raise EOFError(prompt)
        return typed.pop(0)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", typing)
    outcome = run("chat", "--base-url", serve())
    assert outcome.status == 0, outcome.err
    assert "Say what to edit, or /help" in outcome.err
    assert outcome.lines[-1] == "Timeline (0 tracks):"
    pytest.importorskip("readline")
    history = tmp_path / "config" / "chat-history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ctrl_c_at_the_prompt_ends(
    run: CommandRunner, serve: ServerStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", interrupted)
    monkeypatch.setitem(sys.modules, "readline", None)
    assert run("chat", "--base-url", serve()).status == 0


def test_sessions_are_listed_and_come_back_to(
    talk: Talk,
    run: CommandRunner,
    serve: ServerStarter,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("sessions").lines == ["No saved sessions: start one with `nemolocal chat`"]
    url = serve()
    talk(TRIM, arguments=(clip, "--base-url", url))
    (line,) = run("sessions").lines
    session = line.split()[0]
    assert line.endswith(f'clip.mp4: "{TRIM}"  {url}')
    assert json.loads(run("sessions", "--json").out)["session_id"] == session
    assert (
        run("sessions", "--base-url", "http://other.example")
        .lines[0]
        .startswith("No saved sessions")
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("status\n"))
    assert run("sessions", session).lines == ["Timeline (1 track): 1. Video: clip (0-1s)"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sessions", "42"), "no saved session 42: if it is on a server, give --base-url"),
        (("chat", "none.mp4"), "file not found: none.mp4: check the name and the folder"),
        (
            ("chat", "--session", "1"),
            "no saved session 1: if it is on a server, give --base-url",
        ),
        (("chat", "-o", "none/x.mp4"), "folder not found: none: create it first"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    run: CommandRunner, arguments: tuple[str, ...], said: str
) -> None:
    outcome = run(*arguments)
    assert outcome.status == 1
    assert outcome.err == f"nemolocal: {said}\n"


@pytest.mark.slow
def test_wait_that_is_given_up_leaves_the_turn_to_the_backend(
    serve: ServerStarter, clip: Path
) -> None:
    """Not through the command: only the library can be interrupted in the middle of a stream."""
    from nemolocal.client_factory import open_client

    with open_client(serve(), lambda _: None) as client:
        assert isinstance(client, Client)
        client.upload(clip)
        for _ in client.stream(TRIM):
            break
        assert client.balance().available == 50
