"""The command run in this process, local servers that render nothing, and a small real clip."""

import asyncio
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nemolocal import client_factory
from nemolocal.termination import TERMINATING
from nemolocal_contract.journal import CreditSummary, Summary
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.synthetic.sample_media import make_sample
from nemolocal_server.logging_config import LogOptions
from nemolocal_server.settings import Settings
from tests.support.cli import CommandRunner, ServerStarter
from tests.support.executor import FakeRenderExecutor
from tests.support.media import MediaCache


@pytest.fixture
def clip(sample: Path, tmp_path: Path) -> Path:
    """The sample in a folder of the test's own."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(sample.read_bytes())
    return path


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's is read or written, polls are quick, and a slow answer is awaited."""
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("NEMOLOCAL_DATA_DIR", str(tmp_path / "data"))
    for name in ("NEMO_TOKEN", "SKILL_NAME", "SKILL_VERSION", "SKILL_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(client_factory, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(client_factory, "_HEALTH_TIMEOUT", 60.0)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def copied_samples(monkeypatch: pytest.MonkeyPatch, media_cache: MediaCache) -> None:
    """Sample videos are copied from the cache wherever the command or its server makes one."""

    async def copy(destination: Path, *, seconds: int = 20) -> None:
        def make(path: Path) -> None:
            asyncio.run(make_sample(path, seconds=seconds))

        name = f"sample-{seconds}.mp4"
        created = await asyncio.to_thread(media_cache.file, name, make, seconds)
        shutil.copyfile(created, destination)

    for place in (
        "nemolocal_render.synthetic.sample_media",
        "nemolocal_server.uploads.sample_media",
        "nemolocal.fault_self_check",
    ):
        monkeypatch.setattr(f"{place}.make_sample", copy)


@pytest.fixture
def without_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own server renders nothing."""
    monkeypatch.setattr("nemolocal_server.services.LocalExecutor", lambda _: FakeRenderExecutor())


@pytest.fixture
def with_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real render is waited for, however busy the machine is."""
    monkeypatch.setattr(client_factory, "_POLL_SECONDS", 0.05)
    monkeypatch.setattr(client_factory, "_POLL_TIMES", 100_000)


@pytest.fixture(
    params=[
        pytest.param(False, id="planned"),
        pytest.param(True, id="rendered", marks=[pytest.mark.slow, pytest.mark.ffmpeg]),
    ]
)
def rendered(request: pytest.FixtureRequest) -> bool:
    """Whether the command's own server renders: in the deep run it does that, too."""
    request.getfixturevalue("with_rendering" if request.param else "without_rendering")
    return bool(request.param)


@pytest.fixture
def executor() -> FakeRenderExecutor:
    """What stands in for FFmpeg; set `failures_left` and the next renders fail."""
    executor = FakeRenderExecutor(warnings=("no glyph for 字",))
    executor.failure, executor.failures_left = RenderJobFailed("the disk is full"), 0
    return executor


@pytest.fixture
def serve(executor: FakeRenderExecutor) -> Iterator[ServerStarter]:
    """Starts servers with the settings it is called with; gives their base URLs."""
    starter = ServerStarter(executor)
    yield starter
    starter.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandRunner:
    """Runs the command in this process."""
    return CommandRunner(capsys)


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Signals act as in a fresh shell, also for child processes: under nohup SIGHUP is ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in TERMINATING}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, found in before.items():
        signal.signal(number, found)


@pytest.fixture
def log_options() -> list[LogOptions]:
    """How the server was asked to log."""
    return []


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, log_options: list[LogOptions]) -> list[Settings]:
    """The settings that the server was asked to serve with; none is started."""
    seen: list[Settings] = []

    def serve(
        settings: Settings,
        on_ready: Callable[[str], None],
        on_end: Callable[[Summary], None],
        log: LogOptions,
        pages: object,
        extend: object,
    ) -> None:
        del pages, extend
        log_options.append(log)
        seen.append(settings)
        on_ready("http://127.0.0.1:1")
        on_end(Summary(0, 0, {}, 0, 0, CreditSummary(0, 0), ""))

    monkeypatch.setattr("nemolocal_server.serving.serve", serve)
    return seen
