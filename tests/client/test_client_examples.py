"""The examples of README.md and docs/client.md run as they are printed, at another address."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.silence import Silence

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8787"


def examples() -> list[tuple[str, str]]:
    """Every block of Python that names the library, with its heading."""
    found = []
    for name in ("README.md", "docs/client.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for chapter in re.split(r"\n(?=##+ )", text):
            title = chapter.splitlines()[0].strip("# ")
            for code in re.findall(r"```python\n(.*?)```", chapter, re.DOTALL):
                if "nemolocal_client" in code:
                    found.append((f"{name}: {title}", code))
    return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with LocalServer(Settings(port=0, speed=1e6, silence=Silence(rate=0))) as server:
        yield server.base_url


@pytest.mark.parametrize(("title", "code"), examples(), ids=lambda value: str(value)[:40])
def test_example_runs_as_it_is_printed(
    address: str, sample: Path, tmp_path: Path, title: str, code: str
) -> None:
    assert ADDRESS in code, title
    (tmp_path / "clip.mp4").write_bytes(sample.read_bytes())
    (tmp_path / "example.py").write_text(code.replace(ADDRESS, address), encoding="utf-8")
    # Polls are not waited for as long as in the cloud.
    (tmp_path / "sitecustomize.py").write_text(_HASTE, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NEMO_TOKEN"},
        "NEMOLOCAL_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    }
    run = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout
    assert "nmv_usr_" not in run.stdout
    if "export" in code and "NothingToExport" not in code and "cancel_export" not in code:
        films = {path.name for path in tmp_path.glob("*.mp4")}
        assert films & {"out.mp4", "film.mp4"}, run.stdout


_HASTE = """
import nemolocal_contract.clock as clock
clock.WallClock.wait = lambda self, seconds: clock.time.sleep(seconds / 30)
sleep = clock.asyncio.sleep
clock.WallClock.sleep = lambda self, seconds: sleep(seconds / 30)
"""


def test_every_method_of_the_client_is_in_an_example_or_the_text() -> None:
    from nemolocal_client import Client

    text = (ROOT / "docs/client.md").read_text(encoding="utf-8")
    methods = {name for name in vars(Client) if not name.startswith("_")}
    inner = {"close", "connect", "run", "lines", "session_id"}
    assert [name for name in sorted(methods - inner) if f"{name}(" not in text] == []
