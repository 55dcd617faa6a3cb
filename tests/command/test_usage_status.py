"""Wrong usage is 2 in every command, as where argparse finds it; 1 is a failure, or a verdict."""

import shutil
from pathlib import Path

import pytest

from nemolocal.main import main

NO_PROGRAM = "nothing to run: give a program after --"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("conform --only zzz", "no check id starts with this"),
        ("conform --only zzz --list", "no check id starts with this"),
        ("conform --only general. --only zzz", "--only zzz: no check id starts with this"),
        ("conform --only token.life --smoke", "none of these checks is in the --smoke set"),
        ("verdict --only client. --only zzz x.jsonl", "--only zzz: no check id starts with this"),
        ("conform-client --only plain --only zzz -- true", "--only zzz: no scenario has this"),
        ("conform --explain zzz", "no check has the id 'zzz'"),
        ("conform --random 2 --only token.", "cannot be combined with --random"),
        ("verdict --only zzz", "no check id starts with this"),
        ("verdict --explain zzz", "no check has this id"),
        ("verdict", "give a JOURNAL"),
        ("conform-client --only zzz -- true", "no scenario has this name"),
        ("conform-client --only zzz --list", "no scenario has this name"),
        ("conform-client", NO_PROGRAM),
        ("conform-client --", NO_PROGRAM),
        ("conform-client --timeout 0 -- true", "--timeout must be greater than 0"),
        ("exec", NO_PROGRAM),
        ("exec --verdict --", NO_PROGRAM),
        ("exec --allow-host a:b -- true", "--allow-host must be HOST or HOST:PORT"),
        ("exec --speed 0 -- true", "speed"),
        ("exec --config nowhere.toml -- true", "nowhere.toml"),
        ("exec --scenario zzz -- true", "zzz"),
        ("edit", "nothing to edit"),
        ("edit clip.mp4", "nothing to do"),
        ("edit clip.mp4 -m", "a message is empty"),
        ("edit --session 1 -o a.mp4 -m", "a message is empty"),
        ("edit --out-dir films -m mute", "nothing to edit"),
        ("edit clip.mp4 --out-dir films", "nothing to do"),
        ("edit clip.mp4 --out-dir films -o a.mp4 -m mute", "cannot be combined with --output"),
        ("edit https://films.example/a.mp4 --out-dir films -m mute", "is a URL"),
        ("edit clip.mp4 other/clip.mp4 --out-dir films -m mute", "several files are named clip"),
        ("edit https://films.example/a.mp4 -m mute", "add --fetch-from films.example"),
        ("edit http:///a.mp4 -m mute", "invalid URL"),
        ("edit http://[x/a.mp4 -m mute", "invalid URL"),
        ("edit clip.mp4 --fetch-from a/b -m mute", "--fetch-from"),
        (
            "edit clip.mp4 -m mute --like-cloud --base-url http://127.0.0.1:9",
            "--like-cloud cannot be combined",
        ),
        ("edit clip.mp4 -m mute --base-url nonsense", "is no base URL"),
        ("chat --base-url ftp://films.example", "is no base URL"),
        (
            "chat --base-url http://127.0.0.1:9 --fetch-from films.example",
            "--fetch-from cannot be combined",
        ),
        ("chat https://films.example/a.mp4", "add --fetch-from films.example"),
        ("demo https://films.example/a.mp4", "the demo takes a local file"),
        ("skill new Not_A_Name", "invalid skill name"),
        ("serve --silent-quota 3", "silent quota must be K/N"),
        ("serve --speed 0", "speed"),
        ("serve --config nowhere.toml", "nowhere.toml"),
        ("serve --port 0 --data= --scenario zzz", "zzz"),
    ],
)
def test_wrong_usage_is_two_and_one_line(
    capsys: pytest.CaptureFixture[str], words: str, said: str, clip: Path
) -> None:
    (clip.parent / "other").mkdir()
    shutil.copy(clip, clip.parent / "other")
    # Splitting leaves no word that is empty.
    given = [*words.split(), ""] if words.endswith(" -m") else words.split()
    assert main(given) == 2
    reported = capsys.readouterr()
    assert reported.out == ""
    assert reported.err.startswith("nemolocal: ")
    assert said in reported.err
    assert reported.err.count("\n") == 1
    assert not list(clip.parent.glob("**/*.part"))
    assert not (clip.parent / "films").exists()


@pytest.mark.parametrize("variable", ["SKILL_NAME", "NEMO_TOKEN"])
def test_variable_that_makes_no_sense_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    clip: Path,
) -> None:
    monkeypatch.setenv(variable, "a\nb")
    words = "exec -- true" if variable == "NEMO_TOKEN" else f"edit {clip} -m mute -o a.mp4"
    assert main(words.split()) == 2
    assert variable in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("edit nowhere.mp4 -m mute", "file not found"),
        ("edit clip.mp4 -m mute --base-url http://127.0.0.1:9", "cannot connect"),
        ("edit --session 1 -m mute", "no saved session 1"),
        ("clean --data nowhere", "nowhere"),
    ],
)
def test_what_this_machine_lacks_is_one(
    capsys: pytest.CaptureFixture[str], words: str, said: str, clip: Path
) -> None:
    assert clip.exists()
    assert main(words.split()) == 1
    assert said in capsys.readouterr().err
