"""`nemolocal completion`: scripts for shells, asked in a shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nemolocal.commands.completion import SHELLS
from nemolocal.main import main
from tests.support.cli import CommandRunner

# What bash does when TAB is pressed after the words.
_COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$(complete -p nemolocal | sed -E 's/.*-F ([^ ]+).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["se"], {"serve", "sessions"}),
        (["serve", "--clock", ""], {"real", "scaled", "manual"}),
        (["serve", "--silent-r"], {"--silent-rate"}),
        (["serve", "--config", "clip"], {"clips.toml"}),
        (["edit", "clip"], {"clips.toml"}),
        (["skill", "ch"], {"check"}),
        (["completion", "b"], {"bash"}),
    ],
)
def test_bash_offers_commands_options_values_and_files(
    run: CommandRunner, tmp_path: Path, words: list[str], offered: set[str]
) -> None:
    script = tmp_path / "script.bash"
    script.write_text(run("completion", "bash").out)
    (tmp_path / "clips.toml").touch()
    done = subprocess.run(
        ["bash", "-c", _COMPLETE, "bash", script, "nemolocal", *words],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_script_of_each_shell_is_valid(run: CommandRunner, tmp_path: Path, shell: str) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", shell).out)
    if shutil.which(shell) is None:
        assert "nemolocal" in script.read_text()
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", script], check=True)


def test_unknown_shell_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "fish"])
    assert "(choose from" in capsys.readouterr().err
