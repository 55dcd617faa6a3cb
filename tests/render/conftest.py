"""Media made once, and the ways in which tests render them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.media.make import make_media
from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import encoders, ffmpeg_cli, job
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.probing.probe_worker import RenderFacts, inspect_media, inspect_render
from nemolocal_render.synthetic import sample_media
from tests.support.media import MediaCache, run_ffmpeg

SIZE = {"width": 320, "height": 180}

# The files of fixtures/media that fast tests need; the others take long to encode.
BASIC_CLIPS = (
    "h264-aac.mp4",
    "h264-flac.mkv",
    "vp8-vorbis.webm",
    "no-sound.mp4",
    "still.jpg",
    "still.gif",
    "tone.wav",
)

_SCRIPT = Path(__file__).parents[2] / "fixtures" / "media" / "make.py"

LARGE_SAMPLE = "large-sample.mp4"

# Extension → what FFmpeg is told, so that each accepted kind is there once.
_KINDS: dict[str, str] = {
    "small.mov": "-c:v prores -c:a pcm_s16le",
    "small.avi": "-c:v mpeg4 -c:a libmp3lame",
    "small.webm": "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -c:a libopus",
    "small.mkv": "-c:v libx264 -preset ultrafast -c:a flac",
    "small.jpg": "-frames:v 1 -an -f image2",
    "small.png": "-frames:v 1 -an -f image2",
    "small.webp": "-frames:v 1 -an -f image2",
    "still.gif": "-frames:v 1 -an",
    "small.gif": "-an",
    "small.mp3": "-vn",
    "small.wav": "-vn",
    "small.aac": "-vn",
    "sound.mp4": "-vn -c:a aac",
    "silent.mp4": "-c:v libx264 -preset ultrafast -an",
}

# Small pictures and clips of known colours: what FFmpeg draws, and how it is written.
_TONE = "aevalsrc='0.3*sin(2*PI*{}*t)':s=48000:d=2"
_SCENES: dict[str, tuple[list[str], list[str]]] = {
    "red.mp4": (["color=red:s=160x90:r=30:d=2", _TONE.format(440)], ["-c:a", "aac"]),
    "blue.mp4": (["color=blue:s=160x90:r=30:d=2", _TONE.format(880)], ["-c:a", "aac"]),
    # A second of a low tone, then one of a high tone.
    "tones.mp4": (
        ["color=gray:s=160x90:r=30:d=2", _TONE.format("(440+440*gte(t,1))")],
        ["-c:a", "aac"],
    ),
    # Red and green above, blue and white below.
    "quarters.png": (
        [
            "color=black:s=160x90,format=gbrp,geq=r='255*eq(lt(X,80),lt(Y,45))'"
            ":g='255*gte(X,80)':b='255*gte(Y,45)'"
        ],
        ["-frames:v", "1"],
    ),
    **{
        f"{name}.{kind}": ([f"color=red:s={size}"], ["-frames:v", "1"])
        for name, size in (("pixel", "1x1"), ("line", "1x300"))
        for kind in ("png", "jpg")
    },
    # White on the left of x = 400, black on the right, twice as large as it is shown.
    "edge.png": (["color=black:s=640x360,format=gray,geq=255*lt(X\\,400)"], ["-frames:v", "1"]),
    # Its right half cannot be seen.
    "logo.png": (
        ["color=red:s=80x40,format=rgba,geq=r=255:g=0:b=0:a='255*lt(X,40)'"],
        ["-frames:v", "1"],
    ),
}


def _make_media(folder: Path) -> None:
    asyncio.run(sample_media.make_sample(folder / LARGE_SAMPLE, seconds=4))
    small = "-vf scale=320:180 -c:v libx264 -preset ultrafast -crf 8 -c:a copy -movflags +faststart"
    run_ffmpeg("-i", folder / LARGE_SAMPLE, *small.split(), folder / "sample.mp4")
    asyncio.run(sample_media.make_music("lofi", 5, folder / "music.m4a"))
    inputs = "-f lavfi -i testsrc2=s=160x90:r=25:d=1 -f lavfi -i sine=f=440:d=1:r=48000".split()
    outputs = [
        argument
        for name, recipe in _KINDS.items()
        for argument in ("-map", "0:v", "-map", "1:a", *recipe.split(), str(folder / name))
    ]
    run_ffmpeg(*inputs, *outputs)
    for name, (drawn, recipe) in _SCENES.items():
        inputs = [argument for scene in drawn for argument in ("-f", "lavfi", "-i", scene)]
        run_ffmpeg(*inputs, *recipe, folder / name)


@pytest.fixture(scope="session")
def media(media_cache: MediaCache) -> Path:
    """A folder with each small kind, `music.m4a` (5 s) and counted frames, 4 s of them.

    `large-sample.mp4` is what `make_sample` made, 1280x720, and `sample.mp4` is a quarter as high:
    most of the work of a small render would be to read a large clip.
    """
    return media_cache.folder("render", _make_media, (_KINDS, _SCENES))


@pytest.fixture(scope="session")
def basic_clips(media_cache: MediaCache) -> Path:
    """A folder with those files of fixtures/media that are made quickly."""
    recipe = (_SCRIPT.read_text(encoding="utf-8"), BASIC_CLIPS)
    return media_cache.folder("basic", lambda folder: make_media(folder, BASIC_CLIPS), recipe)


@pytest.fixture(scope="session")
def all_clips(media_cache: MediaCache) -> Path:
    """What the script of fixtures/media makes, and in `table.txt` what it printed."""

    def make(folder: Path) -> None:
        command = [sys.executable, str(_SCRIPT), str(folder)]
        table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        (folder / "table.txt").write_text(table, encoding="utf-8")

    return media_cache.folder("clips", make, _SCRIPT.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def source(media: Path) -> Callable[[str | Path], MediaSource]:
    """A file of the media folder, or of a path, as a source.

    What it holds is found out by this process: a child that does it costs more than many a render.
    """
    known: dict[Path, MediaSource] = {}

    def get(name: str | Path) -> MediaSource:
        path = media / name
        if path not in known:
            known[path] = MediaSource(path, inspect_media(path, path.suffix[1:]))
        return known[path]

    return get


@pytest.fixture
def check_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have finished files checked by this process, for the same reason."""

    async def check(path: Path) -> RenderFacts:
        return inspect_render(path)

    return lambda: monkeypatch.setattr(job, "probe_render", check)


