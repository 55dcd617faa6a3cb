"""Small clips of several kinds, each with a worse copy of itself; made once per run."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_render import ffmpeg

Make = Callable[[str, list[str]], Path]

MOVING = "testsrc2=s=192x108:r=30000/1001:d=1"
# No part of the picture stays where it was.
_FAST = f"{MOVING},scroll=horizontal=0.03:vertical=0.02"
_GOOD = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]


def tell(*arguments: str | Path, folder: Path | None = None) -> None:
    command = [str(ffmpeg.executable()), "-y", "-v", "error", "-nostdin", *map(str, arguments)]
    subprocess.run(command, check=True, cwd=folder)


@pytest.fixture
def run_ffmpeg() -> Callable[..., None]:
    """FFmpeg without the project between: arguments, and the folder to run in."""
    return tell


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References `<kind>` and their worse copies `worse-<kind>`; how, says each kind."""
    folder = tmp_path_factory.mktemp("pairs")
    drawn = ("-f", "lavfi", "-i", MOVING)
    tell(*drawn, *_GOOD, folder / "plain.mp4")
    tell(*drawn, *_GOOD, folder / "times.mkv")
    webm = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "2M")
    tell(*drawn, *webm, folder / "web.webm")
    # Every third frame is gone, and the times of the others stay.
    uneven = ("-vf", "select=mod(n\\,3)", "-fps_mode", "passthrough")
    tell(*drawn, *uneven, *_GOOD, folder / "uneven.mp4")
    turned = ("-display_rotation", "90", "-i", folder / "plain.mp4", "-c", "copy")
    tell(*turned, folder / "rotated.mp4")
    bad = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "34", "-fps_mode", "passthrough")
    for name in ("plain.mp4", "times.mkv", "uneven.mp4", "rotated.mp4"):
        tell("-i", folder / name, *bad, folder / f"worse-{name}")
    tell("-i", folder / "web.webm", *bad, folder / "worse-web.mkv")
    # The reference in one container, the copy in another that rounds its times.
    tell("-i", folder / "plain.mp4", *bad, folder / "worse-plain.mkv")
    # Its sound begins at once, and its picture half a second later.
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    tell("-itsoffset", "0.5", "-i", folder / "plain.mp4", *sound, *bad, folder / "worse-late.mkv")
    tell("-f", "lavfi", "-i", _FAST, *_GOOD, folder / "fast.mp4")
    worse = [*bad, "-crf", "38"]
    tell("-i", folder / "fast.mp4", *worse, folder / "worse-fast.mkv")
    return folder


@pytest.fixture
def make(media: Path, tmp_path: Path) -> Make:
    """A copy of plain.mp4 that FFmpeg is told how to make."""

    def made(name: str, how: list[str]) -> Path:
        tell("-i", media / "plain.mp4", *how, tmp_path / name)
        return tmp_path / name

    return made
