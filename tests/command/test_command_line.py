"""The command itself: help, version, one-line errors, exit codes, nothing imported too early."""

import ast
import io
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nemolocal import main
from nemolocal.attribution import command_attribution, installed_version
from nemolocal.commands import doctor
from nemolocal.errors import CommandError
from tests.support.cli import CommandRunner


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["edit", "--help"], ["demo", "-h"], ["serve", "-h"]]
)
def test_help_is_there(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 0
    assert "usage: nemolocal" in capsys.readouterr().out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--version"])
    assert capsys.readouterr().out == f"nemolocal {installed_version()}\n"


@pytest.mark.parametrize("arguments", [[], ["dance"], ["serve", "--port", "x"]])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_module_runs_as_the_command() -> None:
    arguments = [sys.executable, "-m", "nemolocal", "--version"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nemolocal ")


@pytest.mark.parametrize(
    ("words", "equal"),
    [(["help"], ["--help"]), (["help", "edit"], ["edit", "--help"])],
)
def test_help_is_a_command_too(
    words: list[str], equal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for arguments in (words, equal):
        with pytest.raises(SystemExit) as ended:
            main.main(arguments)
        assert ended.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


@pytest.mark.slow
def test_help_imports_neither_http_nor_server_nor_renderer() -> None:
    code = (
        "import sys; from nemolocal import main; main.command_parser().format_help();"
        "print([m for m in ('httpx', 'rich', 'jinja2', 'markdown_it', 'av', 'starlette',"
        " 'nemolocal_server', 'nemolocal_render') if m in sys.modules])"
    )
    assert python(code) == "[]"


@pytest.mark.slow
def test_sub_commands_import_neither_terminal_nor_server_before_they_need_them() -> None:
    # httpx itself imports rich where it finds it, for its own command.
    code = (
        "import sys, nemolocal.commands.edit, nemolocal.commands.demo, nemolocal.commands.doctor;"
        "import nemolocal.commands.serve;"
        "print([m for m in ('nemolocal.rich_display', 'av', 'nemolocal_server', 'nemolocal_render')"
        " if m in sys.modules])"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (CommandError("no way: take another"), 1, "nemolocal: no way: take another\n"),
        (KeyboardInterrupt(), 130, "nemolocal: interrupted\n"),
    ],
)
def test_failure_is_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch,
    run: CommandRunner,
    failure: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(_: Namespace) -> int:
        raise failure

    monkeypatch.setattr(doctor, "run", fail)
    outcome = run("doctor")
    assert (outcome.status, outcome.out, outcome.err) == (status, "", said)


@pytest.mark.sources
def test_no_command_imports_another() -> None:
    folder = Path(main.__file__).with_name("commands")
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert len(names) > 10
    for name in names:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        found = {
            node.module or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level == 1
            for alias in node.names
        }
        assert not found & names, name


@pytest.mark.slow
def test_reader_that_has_gone_is_no_traceback() -> None:
    code = "import sys; from nemolocal.main import main; sys.exit(main(['doctor']))"
    arguments = [sys.executable, "-c", code]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        said = child.stderr.read()
    assert child.returncode == 1
    assert said == b""


def test_console_that_lacks_a_character_gets_a_replacement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    console = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(doctor, "run", lambda _: print("⏳") or 0)
    assert main.main(["doctor"]) == 0
    assert written.getvalue() == b"?\n"


def test_attribution_is_the_commands_own_or_that_of_the_environment() -> None:
    own = command_attribution({})
    assert (own.source, own.version, own.platform) == ("nemolocal", installed_version(), "unknown")
    named = {"SKILL_NAME": "my-skill", "SKILL_VERSION": "2", "SKILL_SOURCE": "cursor"}
    skill = command_attribution(named)
    assert (skill.source, skill.version, skill.platform) == ("my-skill", "2", "cursor")
    # The version of this command is no version of a skill.
    assert command_attribution({"SKILL_NAME": "my-skill"}).version == "0"
    assert command_attribution({"SKILL_VERSION": "2"}) == own


@pytest.mark.rule("CLI-1")
@pytest.mark.parametrize("variable", ["SKILL_NAME", "SKILL_VERSION", "SKILL_SOURCE"])
@pytest.mark.parametrize("text", ["one\ntwo", "a\x7fb", "tab\tbed", "no text \udcff"])
def test_attribution_that_no_header_can_carry_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(
        CommandError, match=f"^{variable} contains a character .*: set it to one line"
    ):
        command_attribution({"SKILL_NAME": "my-skill", variable: text})


def test_edit_under_an_attribution_of_two_lines_sends_nothing(
    run: CommandRunner, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKILL_NAME", "my\nskill")
    outcome = run("edit", clip, "-m", "trim to 1 s", "--base-url", "http://127.0.0.1:9")
    assert outcome.status == 2
    assert outcome.err.startswith("nemolocal: SKILL_NAME contains a character that is not allowed")


def test_platform_is_that_of_the_folder_it_is_installed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, platform in (
        (".clawhub", "clawhub"),
        (".cursor/skills", "cursor"),
        ("x", "unknown"),
    ):
        monkeypatch.setattr("nemolocal.attribution.__file__", f"/home/me/{folder}/a/nemolocal/x.py")
        assert command_attribution({}).platform == platform


def test_version_of_bare_sources_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nemolocal.attribution._NAME", "no-such-package-here")
    assert installed_version() == "0"


FINDINGS = {
    "all well": ([("ffmpeg", True), ("libx264", True), ("h264_nvenc", False)], 0),
    "no ffmpeg": ([("ffmpeg", False)], 1),
    "no encoder": ([("ffmpeg", True), ("libx264", False)], 1),
}


@pytest.mark.parametrize("case", FINDINGS)
def test_doctor_fails_only_where_nothing_can_be_rendered(
    monkeypatch: pytest.MonkeyPatch, run: CommandRunner, case: str, tmp_path: Path
) -> None:
    found, status = FINDINGS[case]

    async def diagnose() -> list[Any]:
        return [SimpleNamespace(name=name, ok=ok, detail="d") for name, ok in found]

    monkeypatch.setattr("nemolocal_render.diagnostics.diagnose", diagnose)
    monkeypatch.setattr(doctor, "_PACKAGES", ("httpx", "no-such-package-here"))
    outcome = run("doctor")
    assert outcome.status == status
    assert f"ok  config folder: {tmp_path / 'config'}" in outcome.lines
    assert "no  no-such-package-here: not installed" in outcome.lines
    for name, ok in found:
        assert f"{'ok ' if ok else 'no '} {name}: d" in outcome.lines


@pytest.mark.parametrize("case", FINDINGS)
def test_doctor_prints_its_findings_as_json(
    monkeypatch: pytest.MonkeyPatch, run: CommandRunner, case: str
) -> None:
    found, status = FINDINGS[case]

    async def diagnose() -> list[Any]:
        return [SimpleNamespace(name=name, ok=ok, detail="d") for name, ok in found]

    monkeypatch.setattr("nemolocal_render.diagnostics.diagnose", diagnose)
    outcome = run("doctor", "--json")
    report = json.loads(outcome.out)
    assert (outcome.status, report["ok"]) == (status, status == 0)
    checks = {check["name"]: check for check in report["checks"]}
    for name, ok in found:
        required = name in ("ffmpeg", "libx264")
        assert checks[name] == {"ok": ok, "name": name, "detail": "d", "required": required}


def test_doctor_says_which_settings_are_used_and_what_is_wrong_in_them(
    monkeypatch: pytest.MonkeyPatch, run: CommandRunner, tmp_path: Path
) -> None:
    async def diagnose() -> tuple[()]:
        return ()

    monkeypatch.setattr("nemolocal_render.diagnostics.diagnose", diagnose)
    assert "ok  settings file: none: no nemolocal.toml and no [tool.nemolocal] here" in (
        run("doctor").lines
    )
    file = tmp_path / "nemolocal.toml"
    file.write_text("seed = 3")
    assert f"ok  settings file: {file}" in run("doctor").lines
    file.write_text("seed = 'x'")
    outcome = run("doctor")
    assert outcome.status == 1
    assert f'no  settings file: {file}: seed must be a whole number, not "x"' in outcome.lines


@pytest.mark.parametrize(
    ("reason", "reported"),
    [
        ("", "ok  exec: seals programs in their own network namespace"),
        (
            "unshare: operation not permitted",
            "no  exec: cannot seal programs, uses a proxy and hooks instead: "
            "unshare: operation not permitted",
        ),
    ],
)
def test_doctor_says_how_programs_are_sealed(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch, reason: str, reported: str
) -> None:
    async def diagnose() -> tuple[()]:
        return ()

    monkeypatch.setattr("nemolocal_render.diagnostics.diagnose", diagnose)
    monkeypatch.setattr("nemolocal.exec.sealed_network.sealing_unavailable_reason", lambda: reason)
    outcome = run("doctor")
    assert outcome.status == 0
    assert reported in outcome.lines


@pytest.mark.parametrize(
    ("arguments", "usage", "said"),
    [
        (["edti", "x"], "usage: nemolocal [", "unknown value 'edti'; did you mean edit?"),
        (["skill", "chekc", "x"], "usage: nemolocal skill [", "did you mean check?"),
        (["edit", "--outptu", "x"], "usage: nemolocal edit [", "did you mean --output?"),
        (["skill", "new", "a", "--nothing"], "usage: nemolocal skill new [", "--nothing"),
        (["chat", "--zzz"], "usage: nemolocal chat [", "unrecognized arguments: --zzz"),
        (["serve", "--clock", "rael"], "usage: nemolocal serve [", "did you mean real?"),
        (["frob"], "usage: nemolocal [", "invalid choice: 'frob'"),
    ],
)
def test_wrong_usage_shows_that_of_the_sub_command_and_what_was_meant(
    arguments: list[str], usage: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2
    reported = capsys.readouterr().err
    assert reported.startswith(usage)
    assert said in reported.splitlines()[-1]


@pytest.mark.parametrize(("arguments", "there"), [([], "doctor"), (["skill"], "check")])
def test_command_without_a_word_shows_its_help(
    arguments: list[str], there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main.main(arguments)
    reported = capsys.readouterr().err
    assert "options:" in reported
    assert there in reported


@pytest.mark.parametrize(
    "name",
    "demo edit chat sessions serve skill exec conform conform-client verdict bench clean".split(),
)
def test_help_fits_into_80_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main.main([name, "--help"])
    # The usage is argparse's own, which keeps alternatives on one line.
    _, _, text = capsys.readouterr().out.partition("\n\n")
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_words_of_the_help_keep_their_case(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["demo"], "Run the full workflow once: sample clip to MP4."),
        (["skill", "check"], "Report errors in a SKILL.md."),
        (["serve"], "TOML file of settings"),
    ):
        with pytest.raises(SystemExit):
            main.main([*arguments, "--help"])
        assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("variable", ["NEMOLOCAL_CONFIG_DIR", "NEMOLOCAL_DATA_DIR"])
def test_doctor_tells_a_folder_that_cannot_be_written_to(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    good = doctor._folder("a folder", tmp_path / "new" / "one", variable)
    assert good == (True, "a folder", str(tmp_path / "new" / "one"))
    assert not (tmp_path / "new").exists()
    ok, _, detail = doctor._folder("a folder", tmp_path / "file" / "one", variable)
    assert not ok
    assert f"set {variable} to a writable folder" in detail


def test_doctor_names_no_package_twice() -> None:
    assert "av" not in doctor._PACKAGES


def test_empty_message_is_refused_before_anything_is_spent(
    run: CommandRunner, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    for words in (("edit", "clip.mp4", "-m", " "), ("edit", "-m", "")):
        outcome = run(*words)
        assert outcome.status == 2
        assert outcome.err == "nemolocal: a message is empty: give an instruction with -m\n"
