"""Stabilized, interpolated, hidden, keyed and split pictures, measured in one rendered file."""

import asyncio
from itertools import pairwise
from pathlib import Path
from statistics import mean, pvariance
from typing import Any, NamedTuple

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.effects import BlurRegion, Cell
from nemolocal_render import encode_runs, ffmpeg_cli
from nemolocal_render.filtergraph.composition_filters import compute_cell
from nemolocal_render.filtergraph.ffmpeg_commands import (
    EncodeResources,
    FFmpegCommand,
    render_command,
)
from nemolocal_render.filtergraph.region_filters import apply_region
from nemolocal_render.job import render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.draft_limits import DraftRejected
from nemolocal_render.planning.plan_splitting import split_plan
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

WIDTH, HEIGHT, FPS = 320, 180, 25
RED, BLUE, WHITE = (224, 32, 32), (32, 32, 224), (255, 255, 255)
STABILIZED, SMOOTH = {"type": "stabilize", "amount": 1}, {"type": "smooth-motion"}
BLURRED = {"type": "blur-region", "x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5}
PIXELATED = {**BLURRED, "type": "pixelate-region"}
LOGO = {"type": "remove-logo", "x": 0.65, "y": 0.75, "width": 0.35, "height": 0.25}
KEYED, ON_WHITE = {"type": "chroma-key"}, {"type": "chroma-key", "background": "white"}
LEFT, RIGHT = {"type": "cell", "column": 0}, {"type": "cell", "column": 1}
_ENCODE = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", "yuv420p")
_TEXTURE = (
    "color=gray:s=400x260:r=25:d=1.6,format=gray,noise=c0s=100:c0_seed=3,gblur=3,eq=contrast=3"
)
_ONE = ("-frames:v", "1")
# What FFmpeg draws, and how it is written.
_SCENES: dict[str, tuple[str, tuple[str, ...]]] = {
    "shaky.mp4": (f"{_TEXTURE},crop=320:180:'40+9*sin(n*2.1)':'40+7*cos(n*1.7)'", _ENCODE),
    "slow.mp4": (
        "color=black:s=320x180:r=5:d=1.6,format=gray,geq=235*between(X-N*20\\,40\\,90)",
        _ENCODE,
    ),
    "checks.png": ("color=black:s=320x180,format=gray,geq=60+130*mod(X+Y\\,2)", _ONE),
    "logo.png": ("color=0x606060:s=320x180,drawbox=250:145:40:20:white:fill", _ONE),
    "screen.png": ("color=0x00d040:s=320x180,drawbox=120:60:80:60:0xe02020:fill", _ONE),
    "red.png": ("color=0xe02020:s=320x180", _ONE),
    "blue.png": ("color=0x2020e0:s=320x180", _ONE),
}

# The clips of the main track: the source, frames, effects.
_MAIN: dict[str, tuple[str, int, list[dict[str, Any]]]] = {
    "shaky": ("shaky.mp4", 40, []),
    "steady": ("shaky.mp4", 40, [STABILIZED]),
    "stepping": ("slow.mp4", 30, []),
    "smooth": ("slow.mp4", 30, [SMOOTH]),
    "checks": ("checks.png", 5, []),
    "blurred": ("checks.png", 5, [BLURRED]),
    "pixelated": ("checks.png", 5, [PIXELATED]),
    "no logo": ("logo.png", 5, [LOGO]),
    "under the key": ("blue.png", 5, []),
    "on white": ("screen.png", 5, [ON_WHITE]),
    "split": ("red.png", 5, [LEFT]),
}
_ABOVE = {"under the key": ("screen.png", [KEYED]), "split": ("blue.png", [RIGHT])}


def first_frames() -> dict[str, int]:
    first, at = {}, 0
    for name, (_, frames, _) in _MAIN.items():
        first[name] = at
        at += frames
    return first


def draft() -> dict[str, Any]:
    first = first_frames()
    main = [
        {"src": source, "s": first[name] * 40, "d": frames * 40, "fx": effects}
        for name, (source, frames, effects) in _MAIN.items()
    ]
    above = [
        {"src": source, "s": first[name] * 40, "d": _MAIN[name][1] * 40, "fx": effects}
        for name, (source, effects) in _ABOVE.items()
    ]
    metadata = {"width": WIDTH, "height": HEIGHT, "fps": FPS}
    return {"m": metadata, "t": [{"tt": 0, "sg": main}, {"tt": 0, "sg": above}]}


def make_scenes(folder: Path) -> None:
    for name, (drawn, recipe) in _SCENES.items():
        run_ffmpeg("-f", "lavfi", "-i", drawn, *recipe, folder / name)


class Part(NamedTuple):
    """The frames of one clip."""

    seen: DecodedVideo
    first: int

    def rgb(self, x: float, y: float, frame: int = 2) -> tuple[int, int, int]:
        return self.seen.rgb(self.first + frame, x, y)

    def row(self, y: float, frame: int = 2) -> bytes:
        return self.seen.row(self.first + frame, y)


class Rendered(NamedTuple):
    seen: DecodedVideo
    warnings: tuple[str, ...]

    def part(self, name: str) -> Part:
        return Part(self.seen, first_frames()[name])


@pytest.fixture(scope="module")
def rendered(media_cache: MediaCache, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = media_cache.folder("composition", make_scenes, _SCENES)
    sources = {
        name: MediaSource(folder / name, inspect_media(folder / name, name.rpartition(".")[2]))
        for name in _SCENES
    }
    work = tmp_path_factory.mktemp("composition")
    plan = plan_render(draft_from_wire(draft()), sources, OutputSpec("high"))
    done = render(plan, work / "out.mp4", workdir=work, on_progress=lambda _: None)
    warnings = asyncio.run(done).warnings
    return Rendered(DecodedVideo(work / "out.mp4"), warnings)


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 40) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


def shift(one: bytes, other: bytes) -> int:
    """By how many points a row has moved sideways."""

    def difference(by: int) -> int:
        return sum(abs(one[x] - other[x + by]) for x in range(60, 260, 2))

    return min(range(-24, 25), key=difference)


def motion(part: Part) -> float:
    """The mean movement from frame to frame, in points."""
    rows = [part.row(0.5, frame) for frame in range(4, 36)]
    return mean(abs(shift(one, other)) for one, other in pairwise(rows))


def bar(part: Part, frame: int) -> float:
    """The middle of what is bright."""
    row = part.row(0.5, frame)
    bright = [x for x, value in enumerate(row) if value > 110]
    return mean(bright) if bright else -1.0


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_what_is_composed_shows_in_the_pixels(
    rendered: Rendered, subtests: pytest.Subtests
) -> None:
    part = rendered.part
    assert rendered.warnings == ()
    with subtests.test("a stabilized clip shakes less"):
        assert motion(part("steady")) < motion(part("shaky")) / 3
    with subtests.test("interpolated frames move on"):
        before = {round(bar(part("stepping"), n)) for n in range(5, 25)}
        after = {round(bar(part("smooth"), n)) for n in range(5, 25)}
        assert len(after) > 2 * len(before)
    with subtests.test("a blurred area, and nothing else, is blurred"):
        inside, outside = part("blurred").row(0.75)[180:300], part("blurred").row(0.25)[180:300]
        assert pvariance(inside) < 50 < pvariance(outside) / 10
    with subtests.test("a pixelated area has blocks"):
        row = part("pixelated").row(0.75)
        assert max(row[180:300]) - min(row[180:300]) < 20
        assert pvariance(part("pixelated").row(0.25)[20:300]) > 1000
    with subtests.test("a logo is gone"):
        assert max(part("no logo").row(155 / 180)) < 130
    with subtests.test("the layer behind shows through the key"):
        assert near(part("under the key").rgb(0.1, 0.1), BLUE)
        assert near(part("under the key").rgb(0.5, 0.5), RED)
    with subtests.test("a colour shows through the key"):
        assert near(part("on white").rgb(0.1, 0.1), WHITE)
        assert near(part("on white").rgb(0.5, 0.5), RED)
    with subtests.test("both clips of a split screen show"):
        assert near(part("split").rgb(0.25, 0.5), RED)
        assert near(part("split").rgb(0.75, 0.5), BLUE)


INFO = MediaInfo("video", "mp4", 1000.0, width=640, height=360, fps=25.0, video_codec="h264")


def plan_of(*effects: dict[str, Any], ms: int = 60_000, **segment: Any) -> RenderPlan:
    wire = {"src": "a", "s": 0, "d": ms, "fx": list(effects), **segment}
    source = MediaSource(Path("/a.mp4"), INFO)
    return plan_render(draft_from_wire({"t": [{"tt": 0, "sg": [wire]}]}), {"a": source})


def graph_of(plan: RenderPlan, **machine: Any) -> str:
    command = render_command(plan, EncodeResources("libx264", **machine), "out.mp4")
    return "".join(command.graphs.values())


def test_picture_too_small_for_a_region_stays_as_it_is() -> None:
    import ffmpeg

    video = ffmpeg.input("a.mp4")["v"]
    effect = BlurRegion(0.0, 0.0, 0.5, 0.5)
    assert apply_region(video, effect, (320, 2), clear=False) is video
    assert apply_region(video, effect, (320, 180), clear=False) is not video


def test_a_stabilized_clip_is_rendered_in_one_part() -> None:
    assert len(split_plan(plan_of(), workers=2)) > 1
    assert len(split_plan(plan_of(STABILIZED), workers=2)) == 1


def test_without_a_measurement_the_clip_is_stabilized_in_one_pass() -> None:
    assert "deshake" in graph_of(plan_of(STABILIZED))
    measured = graph_of(plan_of(STABILIZED), motion_measured=True)
    assert "vidstabtransform" in measured
    assert "motion-0-0-0-1500.trf" in measured
    backwards = graph_of(plan_of({"type": "reverse"}, STABILIZED, ms=2000), motion_measured=True)
    assert "deshake" in backwards


@pytest.mark.parametrize("works", [True, False])
def test_movements_are_measured_once_for_each_clip_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    plan, machine = plan_of(STABILIZED), EncodeResources("libx264")
    runs: list[FFmpegCommand] = []

    async def has_filters(*_: str) -> bool:
        return True

    async def measure(folder: Path, _: RenderPlan, command: FFmpegCommand, *__: Any) -> None:
        runs.append(command)
        if not works:
            raise ffmpeg_cli.FFmpegFailed("vidstabdetect failed")
        (folder / "motion-0-0-0-1500.trf").touch()

    monkeypatch.setattr(ffmpeg_cli, "has_filters", has_filters)
    monkeypatch.setattr(encode_runs, "run_command", measure)
    for _ in range(2):
        measured = asyncio.run(encode_runs._measure_motion(tmp_path, plan, machine))
        assert measured.motion_measured is works
    assert len(runs) == (1 if works else 2)


def test_frames_are_interpolated_only_where_the_source_has_fewer() -> None:
    assert "minterpolate" not in graph_of(plan_of(SMOOTH))
    assert "minterpolate" in graph_of(plan_of(SMOOTH, sp=0.5))


@pytest.mark.parametrize(
    ("effect", "ms"), [(STABILIZED, 601_000), (SMOOTH, 301_000)], ids=["stabilize", "smooth"]
)
def test_slow_effects_have_a_longest_length(effect: dict[str, Any], ms: int) -> None:
    with pytest.raises(DraftRejected, match=r"draft\.t\[0\]\.sg\[0\]\.fx: more than"):
        plan_of(effect, ms=ms)
    plan_of(effect, ms=ms - 2000)


def test_cells_of_a_grid_meet_and_fill_the_canvas() -> None:
    cells = [compute_cell(Cell(3, 2, n % 3, n // 3), (322, 182)) for n in range(6)]
    assert sum(cell.size[0] * cell.size[1] for cell in cells) == 322 * 182
    assert all(value % 2 == 0 for cell in cells for value in (*cell.place, *cell.size))
    assert compute_cell(Cell(1, 1, 3, 3), (320, 180)).place == (0, 0)
