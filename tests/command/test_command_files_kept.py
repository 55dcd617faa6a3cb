"""No command overwrites a file that goes into the film, nor an older one unless it is told to."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import CommandResult, CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"
OVER = "is an input and would be overwritten: choose another name"
RENDERED = b"a render"


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What a conversation will hear."""

    def prepare(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return prepare


@pytest.mark.slow
@pytest.mark.usefixtures("without_rendering")
def test_no_command_begins_where_it_would_overwrite_its_input(
    run: CommandRunner,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    monkeypatch.setattr("nemolocal_server.serving.LocalServer", None)
    before = clip.read_bytes()
    os.link(clip, "hard.mp4")
    Path("soft.mp4").symlink_to(clip)
    Path("sub").mkdir()
    other = Path("other.mp4")
    other.write_bytes(before)
    for output in ("clip.mp4", "./clip.mp4", "sub/../clip.mp4", clip, "hard.mp4", "soft.mp4"):
        for command in (("edit", "-m", TRIM), ("chat",), ("demo",)):
            for overwrite in ((), ("--overwrite",)):
                with subtests.test(command=command[0], output=str(output), overwrite=overwrite):
                    inputs = ("clip.mp4",) if command[0] == "demo" else ("other.mp4", "clip.mp4")
                    outcome = run(*command, "-o", output, *overwrite, *inputs)
                    assert outcome.status == 1
                    assert outcome.err == f"nemolocal: {Path(output)} {OVER}\n"
    assert clip.read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("without_rendering")
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_demo_of_a_file_with_its_default_name_takes_another(
    run: CommandRunner, clip: Path, overwrite: tuple[str, ...]
) -> None:
    before = clip.read_bytes()
    mine = clip.rename("nemolocal-demo.mp4")
    outcome = run("demo", mine, *overwrite)
    assert outcome.status == 0, outcome.err
    assert mine.read_bytes() == before
    assert Path("nemolocal-demo-2.mp4").read_bytes() == RENDERED


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_conversation_about_a_file_with_its_default_name_takes_another(
    run: CommandRunner,
    serve: ServerStarter,
    clip: Path,
    say: Callable[..., None],
    overwrite: tuple[str, ...],
) -> None:
    before = clip.read_bytes()
    mine = clip.rename("nemolocal-chat.mp4")
    say(TRIM, "export")
    outcome = run("chat", mine, "--base-url", serve(), *overwrite)
    assert outcome.status == 0, outcome.err
    assert mine.read_bytes() == before
    assert Path("nemolocal-chat-2.mp4").read_bytes() == RENDERED


@pytest.mark.slow
def test_conversation_never_overwrites_what_went_into_it(
    run: CommandRunner, serve: ServerStarter, clip: Path, say: Callable[..., None]
) -> None:
    before = clip.read_bytes()
    os.link(clip, "hard.mp4")
    say(TRIM, "/export clip.mp4", "/export ./hard.mp4", "/export film.mp4")
    outcome = run("chat", "clip.mp4", "--base-url", serve(), "--overwrite")
    complaints = [line for line in outcome.err.splitlines() if OVER in line]
    assert complaints == [f"clip.mp4 {OVER}", f"hard.mp4 {OVER}"]
    assert outcome.lines[-1] == "film.mp4 (1 s, 1 kB)"
    assert clip.read_bytes() == before


@pytest.mark.slow
def test_film_that_becomes_an_input_of_the_conversation_is_kept(
    run: CommandRunner, serve: ServerStarter, clip: Path, say: Callable[..., None]
) -> None:
    say(TRIM, "export", "out.mp4", TRIM, "export")
    Path("out.mp4").write_bytes(clip.read_bytes())
    outcome = run("chat", clip, "-o", "out.mp4", "--base-url", serve())
    assert Path("out.mp4").read_bytes() == clip.read_bytes()
    assert Path("out-2.mp4").read_bytes() == RENDERED
    assert outcome.lines[-1] == "out-3.mp4 (1 s, 1 kB)"


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [False, True])
def test_older_film_is_replaced_only_with_overwrite(
    run: CommandRunner, serve: ServerStarter, clip: Path, overwrite: bool
) -> None:
    older = clip.with_name("clip-edited.mp4")
    older.write_bytes(b"older")
    options = ["--overwrite"] if overwrite else []
    outcome = run("edit", "clip.mp4", "-m", TRIM, *options, "--base-url", serve())
    assert outcome.status == 0, outcome.err
    created = older if overwrite else clip.with_name("clip-edited-2.mp4")
    assert created.read_bytes() == RENDERED
    assert f"{created.name} (1 s, 1 kB)" in outcome.lines
    said = (
        "clip-edited.mp4 already exists: saving as clip-edited-2.mp4 "
        "(--overwrite replaces the existing file)"
    )
    assert (said in outcome.err.splitlines()) is not overwrite
    assert older.read_bytes() == (RENDERED if overwrite else b"older")


@pytest.mark.slow
def test_folder_of_films_is_never_one_of_inputs(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    folder = Path("films")
    folder.mkdir()
    os.link(clip, folder / "b.mp4")
    source = Path("b.mov")
    source.write_bytes(clip.read_bytes())
    command = ("edit", "b.mov", clip, "-m", TRIM, "--out-dir", folder)
    refused = run(*command, "--overwrite", "--base-url", "http://127.0.0.1:9")
    assert refused.err == "nemolocal: films/b.mp4 would be overwritten: choose another folder\n"
    (folder / "b.mp4").unlink()
    (folder / "b.mp4").write_bytes(b"older")
    source.rename("b.mp4")
    outcome = run("edit", "b.mp4", "-m", TRIM, "--out-dir", folder, "--base-url", serve())
    assert outcome.status == 0, outcome.err
    assert (folder / "b.mp4").read_bytes() == b"older"
    assert (folder / "b-2.mp4").read_bytes() == RENDERED


@pytest.mark.slow
@pytest.mark.parametrize("command", [("edit", "-m", TRIM), ("chat",), ("demo",)])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".", ". is a folder: choose a file in it"),
        ("..", ".. is a folder: choose a file in it"),
        ("/", "/ is a folder: choose a file in it"),
        ("", "the file name is empty: give a file name"),
        ("none.mp4", "file not found: none.mp4: check the name and the folder"),
        ("x" * 300, "file not found: x"),
        ("empty.mp4", "empty.mp4 is empty: choose a file that has content"),
        ("pipe.mp4", "pipe.mp4 is a device or a pipe: choose a regular file"),
    ],
)
def test_input_that_is_no_file_is_said_in_one_line(
    run: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    name: str,
    said: str,
) -> None:
    monkeypatch.setattr("nemolocal_server.serving.LocalServer", None)
    Path("empty.mp4").write_bytes(b"")
    os.mkfifo("pipe.mp4")
    outcome: CommandResult = run(*command, name)
    assert outcome.status == 1
    assert outcome.err.startswith(f"nemolocal: {said}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("command", [("edit", "clip.mp4", "-m", TRIM), ("chat",), ("demo",)])
def test_output_that_is_empty_is_not_taken_for_the_default(
    run: CommandRunner, clip: Path, command: tuple[str, ...]
) -> None:
    assert clip.is_file()
    outcome = run(*command, "-o", "")
    assert (outcome.status, outcome.err) == (
        1,
        "nemolocal: the file name is empty: give a file name\n",
    )
