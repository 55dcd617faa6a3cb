"""A local server that renders nothing, the command run in this process, and a small real clip."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal import backend
from nemolocal.command import main
from nemolocal_render.footage import make_sample
from nemolocal_render.job import RenderFailed, RenderResult
from nemolocal_render.plan import RenderPlan
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.silence import Silence


class Outcome(msgspec.Struct):
    """What a run of the command came to."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class PlannedExecutor:
    """Renders without FFmpeg: a file of eight bytes, or a failure."""

    def __init__(self) -> None:
        self.failures = 0
        self.calls = 0

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        self.calls += 1
        on_progress(50)
        if self.calls <= self.failures:
            raise RenderFailed("the disk is full")
        destination.write_bytes(b"a render")
        return RenderResult(
            duration=plan.duration, size=8, frames=60, width=1280, height=720,
            encoder="none", encoder_reason="planned", warnings=("no glyph for 字",),
        )  # fmt: skip


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with sound."""
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    asyncio.run(make_sample(path, seconds=2))
    return path


@pytest.fixture
def clip(sample: Path, tmp_path: Path) -> Path:
    """The sample in a folder of the test's own."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(sample.read_bytes())
    return path


@pytest.fixture(autouse=True)
def own_corner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's is read or written, and polls are quick."""
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("NEMO_TOKEN", "SKILL_NAME", "SKILL_VERSION", "SKILL_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backend, "_POLL_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def executor() -> PlannedExecutor:
    """What stands in for FFmpeg."""
    return PlannedExecutor()


@pytest.fixture
def serve(executor: PlannedExecutor) -> Iterator[Callable[..., str]]:
    """Start a server with these settings; its base URL."""
    servers: list[LocalServer] = []

    def start(**settings: Any) -> str:
        settings.setdefault("silence", Silence(rate=settings.pop("silent_rate", 0.0)))
        chosen = Settings(**{"port": 0, "speed": 1e6, **settings})
        server = LocalServer(chosen, execute=executor)
        servers.append(server)
        server.__enter__()
        return server.base_url

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process."""

    def run_command(*arguments: object) -> Outcome:
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run_command
