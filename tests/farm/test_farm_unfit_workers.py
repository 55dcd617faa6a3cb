"""Workers that are slow or fail at everything, and disks that are full."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from nemolocal_farm.engine import EngineOptions
from nemolocal_farm.farm_executor import install_farm
from nemolocal_farm.farm_key import read_farm_key, write_farm_key
from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_server import Settings
from nemolocal_server.serving import LocalServer
from tests.farm.conftest import LIMITS, EngineProcess, RunningFarm, is_running, wait_until

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root or shutil.which("mount") is None or subprocess.run(mount).returncode:
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take what room there is; delete the file to give it back."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


def test_the_part_of_a_slow_worker_is_also_given_to_another(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    slow = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_until(slow.runs_ffmpeg, "FFmpeg runs")
    children = slow.children()
    # The worker lives and says so, but its part gets nowhere.
    for child in children:
        os.kill(child, signal.SIGSTOP)
    farm.start_worker("--places", "1")
    rendering.result()
    assert rendering.mentions("is slow, a second worker may take it too"), rendering.lines
    assert not rendering.mentions(f":{slow.process.pid},"), rendering.lines
    assert not rendering.mentions("on this machine"), rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    wait_until(lambda: not any(map(is_running, children)), "the slow FFmpeg is ended")
    assert slow.process.poll() is None
    assert list(farm.parts.iterdir()) == []


def test_a_worker_whose_ffmpeg_has_broken_leaves_and_fails_no_render(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    # The same bytes, so that it is a worker of this build.
    binary = tmp_path / "ffmpeg"
    shutil.copy(ffmpeg_cli.executable(), binary)
    broken = farm.start_worker("--places", "1", NEMOLOCAL_FFMPEG=str(binary))
    binary.unlink()
    binary.write_text("#!/bin/sh\nexit 1\n")
    binary.chmod(0o755)
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_until(lambda: broken.process.poll() is not None, "the broken worker leaves")
    healthy = farm.start_worker("--places", "1")
    rendering.result()
    assert broken.process.returncode == 1
    assert broken.says("nemolocal: FFmpeg does not work here any more"), broken.log.read_text()
    assert rendering.mentions(f":{healthy.process.pid},"), rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed


def test_a_worker_with_a_full_disk_leaves_and_fails_no_render(
    farm: RunningFarm,
    slow_plan: RenderPlan,
    undisturbed: bytes,
    tmp_path: Path,
    small_disk: Path,
) -> None:
    full = farm.start_worker("--places", "1", TMPDIR=str(small_disk))
    fill(small_disk)
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_until(lambda: full.process.poll() is not None, "the worker with the full disk leaves")
    healthy = farm.start_worker("--places", "1")
    rendering.result()
    assert full.process.returncode == 1
    assert full.says("nemolocal: the disk of this worker is full: free some space")
    assert rendering.mentions(f":{healthy.process.pid},"), rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    assert {path.name for path in small_disk.iterdir()} == {"filler"}


def test_a_full_disk_of_the_server_fails_the_render_with_that_reason(
    engine: EngineProcess,
    slow_plan: RenderPlan,
    tmp_path: Path,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without sound nothing but the parts needs room.
    silent = msgspec.structs.replace(slow_plan, audio_tracks=(), samples=0)
    monkeypatch.setattr(encoders, "HARDWARE_ENCODERS", ())
    write_farm_key(tmp_path / "farm.key")
    server = LocalServer(Settings(port=0, data_dir=small_disk / "data"))
    options = EngineOptions(engine.address, read_farm_key(tmp_path / "farm.key"))
    install_farm(server.app, options, LIMITS)
    with server, contextlib.ExitStack() as stack:
        farm = RunningFarm(server, engine, tmp_path)
        stack.callback(farm.end)
        worker = farm.start_worker("--places", "1")
        rendering = farm.render(silent, small_disk / "x.mp4")
        wait_until(worker.children, "FFmpeg runs")
        filler = fill(small_disk)
        with pytest.raises(RenderJobFailed, match="the disk is full: free some space"):
            rendering.result()
        assert worker.says("the server has no room for it"), worker.log.read_text()
        assert not rendering.mentions("on this machine"), rendering.lines
        assert list(farm.parts.iterdir()) == []
        filler.unlink()
        again = farm.render(silent, small_disk / "x.mp4")
        assert again.result().frames == silent.frames
        assert len(again.mentions(": by ")) == 2, again.lines
