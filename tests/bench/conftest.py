"""Small clips of several kinds, each with a worse copy of itself; made once."""

import hashlib
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal.main import main
from nemolocal_bench import video_files
from nemolocal_bench.video_files import file_digest
from nemolocal_render.media import MediaInfo
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.probing.sniff import sniff
from tests.support.media import MediaCache, run_ffmpeg

Make = Callable[[str, list[str]], Path]

MOVING = "testsrc2=s=192x108:r=30000/1001:d=1"
# No part of the picture stays where it was.
_FAST = f"{MOVING},scroll=horizontal=0.03:vertical=0.02"
_GOOD = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]
_BAD = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "34", "-fps_mode", "passthrough"]


def _make_pairs(folder: Path) -> None:
    drawn = ("-f", "lavfi", "-i", MOVING)
    run_ffmpeg(*drawn, *_GOOD, folder / "plain.mp4")
    run_ffmpeg(*drawn, *_GOOD, folder / "times.mkv")
    webm = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "2M")
    run_ffmpeg(*drawn, *webm, folder / "web.webm")
    # Every third frame is gone, and the times of the others stay.
    uneven = ("-vf", "select=mod(n\\,3)", "-fps_mode", "passthrough")
    run_ffmpeg(*drawn, *uneven, *_GOOD, folder / "uneven.mp4")
    turned = ("-display_rotation", "90", "-i", folder / "plain.mp4", "-c", "copy")
    run_ffmpeg(*turned, folder / "rotated.mp4")
    for name in ("plain.mp4", "times.mkv", "uneven.mp4", "rotated.mp4"):
        run_ffmpeg("-i", folder / name, *_BAD, folder / f"worse-{name}")
    run_ffmpeg("-i", folder / "web.webm", *_BAD, folder / "worse-web.mkv")
    # The reference in one container, the copy in another that rounds its times.
    run_ffmpeg("-i", folder / "plain.mp4", *_BAD, folder / "worse-plain.mkv")
    # Its sound begins at once, and its picture half a second later.
    late = ("-itsoffset", "0.5", "-i", folder / "plain.mp4")
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    run_ffmpeg(*late, *sound, *_BAD, folder / "worse-late.mkv")
    run_ffmpeg("-f", "lavfi", "-i", _FAST, *_GOOD, folder / "fast.mp4")
    run_ffmpeg("-i", folder / "fast.mp4", *_BAD, "-crf", "38", folder / "worse-fast.mkv")


@pytest.fixture(scope="session")
def media(media_cache: MediaCache) -> Path:
    """References `<kind>` and their worse copies `worse-<kind>`; how, says each kind."""
    return media_cache.folder("pairs", _make_pairs, Path(__file__).read_text(encoding="utf-8"))


@pytest.fixture
def probed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are looked into by this process: a child costs more than most of what follows."""

    async def probe(path: Path, extension: str) -> MediaInfo:
        sniff(path, extension)
        return inspect_media(path, extension)

    monkeypatch.setattr(video_files, "probe", probe)


@pytest.fixture
def make(media: Path, tmp_path: Path) -> Make:
    """A copy of plain.mp4 that FFmpeg is told how to make."""

    def created(name: str, how: list[str]) -> Path:
        run_ffmpeg("-i", media / "plain.mp4", *how, tmp_path / name)
        return tmp_path / name

    return created


def sources(package: str) -> bytes:
    """Return a digest of all modules of a package."""
    (folder,) = importlib.import_module(package).__path__
    digest = hashlib.sha256()
    for module in sorted(Path(folder).rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.digest()


@pytest.fixture
def measured(media: Path, media_cache: MediaCache, tmp_path: Path) -> Path:
    """The clip plain.mp4, with the results of its libx264 comparison in the cache."""
    clip = media / "plain.mp4"

    def measure(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(folder))
            assert bench(clip, "--encoders", "libx264") == 0

    recipe = (file_digest(clip), sources("nemolocal_bench"))
    shutil.copytree(
        media_cache.folder("measured", measure, recipe),
        tmp_path / "cache",
        copy_function=shutil.copyfile,
    )
    return clip


def bench(*arguments: str | Path) -> int:
    """Run `nemolocal bench`, and return its exit status."""
    return main(["bench", *map(str, arguments)])
