"""The commands of a farm: their errors, and that nothing changes without it."""

import subprocess
import sys
from pathlib import Path

import pytest

from nemolocal.main import main
from nemolocal_farm.farm_key import write_farm_key

_WITHOUT_EXTRA = """
import sys
sys.modules["temporalio"] = sys.modules["cryptography"] = None
from nemolocal.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def key(tmp_path: Path) -> str:
    write_farm_key(tmp_path / "farm.key")
    return str(tmp_path / "farm.key")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("serve --farm 127.0.0.1:7233", "--farm needs --farm-key FILE; `nemolocal farm key"),
        ("serve --farm-key {key}", "--farm-key needs --farm HOST:PORT"),
        ("serve --farm nowhere --farm-key {key}", "--farm must be HOST:PORT, not 'nowhere'"),
        ("serve --farm a:0 --farm-key {key}", "--farm must be HOST:PORT, not 'a:0'"),
        ("doctor --farm a:1 --farm-key {key}.no", "key file not found: "),
        (
            "work --farm a:1 --farm-key {key} --server 127.0.0.1:8787",
            "--server must be a URL such as http://127.0.0.1:8787, not '127.0.0.1:8787'",
        ),
        (
            "serve --farm a:1 --farm-key {key} --farm-tls {key} {key} {key}.no",
            "--farm-tls: file not found: ",
        ),
        (
            "work --farm a:1 --farm-key {key} --server http://a --media {key}",
            "--media: folder not found: ",
        ),
        ("farm key {key}", "exists already: choose another file"),
    ],
)
def test_wrong_options_are_reported_before_anything_starts(
    command: str, message: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.format(key=key).split()) in (1, 2)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_worker_without_an_engine_says_so(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = f"work --farm 127.0.0.1:9 --farm-key {key} --server http://127.0.0.1:9"
    assert main(arguments.split()) == 1
    assert "nemolocal: no engine answers at 127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["farm key x", "work --farm a:1 --farm-key x --server http://a", "serve --farm a:1"],
)
def test_without_the_extra_a_farm_command_names_it(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_EXTRA, *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "nemolocal: a farm needs more packages: pip install 'nemolocal[farm]'\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_server_without_a_farm_loads_nothing_of_it() -> None:
    code = """
import sys
from nemolocal.main import main
from nemolocal_server import Settings
from nemolocal_server.serving import LocalServer
import nemolocal.commands.serve, nemolocal.commands.doctor
with LocalServer(Settings(port=0)):
    print(sorted({"temporalio", "cryptography", "nemolocal_farm"} & {
        name.partition(".")[0] for name in sys.modules
    }))
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