@pytest.fixture
def make(
    tmp_path: Path, source: Callable[[str | Path], MediaSource], check_here: Callable[[], None]
) -> Callable[..., tuple[Path, RenderResult]]:
    """Render a wire draft whose `src` are names in the media folder; 320x180 unless it says so."""
    check_here()

    def run(
        tracks: list[dict[str, Any]], output: OutputSpec | None = None, **metadata: Any
    ) -> tuple[Path, RenderResult]:
        draft = draft_from_wire({"t": tracks, "m": {**SIZE, **metadata}})
        names = {s["src"] for t in tracks for s in t["sg"] if "src" in s}
        plan = plan_render(
            draft, {name: source(name) for name in names}, output or OutputSpec("low")
        )
        destination = tmp_path / "out" / "render.mp4"
        work = render(plan, destination, workdir=tmp_path / "work", on_progress=lambda _: None)
        return destination, asyncio.run(work)

    return run


@pytest.fixture
def no_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hardware encoder is tried, which is done anew for each binary."""
    monkeypatch.setattr(encoders, "HARDWARE_ENCODERS", ())


@pytest.fixture
def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program before FFmpeg: Python lines that may change `args`, which then run."""
    real = ffmpeg_cli.executable()

    def install(lines: str) -> Path:
        script = tmp_path / "fake-ffmpeg"
        head = f"#!{sys.executable} -S\nimport os, sys\nargs = sys.argv[1:]\n"
        script.write_text(f"{head}{lines}\nos.execv({str(real)!r}, ['ffmpeg', *args])\n")
        script.chmod(0o755)
        monkeypatch.setitem(os.environ, ffmpeg_cli.BINARY_VARIABLE, str(script))
        return script

    return install
