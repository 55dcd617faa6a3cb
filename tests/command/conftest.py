"""The command run in this process, local servers that render nothing, and a small real clip."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal import backend
from tests.support.cli import CommandRunner, FakeRenderer, ServerStarter


@pytest.fixture
def clip(sample: Path, tmp_path: Path) -> Path:
    """The sample in a folder of the test's own."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(sample.read_bytes())
    return path


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's is read or written, and polls are quick."""
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("NEMO_TOKEN", "SKILL_NAME", "SKILL_VERSION", "SKILL_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backend, "_POLL_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def executor() -> FakeRenderer:
    """What stands in for FFmpeg."""
    return FakeRenderer()


@pytest.fixture
def serve(executor: FakeRenderer) -> Iterator[ServerStarter]:
    """Starts servers with the settings it is called with; gives their base URLs."""
    starter = ServerStarter(executor)
    yield starter
    starter.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandRunner:
    """Runs the command in this process."""
    return CommandRunner(capsys)
