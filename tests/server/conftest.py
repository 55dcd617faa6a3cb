"""A server on a socket, its waits on a clock that jumps, and a bare caller to question it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal_render.media import MediaInfo
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


@pytest.fixture
def servers() -> Iterator[ServerFactory]:
    started = ServerFactory()
    yield started
    started.stop()


@pytest.fixture
def executor() -> FakeRenderExecutor:
    return FakeRenderExecutor()


@pytest.fixture
def base_url(servers: ServerFactory, executor: FakeRenderExecutor) -> str:
    """A server whose renders are fake, and none of whose edits is silent."""
    return servers.start(executor)


@pytest.fixture
def new_caller(servers: ServerFactory) -> Iterator[NewCaller]:
    """Makes callers, and hangs up for them before the servers stop."""
    assert servers
    callers: list[HttpCaller] = []

    def make(base_url: str, client_id: str = "client-1") -> HttpCaller:
        callers.append(HttpCaller(base_url, client_id))
        return callers[-1]

    yield make
    for caller in callers:
        caller.http.close()


@pytest.fixture
def caller(base_url: str, new_caller: NewCaller) -> HttpCaller:
    """A caller with a token and a session."""
    return new_caller(base_url).connect()


@pytest.fixture
def edited(caller: HttpCaller, sample: Path) -> HttpCaller:
    """A caller with an upload on its timeline."""
    caller.upload(sample)
    caller.say("edit my raw video footage")
    return caller


@pytest.fixture
def copied_music(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Music that is not composed but copied, at once."""

    async def make_music(_mood: str, seconds: float, destination: Path) -> MediaInfo:
        shutil.copyfile(song, destination)
        return MediaInfo("audio", "m4a", duration=seconds, audio_codec="aac")

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", make_music)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not root or shutil.which("mount") is None or subprocess.run(mount).returncode:
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)
