"""Generated clips: pictures that fit their word, moving, and the same for the same seed (SSE-8)."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.synthetic.scene_clips import SCENES, make_scene
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

_Make = Callable[..., Path]


@pytest.fixture
def scene(tmp_path: Path) -> _Make:
    """The file of a scene; half a second of it unless told."""

    def created(name: str, seconds: float = 0.5, seed: int = 7) -> Path:
        path = tmp_path / f"{name}-{seconds}-{seed}.mp4"
        asyncio.run(make_scene(name, seconds, seed, path))
        return path

    return created


def mean_color(path: Path, top: float, bottom: float) -> tuple[float, float, float]:
    """The mean Y, U and V of a horizontal part of the first frame; 0 is the top, 1 the bottom."""
    import av

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return tuple(_mean(plane, top, bottom) for plane in frame.planes)  # type: ignore[return-value]


def _mean(plane: Any, top: float, bottom: float) -> float:
    rows = range(int(top * plane.height), int(bottom * plane.height))
    pixels = bytes(plane)
    lines = (pixels[row * plane.line_size :][: plane.width] for row in rows)
    return float(sum(map(sum, lines)) / (len(rows) * plane.width))


@pytest.mark.slow
@pytest.mark.rule("SSE-8")
def test_a_scene_is_as_long_as_asked_and_of_one_size(tmp_path: Path) -> None:
    path = tmp_path / "sunset.mp4"
    info = asyncio.run(make_scene("sunset", 0.5, 7, path))
    assert (info.kind, info.width, info.height, info.fps) == ("video", 1280, 720, 30)
    assert len(DecodedVideo(path)) == 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "abstract" else [pytest.mark.slow]) for n in SCENES]
)
def test_every_scene_moves(scene: _Make, name: str) -> None:
    seen = DecodedVideo(scene(name))
    points = [(x / 64 + 0.003, y / 36 + 0.003) for x in range(64) for y in range(36)]
    first, last = ([seen.luma(frame, x, y) for x, y in points] for frame in (0, 14))
    assert max(abs(a - b) for a, b in zip(first, last, strict=True)) > 8


@pytest.mark.slow
def test_the_seed_decides_and_nothing_else(scene: _Make, tmp_path: Path) -> None:
    first = scene("city", 0.2, 1).read_bytes()
    again = tmp_path / "again.mp4"
    asyncio.run(make_scene("city", 0.2, 1, again))
    assert again.read_bytes() == first
    assert scene("city", 0.2, 2).read_bytes() != first


def height_of_light(seen: DecodedVideo, frame: int, left: float, right: float) -> float:
    """How far up the bright points of a part of the picture are on average, 1 being the top."""
    bright = [
        1 - y / 180
        for y in range(120)
        for x in range(int(left * 320), int(right * 320))
        if seen.luma(frame, x / 320, y / 180) > 215
    ]
    return sum(bright) / len(bright)


@pytest.mark.slow
def test_the_sun_sinks_and_the_sky_grows_dark(scene: _Make) -> None:
    seen = DecodedVideo(scene("sunset", 2.0))
    heights = [height_of_light(seen, frame, 0.2, 0.8) for frame in (6, 18, 30)]
    assert heights[0] > heights[1] + 0.05 > heights[2] + 0.1
    sky = [seen.luma(frame, 0.9, 0.5) for frame in (0, 30, 59)]
    assert sky[0] > sky[1] + 20 > sky[2] + 40
    assert seen.brightest(59, 0.0, 0.0, 1.0, 0.6) < 150


@pytest.mark.slow
def test_the_moon_rises(scene: _Make) -> None:
    seen = DecodedVideo(scene("night", 2.0))
    low, high = (height_of_light(seen, frame, 0.6, 0.95) for frame in (0, 59))
    assert high > low + 0.2


def falls_by(seen: DecodedVideo, step: int, brighter: int) -> int:
    """By how many pixels what stands out of the upper sky has moved down from frame to frame."""

    def marks(frame: int) -> set[tuple[int, int]]:
        return {
            (x, y)
            for x in range(4, 1276, 2)
            for y in range(0, 300, 2)
            if seen.luma(frame, x / 1280, y / 720)
            > seen.luma(frame, (x - 4) / 1280, y / 720) + brighter
        }

    before, after = marks(0), marks(1)
    found = {d: sum((x, y + d) in after for x, y in before) for d in range(-step, step + 1, 2)}
    return max(found, key=lambda d: found[d])


@pytest.mark.slow
def test_snow_falls_slowly_and_rain_fast(scene: _Make) -> None:
    snow, rain = DecodedVideo(scene("snow", 0.1)), DecodedVideo(scene("rain", 0.1))
    assert 0 < falls_by(snow, 12, 20) < 10 < falls_by(rain, 70, 20)


# Luma, how blue (U) and how red (V) it is, from and to; 128 is neither blue nor red.
COLORS = {
    "ocean": ((40, 170), (140, 200), (60, 118)),
    "forest": ((40, 170), (90, 126), (90, 126)),
    "fire": ((60, 200), (40, 110), (150, 220)),
    "snow": ((180, 255), (118, 138), (118, 138)),
    "night": ((0, 60), (128, 150), (110, 130)),
    "space": ((0, 60), (128, 160), (126, 150)),
    "city": ((0, 60), (120, 150), (118, 140)),
    "rain": ((30, 120), (122, 140), (118, 132)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "fire" else [pytest.mark.slow]) for n in COLORS]
)
def test_a_scene_has_the_colours_of_its_word(scene: _Make, name: str) -> None:
    color = mean_color(scene(name, 0.1), 0.55, 1.0)
    for value, (low, high) in zip(color, COLORS[name], strict=True):
        assert low <= value <= high, color


@pytest.mark.slow
def test_the_day_has_a_blue_sky(scene: _Make) -> None:
    for name in ("clouds", "mountains"):
        y, u, v = mean_color(scene(name, 0.1), 0.0, 0.25)
        assert y > 100, name
        assert u > 135 > 120 > v, name


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        asyncio.run(make_scene("nobody", 1, 0, tmp_path / "x.mp4"))
    for seconds in (0, 61):
        with pytest.raises(ValueError, match="a scene must last from 0 to 60 s"):
            asyncio.run(make_scene("city", seconds, 0, tmp_path / "x.mp4"))
