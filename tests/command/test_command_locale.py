"""Any locale, names and lines that are not UTF-8, and Ctrl-C at any moment: never a traceback."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal.input_text import decode_argument, stdin_lines
from nemolocal.safe_output import format_json
from tests.support.cli import CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"
BAD = os.fsdecode(b"bad\xff.mp4")
# Python's own ways out of the C locale are closed.
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines of these bytes on a standard input with an encoding."""

    def hear(content: bytes, encoding: str = "utf-8", errors: str = "strict") -> list[str]:
        stream = io.TextIOWrapper(io.BytesIO(content), encoding, errors)
        monkeypatch.setattr(sys, "stdin", stream)
        return list(stdin_lines())

    return hear


@pytest.mark.parametrize(
    ("encoding", "errors"), [("utf-8", "strict"), ("ascii", "surrogateescape"), ("ascii", "strict")]
)
def test_lines_of_stdin_are_utf_8_whatever_the_locale_says(
    heard: Callable[..., list[str]], encoding: str, errors: str
) -> None:
    content = "\ufeff静音\n导出\n".encode()
    assert heard(content, encoding, errors) == ["静音\n", "导出\n"]


def test_bytes_of_stdin_that_are_no_text_end_nothing(heard: Callable[..., list[str]]) -> None:
    before, bad, after = heard(b"mute\n\xff\xfe\nexport\n")
    assert (before, after) == ("mute\n", "export\n")
    assert bad == "\udcff\udcfe\n"


def test_argument_that_the_locale_could_not_read_is_read_as_utf_8() -> None:
    assert decode_argument("静音".encode().decode("ascii", "surrogateescape")) == "静音"
    assert decode_argument("静音") == "静音"
    assert decode_argument("half \ud83d") == "half \ud83d"


def test_json_loses_nothing_where_stdout_cannot_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"a": "字\udcff😀"}
    for encoding in ("ascii", "utf-8", "cp1252"):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        text = format_json(value)
        text.encode(encoding, "surrogatepass")
        assert json.loads(text) == value


def test_message_that_is_no_text_is_said_before_anything_is_spent(
    run: CommandRunner, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_server.serving.LocalServer", None)
    for arguments in ((clip, "-m", "mute \udcff"), ("http://h/\udcff.mp4", "-m", "mute")):
        outcome = run("edit", *arguments)
        assert outcome.status == 1
        assert "is not valid Unicode at character" in outcome.err
        assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("conform", "--base-url", "\udcff"), 1),
        (("exec", "--", ""), 2),
        (("sessions", "\udcff"), 1),
    ],
)
def test_argument_that_is_no_text_is_said_in_one_line(
    run: CommandRunner, arguments: tuple[str, ...], status: int
) -> None:
    outcome = run(*arguments)
    assert outcome.status == status
    assert outcome.err.startswith("nemolocal: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.slow
def test_file_whose_name_is_not_utf_8_is_edited(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    clip.rename(BAD)
    url = serve()
    outcome = run("edit", BAD, "-m", TRIM, "--json", "--base-url", url)
    assert outcome.status == 0, outcome.err
    created = json.loads(outcome.out)["file"]
    assert Path(created).read_bytes() == b"a render"
    assert os.fsencode(created) == b"bad\xff-edited.mp4"
    outcome = run("edit", BAD, "-m", TRIM, "--out-dir", "films", "--base-url", url)
    assert outcome.status == 0, outcome.out
    assert [os.fsencode(path) for path in Path("films").iterdir()] == [b"films/bad\xff.mp4"]


@pytest.mark.slow
def test_line_of_a_conversation_that_is_no_text_is_complained_of_and_no_more(
    run: CommandRunner, serve: ServerStarter, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\nstatus\n"), "utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    outcome = run("chat", clip, "--json", "--base-url", serve())
    assert outcome.status == 1
    said = [json.loads(line) for line in outcome.lines]
    assert "is not valid Unicode" in said[1]["error"]
    assert said[2]["routes"] == ["status"]


def start(*arguments: object, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    kept = {**os.environ, "NEMOLOCAL_CONFIG_DIR": str(folder / "kept"), **environment}
    command = [sys.executable, "-m", "nemolocal", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=kept)


@pytest.mark.slow
def test_conversation_in_chinese_goes_on_in_the_c_locale(
    serve: ServerStarter, clip: Path, tmp_path: Path
) -> None:
    mine = clip.rename(tmp_path / "字.mp4")
    arguments = ("chat", mine.name, "--json", "--base-url", serve())
    with start(*arguments, folder=tmp_path, **C_LOCALE) as chat:
        out, err = chat.communicate("静音\n\n导出\n".encode(), timeout=600)
    assert chat.returncode == 0, err
    said = [json.loads(line) for line in out.splitlines()]
    assert [each["message"] for each in said[1:]] == ["静音", "导出"]
    assert said[-1]["file"] == "nemolocal-chat.mp4"


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal are sent otherwise there")
def test_ctrl_c_is_one_line_at_any_moment_of_the_imports(
    serve: ServerStarter, clip: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    arguments = ("edit", clip, "-m", TRIM, "--base-url", serve())
    reached = 0
    for imported in (b"nemolocal.__main__", b"argparse", b"nemolocal.main", b"msgspec",
                     b"httpx", b"nemolocal_client.errors", b"nemolocal.single_edit"):  # fmt: skip
        with (
            subtests.test(imported=imported.decode()),
            start(*arguments, folder=tmp_path, PYTHONPROFILEIMPORTTIME="1") as edit,
        ):
            assert edit.stderr is not None
            said = b""
            for line in edit.stderr:
                said += line
                if line.rpartition(b"|")[2].strip() == imported:
                    edit.send_signal(signal.SIGINT)
                    reached += 1
                    break
            said += edit.stderr.read()
            assert b"Traceback" not in said
            assert b"Exception ignored" not in said
            shown = [line for line in said.splitlines() if not line.startswith(b"import time:")]
            assert edit.wait() in (0, 130, -signal.SIGINT), shown
    assert reached >= 5
