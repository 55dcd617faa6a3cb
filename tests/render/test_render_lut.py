"""Uploaded color lookup tables, measured in the patches of rendered files."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.job import RenderJobFailed, render
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_render.planning.draft_limits import DraftRejected
from nemolocal_render.planning.plan_splitting import split_plan
from nemolocal_render.planning.planner import OutputSpec, RenderPlan, plan_render
from tests.support.frames import DecodedVideo
from tests.support.media import run_ffmpeg

Color = tuple[int, int, int]
COLORS: dict[str, Color] = {
    "red": (224, 32, 32),
    "green": (32, 192, 32),
    "gray": (128, 128, 128),
    "skin": (224, 172, 140),
}
WIDTH, HEIGHT, FPS = 160, 90, 25
LENGTH = 200


def cube(size: int) -> Iterator[tuple[float, float, float]]:
    """Every entry of a table that changes nothing, red changing first."""
    steps = [index / (size - 1) for index in range(size)]
    for blue, green, red in product(steps, repeat=3):
        yield red, green, blue


TABLES = {
    # Red becomes green, green blue and blue red; a curve; and the negative of each color.
    "turned": "LUT_3D_SIZE 2\n" + "".join(f"{b} {r} {g}\n" for r, g, b in cube(2)),
    "curved": "LUT_3D_SIZE 17\n" + "".join(f"{r * r} {g * g} {b * b}\n" for r, g, b in cube(17)),
    "negative": "LUT_1D_SIZE 2\n1 1 1\n0 0 0\n",
}


def turned(color: Color) -> Color:
    red, green, blue = color
    return blue, red, green


def negative(color: Color) -> Color:
    red, green, blue = color
    return 255 - red, 255 - green, 255 - blue


def half(color: Color, other: Color) -> Color:
    red, green, blue = ((one + two) // 2 for one, two in zip(color, other, strict=True))
    return red, green, blue


def squared(color: Color) -> Color:
    red, green, blue = (value * value // 255 for value in color)
    return red, green, blue


def lut(name: str, amount: float | None = None) -> dict[str, Any]:
    return {"type": "lut", "source": name} | ({} if amount is None else {"amount": amount})


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, MediaSource]:
    """A picture of patches, and the tables."""
    stripes = ";".join(
        f"color=0x{r:02x}{g:02x}{b:02x}:s=40x90:d=0.04[p{n}]"
        for n, (r, g, b) in enumerate(COLORS.values())
    )
    joined = f"{stripes};{''.join(f'[p{n}]' for n in range(4))}hstack=inputs=4"
    picture = tmp_path / "patches.png"
    run_ffmpeg("-f", "lavfi", "-i", joined, "-frames:v", "1", picture)
    found = {
        "patches": MediaSource(
            picture, MediaInfo("image", "png", 0.0, WIDTH, HEIGHT, video_codec="png")
        )
    }
    for name, text in TABLES.items():
        path = tmp_path / f"{name}.cube"
        path.write_text(text, encoding="ascii")
        kind = "1d" if "1D" in text else "3d"
        found[name] = MediaSource(path, MediaInfo("lut", "cube", lut=kind))  # type: ignore[arg-type]
    return found


def planned(sources: dict[str, MediaSource], *clips: list[dict[str, Any]]) -> RenderPlan:
    """The plan of the patches with the effects of each clip."""
    segments = [
        {"s": n * LENGTH, "d": LENGTH, "src": "patches", "fx": effects}
        for n, effects in enumerate(clips)
    ]
    wire = {
        "t": [{"tt": 0, "sg": segments}],
        "m": {"width": WIDTH, "height": HEIGHT, "fps": FPS},
    }
    return plan_render(draft_from_wire(wire), sources, OutputSpec("high"))


def check_near(seen: Color, expected: Color) -> None:
    assert all(abs(a - b) <= 9 for a, b in zip(seen, expected, strict=True)), (seen, expected)


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_patches_have_the_colors_of_the_table(
    tmp_path: Path, sources: dict[str, MediaSource]
) -> None:
    rotated = {"type": "rotate", "degrees": 180}
    plan = planned(
        sources,
        [],
        [lut("turned")],
        [lut("turned", 0.5)],
        [lut("turned", 0)],
        [lut("negative")],
        [lut("curved")],
        [lut("turned"), lut("negative")],
        [lut("turned"), rotated],
    )
    out = tmp_path / "out.mp4"
    asyncio.run(render(plan, out, workdir=tmp_path / "work", on_progress=lambda _: None))
    seen = DecodedVideo(out)
    expected: list[Callable[[Color], Color]] = [
        lambda color: color,
        turned,
        lambda color: half(color, turned(color)),
        lambda color: color,
        negative,
        squared,
        lambda color: negative(turned(color)),
    ]
    for number, change in enumerate(expected):
        for patch, color in enumerate(COLORS.values()):
            check_near(seen.rgb(number * 5 + 2, (patch + 0.5) / 4, 0.5), change(color))
    check_near(seen.rgb(7 * 5 + 2, 0.875, 0.5), turned(COLORS["red"]))


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_transparent_picture_keeps_its_shape(
    tmp_path: Path, sources: dict[str, MediaSource]
) -> None:
    logo = tmp_path / "logo.png"
    drawn = "color=red@0:s=160x90,format=rgba,drawbox=40:20:80:50:0xe02020@1:fill:replace=1"
    run_ffmpeg("-f", "lavfi", "-i", drawn, "-frames:v", "1", logo)
    info = MediaInfo("image", "png", 0.0, 160, 90, video_codec="png", pixel_format="rgba")
    files = {**sources, "logo": MediaSource(logo, info)}
    upper = {"s": 0, "d": LENGTH, "src": "logo", "fx": [lut("turned")]}
    wire = {
        "t": [
            {"tt": 0, "sg": [{"s": 0, "d": LENGTH, "src": "patches"}]},
            {"tt": 0, "sg": [upper]},
        ],
        "m": {"width": WIDTH, "height": HEIGHT, "fps": FPS},
    }
    out = tmp_path / "out.mp4"
    plan = plan_render(draft_from_wire(wire), files, OutputSpec("high"))
    asyncio.run(render(plan, out, workdir=tmp_path / "work", on_progress=lambda _: None))
    seen = DecodedVideo(out)
    check_near(seen.rgb(2, 0.5, 0.5), turned((224, 32, 32)))
    check_near(seen.rgb(2, 0.1, 0.5), COLORS["red"])


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_table_that_was_changed_on_disk_fails_the_render(
    tmp_path: Path, sources: dict[str, MediaSource]
) -> None:
    plan = planned(sources, [lut("turned")])
    sources["turned"].path.write_text("LUT_3D_SIZE 2\n", encoding="ascii")
    with pytest.raises(RenderJobFailed, match="a LUT cannot be used: the LUT has 0 rows"):
        asyncio.run(
            render(plan, tmp_path / "o.mp4", workdir=tmp_path / "w", on_progress=lambda _: None)
        )


@pytest.mark.parametrize(
    ("effect", "source", "reason"),
    [
        (lut("nobody"), "clip", r"draft.t\[0\].sg\[0\].fx\[0\].source: is no LUT"),
        (lut("clip"), "clip", r"fx\[0\].source: is no LUT that was uploaded"),
        (lut("table", 2), "clip", r"fx\[0\].amount: Expected"),
        ({"type": "lut"}, "clip", r"fx\[0\].source: is missing"),
        ({"type": "lut", "source": 5}, "clip", r"fx\[0\].source: Expected"),
        (lut("table"), "table", r"sg\[0\].src: is no video, image or sound"),
        (lut("table"), "words", r"sg\[0\].src: is no video, image or sound"),
    ],
)
def test_what_is_no_table_or_no_clip_is_refused_with_its_path(
    effect: dict[str, Any], source: str, reason: str
) -> None:
    sources = {
        "clip": MediaSource(Path("clip.png"), MediaInfo("image", "png", 0.0, 64, 36)),
        "table": MediaSource(Path("table.cube"), MediaInfo("lut", "cube", lut="3d")),
        "words": MediaSource(Path("words.srt"), MediaInfo("subtitles", "srt")),
    }
    wire = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 200, "src": source, "fx": [effect]}]}]}
    with pytest.raises(DraftRejected, match=reason):
        plan_render(draft_from_wire(wire), sources, OutputSpec("low"))


def test_graph_names_a_file_of_the_job_and_no_upload() -> None:
    name = "a':lut3d=file=/etc/passwd,[x]"
    sources = {
        "clip": MediaSource(Path("clip.png"), MediaInfo("image", "png", 0.0, 64, 36)),
        name: MediaSource(Path("/kept/a.cube"), MediaInfo("lut", "cube", lut="1d")),
    }
    wire = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 200, "src": "clip", "fx": [lut(name)]}]}]}
    plan = plan_render(draft_from_wire(wire), sources, OutputSpec("low"))
    for part in (plan, *split_plan(plan, 1)):
        command = render_command(part, EncodeResources("libx264"), "out.mp4")
        (graph,) = command.graphs.values()
        assert "lut1d=file=lut-" in graph
        assert "passwd" not in graph + " ".join(command.arguments)
        assert "/kept" not in graph + " ".join(command.arguments)
