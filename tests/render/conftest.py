"""Media made once per session, and eyes and ears for what was rendered from it."""

import array
import asyncio
import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import ffmpeg, footage
from nemolocal_render.job import RenderResult, render
from nemolocal_render.plan import OutputSpec, RenderPlan, Source, plan_render
from nemolocal_render.probe import probe

SIZE = {"width": 320, "height": 180}

# Extension → what FFmpeg is told, so that each accepted kind is there once.
_RECIPES: dict[str, list[str]] = {
    "small.mov": ["-c:v", "prores", "-c:a", "pcm_s16le"],
    "small.avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"],
    "small.webm": [
        "-c:v",
        "libvpx-vp9",
        "-cpu-used",
        "8",
        "-deadline",
        "realtime",
        "-c:a",
        "libopus",
    ],
    "small.mkv": ["-c:v", "libx264", "-c:a", "flac"],
    "small.jpg": ["-frames:v", "1", "-an", "-f", "image2"],
    "small.png": ["-frames:v", "1", "-an", "-f", "image2"],
    "small.webp": ["-frames:v", "1", "-an", "-f", "image2"],
    "still.gif": ["-frames:v", "1", "-an"],
    "small.gif": ["-an"],
    "small.mp3": ["-vn"],
    "small.wav": ["-vn"],
    "small.aac": ["-vn"],
    "sound.mp4": ["-vn", "-c:a", "aac"],
    "silent.mp4": ["-c:v", "libx264", "-an"],
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


def _draw(folder: Path) -> None:
    for name, (drawn, recipe) in _SCENES.items():
        inputs = [argument for scene in drawn for argument in ("-f", "lavfi", "-i", scene)]
        _ffmpeg(*inputs, *recipe, str(folder / name))


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(
        [str(ffmpeg.executable()), "-v", "error", "-nostdin", "-y", *arguments], check=True
    )


@pytest.fixture(scope="session")
def run_ffmpeg() -> Callable[..., None]:
    return _ffmpeg


