"""Every look of `effect_presets.toml`, measured in the pixels of one rendered file."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import pvariance
from typing import Any, NamedTuple

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.job import render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

Color = tuple[int, int, int]
WIDTH, HEIGHT, FPS = 160, 90, 25
LENGTH = 240
FRAMES = 6
PATCHES = ("red", "green", "blue", "white", "gray", "dark", "skin", "yellow")
_COLORS = ("e02020", "20c020", "2020e0", "ffffff", "808080", "303030", "e0ac8c", "e0e020")
_STRIPES = (
    ";".join(f"color=0x{color}:s=20x90:d=0.04[p{n}]" for n, color in enumerate(_COLORS))
    + f";{''.join(f'[p{n}]' for n in range(8))}hstack=inputs=8"
)
_ENCODE = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", "yuv420p")
# What FFmpeg draws, and how it is written.
_SCENES: dict[str, tuple[str, tuple[str, ...]]] = {
    "patches.png": (_STRIPES, ("-frames:v", "1")),
    "tinted.png": ("color=0x6080b0:s=160x90", ("-frames:v", "1")),
    "dim.png": ("color=black:s=160x90,format=gray,geq=30+X/4", ("-frames:v", "1")),
    "edge.png": ("color=black:s=160x90,format=gray,geq=235*lt(X\\,60)", ("-frames:v", "1")),
    "soft.png": (
        "color=black:s=160x90,format=gray,geq=235/(1+exp((X-60.3)/1.5))",
        ("-frames:v", "1"),
    ),
    "steps.png": ("color=black:s=160x90,format=gray,geq=100+trunc(X/40)*3", ("-frames:v", "1")),
    "noisy.mp4": ("color=gray:s=160x90:r=25:d=1,noise=c0s=12:c0f=t:c0_seed=1", _ENCODE),
    "texture.png": (
        "color=gray:s=160x90,format=gray,geq=128+6*mod(X+Y\\,2)+90*gt(X\\,80)",
        ("-frames:v", "1"),
    ),
    "bar.mp4": (
        "color=black:s=160x90:r=25:d=1,format=gray,geq=235*between(X-N*4\\,20\\,24)",
        _ENCODE,
    ),
    "combed.mp4": (
        "color=black:s=160x90:r=25:d=1,format=gray,geq=235*between(X-N*8-4*mod(Y\\,2)\\,20\\,60)",
        _ENCODE,
    ),
}  # fmt: skip


class Sight(NamedTuple):
    """The frames of one look, and of the same picture without it."""

    seen: DecodedVideo
    first: int
    plain: int

    def at(self, patch: str, frame: int = 2, plain: bool = False) -> Color:
        """The colour of a patch."""
        x = (PATCHES.index(patch) + 0.5) / len(PATCHES)
        return self.seen.rgb((self.plain if plain else self.first) + frame, x, 0.5)

    def was(self, patch: str) -> Color:
        """The colour of a patch without the look."""
        return self.at(patch, plain=True)

    def row(self, y: float = 0.5, frame: int = 2, plain: bool = False) -> bytes:
        """The brightness along a row."""
        return self.seen.row((self.plain if plain else self.first) + frame, y)

    def column(self, x: float, frame: int = 2) -> list[int]:
        """The brightness along a column."""
        return [self.seen.luma(self.first + frame, x, (y + 0.5) / HEIGHT) for y in range(HEIGHT)]


def light(color: Color) -> int:
    return sum(color)


def spread(color: Color) -> int:
    return max(color) - min(color)


def warmth(color: Color) -> int:
    return color[0] - color[2]


def near(one: Color, other: Color, slack: int = 20) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


def varied(row: bytes) -> float:
    return pvariance(row)


def lit(row: bytes) -> int:
    """How many points are not black."""
    return sum(value > 30 for value in row)


def comb(sight: Sight, plain: bool = False) -> int:
    """How much neighbouring rows differ."""
    rows = [sight.row((n + 0.5) / HEIGHT, plain=plain) for n in range(40, 48)]
    pairs = pairwise(rows)
    return sum(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


LOOKS: dict[str, tuple[str, Callable[[Sight], bool]]] = {
    "color-grade": (
        "patches.png",
        lambda s: light(s.at("dark")) < light(s.was("dark"))
        and spread(s.at("skin")) > spread(s.was("skin")),
    ),
    "cinematic": (
        "patches.png",
        lambda s: warmth(s.at("dark")) < warmth(s.was("dark")) - 5
        and warmth(s.at("skin")) > warmth(s.was("skin")) + 10,
    ),
    "teal-orange": (
        "patches.png",
        lambda s: warmth(s.at("dark")) < warmth(s.was("dark")) - 12
        and warmth(s.at("skin")) > warmth(s.was("skin")) + 20,
    ),
    "moody": (
        "patches.png",
        lambda s: light(s.at("gray")) < light(s.was("gray")) - 20
        and spread(s.at("red")) < spread(s.was("red")) - 20,
    ),
    "vintage-film": (
        "patches.png",
        lambda s: warmth(s.at("white")) > 15 and spread(s.at("blue")) < spread(s.was("blue")) - 20,
    ),
    "faded": (
        "patches.png",
        lambda s: light(s.at("dark")) > light(s.was("dark")) + 30
        and light(s.at("white")) < light(s.was("white")) - 30,
    ),
    "film-noir": ("patches.png", lambda s: all(spread(s.at(p)) < 10 for p in PATCHES)),
    "bleach-bypass": (
        "patches.png",
        lambda s: spread(s.at("skin")) < spread(s.was("skin")) * 0.8,
    ),
    "hdr-look": ("patches.png", lambda s: spread(s.at("skin")) > spread(s.was("skin")) * 1.1),
    "dreamy": ("edge.png", lambda s: s.row()[61] > s.row(plain=True)[61] + 15),
    "day-for-night": (
        "patches.png",
        lambda s: light(s.at("gray")) < light(s.was("gray")) - 60 and warmth(s.at("gray")) < -10,
    ),
    "golden-hour": ("patches.png", lambda s: warmth(s.at("gray")) > 15),
    "winter": ("patches.png", lambda s: warmth(s.at("gray")) < -8),
    "cyberpunk": ("patches.png", lambda s: s.at("gray")[1] < min(s.at("gray")[::2]) - 5),
    "pastel": ("patches.png", lambda s: light(s.at("dark")) > light(s.was("dark")) + 30),
    "invert": (
        "patches.png",
        lambda s: near(s.at("white"), (0, 0, 0)) and near(s.at("red"), (31, 223, 223), 30),
    ),
    "posterize": ("dim.png", lambda s: len({value // 8 for value in s.row()}) <= 4),
    "color-hold": (
        "patches.png",
        lambda s: spread(s.at("red")) > 150
        and all(spread(s.at(p)) < 12 for p in ("green", "blue", "yellow")),
    ),
    "tint": ("patches.png", lambda s: warmth(s.at("gray")) < -20),
    "night-vision": (
        "patches.png",
        lambda s: s.at("white")[1] > max(s.at("white")[::2]) + 40
        and varied(s.row(0.2)[60:78]) > varied(s.row(0.2, plain=True)[60:78]) + 5,
    ),
    "thermal": ("patches.png", lambda s: spread(s.at("gray")) > 60),
    "white-balance": ("tinted.png", lambda s: spread(s.at("gray")) < 14 < spread(s.was("gray"))),
    "auto-exposure": ("dim.png", lambda s: max(s.row()) > max(s.row(plain=True)) + 60),
    "denoise": ("noisy.mp4", lambda s: varied(s.row()) < varied(s.row(plain=True)) / 2),
    "enhance": ("edge.png", lambda s: max(s.row()) - min(s.row()) > 225),
    "deinterlace": ("combed.mp4", lambda s: comb(s) < comb(s, plain=True) / 2),
    "deband": (
        "steps.png",
        lambda s: len(set(s.row())) > len(set(s.row(plain=True)))
        or s.row() != s.row(plain=True),
    ),
    "skin-smoothing": (
        "texture.png",
        lambda s: varied(s.row()[20:60]) < varied(s.row(plain=True)[20:60]) / 2
        and s.row()[90] - s.row()[70] > 50,
    ),
    "motion-blur": (
        "bar.mp4",
        lambda s: lit(s.row(frame=4)) > lit(s.row(frame=4, plain=True)) + 4,
    ),
    "film-grain": (
        "dim.png",
        lambda s: s.row(frame=1) != s.row(frame=2)
        and pvariance(a - b for a, b in zip(s.row(), s.row(plain=True), strict=True)) > 15,
    ),
    "vhs": (
        "patches.png",
        lambda s: s.row(frame=1) != s.row(frame=2) and pvariance(s.column(0.56)) > 15,
    ),
    "glitch": ("edge.png", lambda s: s.row(frame=1) != s.row(frame=5)),
    "rgb-split": (
        "edge.png",
        lambda s: any(spread(s.seen.rgb(s.first + 2, x / WIDTH, 0.5)) > 60 for x in range(54, 68)),
    ),
    "pixelate": ("dim.png", lambda s: len(set(s.row()[1:5])) == 1 and len(set(s.row())) < 60),
    "sketch": ("soft.png", lambda s: min(s.row()) < 60 and min(s.row()[20], s.row()[140]) > 200),
    "cartoon": ("dim.png", lambda s: len(set(s.row())) <= 8),
    "fisheye": ("edge.png", lambda s: s.seen.luma(s.first + 2, 0.005, 0.01) < 40 < s.row()[40]),
    "symmetry": ("edge.png", lambda s: s.row()[10] > 200 and s.row()[150] > 200),
    "shake": (
        "edge.png",
        lambda s: len({sum(v > 120 for v in s.row(frame=n)) for n in range(FRAMES)}) > 1,
    ),
    "letterbox": (
        "patches.png",
        lambda s: s.seen.luma(s.first + 2, 0.45, 0.03) < 20 < s.seen.luma(s.first + 2, 0.45, 0.2),
    ),
    "border": (
        "dim.png",
        lambda s: s.column(0.5)[1] > 220 and s.column(0.01)[45] > 220 and s.column(0.5)[45] < 150,
    ),
}  # fmt: skip


def draft() -> tuple[dict[str, Any], dict[str, int], dict[str, int]]:
    """Every scene as it is, then every look; and the first frame of each scene and each look."""
    segments: list[dict[str, Any]] = []
    scenes, looks = {}, {}
    for scene in _SCENES:
        scenes[scene] = len(segments) * FRAMES
        segments.append({"src": scene, "s": len(segments) * LENGTH, "d": LENGTH})
    for name, (scene, _) in LOOKS.items():
        looks[name] = len(segments) * FRAMES
        effect = {"type": name}
        segments.append({"src": scene, "s": len(segments) * LENGTH, "d": LENGTH, "fx": [effect]})
    metadata = {"width": WIDTH, "height": HEIGHT, "fps": FPS}
    return {"m": metadata, "t": [{"tt": 0, "sg": segments}]}, scenes, looks


def make_scenes(folder: Path) -> None:
    for name, (drawn, recipe) in _SCENES.items():
        run_ffmpeg("-f", "lavfi", "-i", drawn, *recipe, folder / name)


@pytest.fixture(scope="module")
def rendered(
    media_cache: MediaCache, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DecodedVideo, tuple[str, ...]]:
    folder = media_cache.folder("looks", make_scenes, _SCENES)
    sources = {
        name: MediaSource(folder / name, inspect_media(folder / name, name.rpartition(".")[2]))
        for name in _SCENES
    }
    work = tmp_path_factory.mktemp("looks")
    plan = plan_render(draft_from_wire(draft()[0]), sources, OutputSpec("high"))
    done = render(plan, work / "looks.mp4", workdir=work, on_progress=lambda _: None)
    warnings = asyncio.run(done).warnings
    return DecodedVideo(work / "looks.mp4"), warnings


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_each_look_shows_in_the_pixels(
    rendered: tuple[DecodedVideo, tuple[str, ...]], subtests: pytest.Subtests
) -> None:
    seen, warnings = rendered
    _, scenes, looks = draft()
    assert warnings == ()
    assert len(seen) == (len(scenes) + len(looks)) * FRAMES
    for name, (scene, holds) in LOOKS.items():
        with subtests.test(name):
            assert holds(Sight(seen, looks[name], scenes[scene]))


def test_every_look_is_measured() -> None:
    assert LOOKS.keys() == effect_presets().keys()


@pytest.mark.parametrize("name", [*effect_presets()])
def test_a_look_is_its_filters_in_the_graph(name: str, tmp_path: Path) -> None:
    info = MediaInfo("video", "mp4", 2.0, width=640, height=360, fps=25.0, video_codec="h264")
    wire = {"t": [{"tt": 0, "sg": [{"src": "a", "s": 0, "d": 1000, "fx": [{"type": name}]}]}]}
    plan = plan_render(draft_from_wire(wire), {"a": MediaSource(tmp_path / "a.mp4", info)})
    (graph,) = render_command(plan, EncodeResources("libx264"), "out.mp4").graphs.values()
    for step in effect_presets()[name].filters:
        assert step.name in graph or step.name in ("glow", "symmetry")
