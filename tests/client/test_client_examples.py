"""The examples of README.md and the pages in docs run as they are printed, at another address."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal_contract import clock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.executor import FakeRenderExecutor

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8787"


def examples() -> list[tuple[str, str]]:
    """Every block of Python that names the library, with its heading."""
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        name, text = page.relative_to(ROOT), page.read_text(encoding="utf-8")
        for chapter in re.split(r"\n(?=##+ )", text):
            title = chapter.splitlines()[0].strip("# ")
            for code in re.findall(r"```python\n(.*?)```", chapter, re.DOTALL):
                # Those with tests are run by pytest: tests/pytest_plugin.
                if "nemolocal_client import" in code and "def test_" not in code:
                    found.append((f"{name}: {title}", code))
    return found


EXAMPLES = pytest.mark.parametrize(("title", "code"), examples(), ids=lambda value: str(value)[:40])
SETTINGS = Settings(port=0, speed=1e6, silence=SilentTurnPolicy(rate=0))


@pytest.fixture(scope="module")
def planning_server() -> Iterator[str]:
    """The address of a server that renders nothing."""
    with LocalServer(SETTINGS, execute=FakeRenderExecutor()) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def rendering_server() -> Iterator[str]:
    """The address of a server that renders."""
    with LocalServer(SETTINGS) as server:
        yield server.base_url


@pytest.mark.slow
@EXAMPLES
def test_example_runs_as_it_is_printed(
    planning_server: str,
    sample: Path,
    tmp_path: Path,
    title: str,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ADDRESS in code, title
    for name in ("clip.mp4", "nemolocal-demo.mp4"):
        (tmp_path / name).write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("NEMO_TOKEN", raising=False)
    hurry(monkeypatch)
    exec(compile(code.replace(ADDRESS, planning_server), title, "exec"), {"__name__": "__main__"})
    assert_done(tmp_path, code, capsys.readouterr().out)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls are not waited for as long as in the cloud."""
    sleep = asyncio.sleep
    monkeypatch.setattr(
        clock.WallClock, "wait", lambda clock, seconds: time.sleep(seconds / clock.speed / 300)
    )
    monkeypatch.setattr(
        clock.WallClock, "sleep", lambda clock, seconds: sleep(seconds / clock.speed / 300)
    )


def assert_done(folder: Path, code: str, printed: str) -> None:
    """The example has told something, no token, and exported what it was to export."""
    assert printed
    assert "nmv_usr_" not in printed
    if "export" in code and "NothingToExport" not in code and "cancel_export" not in code:
        assert {path.name for path in folder.glob("*.mp4")} & {"out.mp4", "film.mp4"}, printed


@pytest.mark.slow
@pytest.mark.ffmpeg
@EXAMPLES
def test_example_runs_in_a_process_of_its_own_and_renders(
    rendering_server: str, sample: Path, tmp_path: Path, title: str, code: str
) -> None:
    assert ADDRESS in code, title
    for name in ("clip.mp4", "nemolocal-demo.mp4"):
        (tmp_path / name).write_bytes(sample.read_bytes())
    (tmp_path / "example.py").write_text(code.replace(ADDRESS, rendering_server), encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(_HASTE, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NEMO_TOKEN"},
        "NEMOLOCAL_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    }
    run = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert_done(tmp_path, code, run.stdout)


# Ten polls are the better part of a minute: time for a render on a busy machine.
_HASTE = """
import nemolocal_contract.clock as clock
clock.WallClock.wait = lambda self, seconds: clock.time.sleep(seconds / 6)
sleep = clock.asyncio.sleep
clock.WallClock.sleep = lambda self, seconds: sleep(seconds / 6)
"""


def test_every_method_of_the_client_is_in_an_example_or_the_text() -> None:
    from nemolocal_client import Client

    text = (ROOT / "docs/reference/python-client.md").read_text(encoding="utf-8")
    methods = {name for name in vars(Client) if not name.startswith("_")}
    inner = {"close", "connect", "run", "lines", "session_id"}
    assert [name for name in sorted(methods - inner) if f"{name}(" not in text] == []