@pytest.fixture(scope="session")
def fixture_script() -> Callable[[str], Any]:
    """A Python file of the folder fixtures as a module."""

    def load(name: str) -> Any:
        path = Path(__file__).parents[2] / "fixtures" / name
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `sample.mp4` (4 s, counted frames), `music.m4a` (5 s) and each small kind."""
    folder = tmp_path_factory.mktemp("media")
    asyncio.run(footage.make_sample(folder / "sample.mp4", seconds=4))
    asyncio.run(footage.make_music("lofi", 5, folder / "music.m4a"))
    picture = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1"]
    sound = ["-f", "lavfi", "-i", "sine=f=440:d=1:r=48000"]
    outputs = [
        argument
        for name, recipe in _RECIPES.items()
        for argument in ["-map", "0:v", "-map", "1:a", *recipe, str(folder / name)]
    ]
    _ffmpeg(*picture, *sound, *outputs)
    _draw(folder)
    return folder


@pytest.fixture(scope="session")
def source(media: Path) -> Callable[[str], Source]:
    """A file of the media folder, or of a path, as a probed source."""
    known: dict[str, Source] = {}

    def get(name: str | Path) -> Source:
        path = media / name
        if str(path) not in known:
            known[str(path)] = Source(path, asyncio.run(probe(path, path.suffix[1:])))
        return known[str(path)]

    return get


@pytest.fixture
def make(
    tmp_path: Path, source: Callable[[str], Source]
) -> Callable[..., tuple[Path, RenderResult]]:
    """Render a wire draft whose `src` are names in the media folder; 320x180 unless it says so."""

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


@pytest.fixture(scope="session")
def render_wire(
    tmp_path_factory: pytest.TempPathFactory, source: Callable[[str], Source]
) -> Callable[..., tuple[Path, RenderPlan, RenderResult]]:
    """Render a whole wire draft, any number of times in one test; the next one replaces it."""
    folder = tmp_path_factory.mktemp("wire")

    def run(wire: dict[str, Any]) -> tuple[Path, RenderPlan, RenderResult]:
        names = {s["src"] for t in wire["t"] for s in t["sg"] if "src" in s}
        sources = {name: source(name) for name in names}
        plan = plan_render(draft_from_wire(wire), sources, OutputSpec("low"))
        work = render(plan, folder / "x.mp4", workdir=folder, on_progress=lambda _: None)
        return folder / "x.mp4", plan, asyncio.run(work)

    return run


class Pictures:
    """The points of each decoded frame."""

    def __init__(self, path: Path) -> None:
        import av

        self._frames: list[list[tuple[int, bytes]]] = []
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                self.width, self.height = frame.width, frame.height
                self._frames.append([(plane.line_size, bytes(plane)) for plane in frame.planes])

    def __len__(self) -> int:
        return len(self._frames)

    def luma(self, index: int, x: float, y: float) -> int:
        """The brightness of a point; x and y from 0 to 1."""
        line, pixels = self._frames[index][0]
        return pixels[int(y * self.height) * line + int(x * self.width)]

    def rgb(self, index: int, x: float, y: float) -> tuple[int, int, int]:
        """The colour of a point, 0 to 255 each."""
        u, v = (
            pixels[int(y * self.height / 2) * line + int(x * self.width / 2)] - 128
            for line, pixels in self._frames[index][1:]
        )
        gray = 1.164 * (self.luma(index, x, y) - 16)
        color = (gray + 1.793 * v, gray - 0.213 * u - 0.533 * v, gray + 2.112 * u)
        red, green, blue = (min(max(round(part), 0), 255) for part in color)
        return red, green, blue

    def row(self, index: int, y: float) -> bytes:
        """The brightness of a row of points."""
        line, pixels = self._frames[index][0]
        return pixels[int(y * self.height) * line :][: self.width]

    def counter(self, index: int) -> int:
        """The number that the sample video carries in its pixels."""
        width, height = footage.SAMPLE_SIZE
        y = (footage.COUNTER_TOP + footage.COUNTER_BLOCK / 2) / height
        places = (
            (footage.COUNTER_LEFT + (place + 0.5) * footage.COUNTER_BLOCK) / width
            for place in range(footage.COUNTER_BITS)
        )
        return int("".join("01"[self.luma(index, x, y) > 128] for x in places), 2)

    def brightest(self, index: int, left: float, top: float, right: float, bottom: float) -> int:
        """The brightest point of a part of a frame; sides from 0 to 1."""
        line, pixels = self._frames[index][0]
        a, b = int(left * self.width), int(right * self.width)
        rows = range(int(top * self.height), int(bottom * self.height))
        return max(max(pixels[row * line + a : row * line + b]) for row in rows)


@pytest.fixture(scope="session")
def pictures() -> type[Pictures]:
    return Pictures


def _samples(path: Path) -> "array.array[float]":
    import av

    heard = array.array("f")
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            heard.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    return heard


@pytest.fixture(scope="session")
def samples() -> Callable[[Path], "array.array[float]"]:
    """The samples of the left channel of an AAC track."""
    return _samples


def _loudness(heard: "array.array[float]", start: float, end: float) -> float:
    part = heard[int(start * 48000) : int(end * 48000)]
    return float((sum(value * value for value in part) / len(part)) ** 0.5)


@pytest.fixture(scope="session")
def loudness() -> Callable[..., float]:
    """The root mean square of samples between two seconds."""
    return _loudness


def _strength(heard: "array.array[float]", hertz: float, start: float, end: float) -> float:
    part = heard[int(start * 48000) : int(end * 48000)]
    angle = 2 * math.pi * hertz / 48000
    sums = [sum(v * turn(n * angle) for n, v in enumerate(part)) for turn in (math.sin, math.cos)]
    return 2 * math.hypot(*sums) / len(part)


@pytest.fixture(scope="session")
def strength() -> Callable[..., float]:
    """How strong a tone is between two seconds of samples: the height of its wave."""
    return _strength


@pytest.fixture
def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program before FFmpeg: Python lines that may change `args`, which then run."""
    real = ffmpeg.executable()

    def install(lines: str) -> Path:
        script = tmp_path / "fake-ffmpeg"
        head = f"#!{sys.executable} -S\nimport os, sys\nargs = sys.argv[1:]\n"
        script.write_text(f"{head}{lines}\nos.execv({str(real)!r}, ['ffmpeg', *args])\n")
        script.chmod(0o755)
        monkeypatch.setitem(os.environ, ffmpeg.BINARY_VARIABLE, str(script))
        return script

    return install
