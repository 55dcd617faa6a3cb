"""Every effect, measured in the pixels of what was rendered."""

from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import OutputSpec
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
Look = Callable[..., DecodedVideo]
Color = tuple[int, int, int]
SIZE = {"width": 160, "height": 90}
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "quarters.png", "s": 0, "d": 100, **s} for s in segments]}


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 12) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


@pytest.fixture
def look(make: Make) -> Look:
    """What a segment with effects looks like."""

    def render(*effects: dict[str, Any], **changes: Any) -> DecodedVideo:
        metadata = {**SIZE, **changes.pop("metadata", {})}
        segment = {"fx": list(effects), **changes}
        path, result = make([video(segment)], OutputSpec("high"), **metadata)
        assert result.warnings == ()
        return DecodedVideo(path)

    return render


def corners(seen: DecodedVideo, index: int = 1) -> list[tuple[int, int, int]]:
    return [seen.rgb(index, x, y) for x, y in CORNERS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effects", "order"),
    [
        ([{"type": "flip"}], (GREEN, RED, WHITE, BLUE)),
        ([{"type": "flip", "axis": "vertical"}], (BLUE, WHITE, RED, GREEN)),
        ([{"type": "rotate", "degrees": 180}], (WHITE, BLUE, GREEN, RED)),
        ([{"type": "rotate", "degrees": 180}, {"type": "flip"}], (BLUE, WHITE, RED, GREEN)),
        ([{"type": "crop", "width": 0.5, "height": 0.5}], (RED, RED, RED, RED)),
        ([{"type": "crop", "x": 0.25, "width": 0.5}], (RED, GREEN, BLUE, WHITE)),
    ],
)
def test_turns_and_parts(
    look: Look, effects: list[dict[str, Any]], order: tuple[Color, ...]
) -> None:
    seen = look(*effects, metadata={"fit": "crop"})
    assert all(near(a, b) for a, b in zip(corners(seen), order, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("degrees", "order"), [(90, "BRWG"), (270, "GWRB")])
def test_a_quarter_turn_is_fitted_again(look: Look, degrees: int, order: str) -> None:
    seen = look({"type": "rotate", "degrees": degrees})
    # 90 high and 90 * 90 / 160 wide, in the middle.
    assert max(seen.luma(1, 0.3, 0.5), seen.luma(1, 0.7, 0.5)) < 20
    points = [seen.rgb(1, x, y) for y in (0.2, 0.8) for x in (0.4, 0.6)]
    names = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}
    assert all(near(a, names[b]) for a, b in zip(points, order, strict=True))


@pytest.mark.slow
def test_a_part_is_as_large_as_it_can_be(look: Look) -> None:
    seen = look({"type": "crop", "x": 0.5, "y": 0.5, "width": 0.5, "height": 0.25})
    assert near(seen.rgb(1, 0.05, 0.5), WHITE)
    assert near(seen.rgb(1, 0.95, 0.7), WHITE)
    assert max(seen.luma(1, 0.5, 0.2), seen.luma(1, 0.5, 0.8)) < 20


@pytest.mark.slow
def test_effects_act_in_their_order(look: Look) -> None:
    turn, cut = {"type": "rotate", "degrees": 180}, {"type": "crop", "width": 0.5, "height": 0.5}
    assert near(corners(look(turn, cut))[0], WHITE)
    assert near(corners(look(cut, turn))[0], RED)
    # What darkens the corners darkens those of the part, or is cut off with those of the whole.
    dark = {"type": "vignette", "amount": 1}
    middle = {"type": "crop", "x": 0.4, "y": 0.4, "width": 0.2, "height": 0.2}
    assert look(dark, middle).luma(1, 0.95, 0.95) > 180 > look(middle, dark).luma(1, 0.95, 0.95)


@pytest.mark.slow
def test_brightness_and_contrast(look: Look) -> None:
    plain = look().luma(1, 0.2, 0.2)
    assert look({"type": "brightness", "amount": 0.4}).luma(1, 0.2, 0.2) - plain in range(42, 47)
    assert plain - look({"type": "brightness", "amount": -0.4}).luma(1, 0.2, 0.2) in range(42, 47)
    assert look({"type": "brightness", "amount": 1}).luma(1, 0.8, 0.8) == 235
    flat = look({"type": "contrast", "amount": -1})
    assert {flat.luma(1, x, y) for x, y in CORNERS} <= {125, 126, 127}
    more = look({"type": "contrast", "amount": 0.5})
    assert more.luma(1, 0.8, 0.8) == 235
    assert more.luma(1, 0.2, 0.2) < plain - 25


@pytest.mark.slow
def test_colour_goes_and_comes(look: Look) -> None:
    for effect in ({"type": "grayscale"}, {"type": "saturation", "amount": -1}):
        assert all(max(color) - min(color) <= 2 for color in corners(look(effect)))
    pale = look({"type": "saturation", "amount": -0.5}).rgb(1, 0.2, 0.2)
    assert 100 < pale[0] - pale[1] < 160
    brown = look({"type": "sepia"}).rgb(1, 0.8, 0.8)
    assert brown[0] > 245
    assert 225 < brown[2] < 245
    assert near(look({"type": "sepia"}).rgb(1, 0.2, 0.2), (100, 89, 69))


@pytest.mark.slow
def test_warmth_moves_between_red_and_blue(look: Look) -> None:
    gray = {"src": "tones.mp4"}
    warm = look({"type": "warmth", "amount": 0.5}, **gray).rgb(1, 0.5, 0.5)
    cold = look({"type": "warmth", "amount": -0.5}, **gray).rgb(1, 0.5, 0.5)
    assert near(warm, (147, 128, 109))
    assert near(cold, (109, 128, 147))


@pytest.mark.slow
def test_blur_softens_an_edge_and_sharpening_overshoots(look: Look) -> None:
    def steps(*effects: dict[str, Any]) -> tuple[int, int, int]:
        row = look(*effects, src="edge.png").row(1, 0.5)
        return sum(30 < value < 220 for value in row), min(row), max(row)

    assert steps()[0] <= 3
    assert steps({"type": "blur", "amount": 1})[0] > 12
    assert 3 < steps({"type": "blur", "amount": 0.3})[0] < 12
    soft = {"type": "blur", "amount": 0.3}
    assert steps(soft, {"type": "sharpen", "amount": 1})[0] < steps(soft)[0]
    assert (
        steps({"type": "blur", "amount": 0}) == steps({"type": "sharpen", "amount": 0}) == steps()
    )


@pytest.mark.slow
def test_a_vignette_darkens_the_corners_only(look: Look) -> None:
    white = {"type": "crop", "x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5}
    seen = look(white, {"type": "vignette", "amount": 0.5})
    assert seen.luma(1, 0.5, 0.5) > 230
    assert 120 < seen.luma(1, 0.01, 0.01) < 180
    assert look(white, {"type": "vignette", "amount": 0}).luma(1, 0.01, 0.01) > 230


def edge(seen: DecodedVideo, index: int) -> float:
    """Where white goes over into black, to fractions of a point."""
    row = seen.row(index, 0.5)
    return float(sum((value - 16) / 219 for value in row) / len(row))


@pytest.mark.slow
def test_a_zoom_grows_evenly_and_without_jumps(look: Look) -> None:
    zoom = {"type": "zoom", "start": 1, "end": 2, "x": 0.5, "y": 0.5}
    seen = look(zoom, src="edge.png", d=1000)
    places = [edge(seen, n) for n in range(30)]
    # The edge is at 0.625, an eighth of the picture to the right of the middle.
    wanted = [0.5 + 0.125 * (1 + n / 29) for n in range(30)]
    assert max(abs(a - b) for a, b in zip(places, wanted, strict=True)) * 160 < 0.5
    steps = [b - a for a, b in pairwise(places)]
    assert max(steps) - min(steps) < 0.25 / 160


@pytest.mark.slow
def test_a_zoom_keeps_its_point_and_plays_backwards(look: Look) -> None:
    corner = {"type": "zoom", "start": 3, "end": 1, "x": 1, "y": 0}
    seen = look(corner, d=500)
    assert near(seen.rgb(0, 0.1, 0.9), GREEN)
    assert all(
        near(a, b) for a, b in zip(corners(seen, 14), (RED, GREEN, BLUE, WHITE), strict=True)
    )
    grown = {"type": "zoom", "start": 1, "end": 2}
    back = look(grown, {"type": "reverse"}, src="edge.png", d=500)
    assert edge(back, 0) == pytest.approx(0.75, abs=0.01)
    assert edge(back, 14) == pytest.approx(0.625, abs=0.01)
    still = look(grown, src="edge.png", d=30)
    assert len(still) == 1
    assert edge(still, 0) == pytest.approx(0.625, abs=0.01)


@pytest.mark.slow
def test_a_moving_clip_zooms_too(make: Make) -> None:
    zoom = {"type": "zoom", "start": 2, "end": 2, "x": 0, "y": 1}
    seen = DecodedVideo(make([video({"src": "sample.mp4", "d": 300, "fx": [zoom]})])[0])
    # The row of blocks that counts is twice as large; they are black but for the last two.
    last = seen.luma(8, (40 + 13.5 * 40) * 2 / 1280 - 0.01, (660 * 2 - 720) / 720)
    beside = seen.luma(8, 0.99, (600 * 2 - 720) / 720)
    assert len(seen) == 9
    assert last < 40 < beside


@pytest.mark.slow
def test_backwards_frame_by_frame(make: Make) -> None:
    reverse = {"src": "sample.mp4", "d": 1000, "ss": 500, "fx": [{"type": "reverse"}]}
    twice = {**reverse, "s": 1000, "d": 200, "fx": [{"type": "reverse"}] * 2}
    fast = {**reverse, "s": 1200, "d": 500, "sp": 2}
    seen = DecodedVideo(make([video(reverse, twice, fast)])[0])
    assert [seen.counter(n) for n in range(30)] == list(range(44, 14, -1))
    assert [seen.counter(n) for n in range(30, 36)] == list(range(15, 21))
    assert [seen.counter(n) for n in range(36, 51)] == list(range(43, 14, -2))


@pytest.mark.slow
def test_backwards_in_parts_is_the_same(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._REVERSED", 0)
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._MEMORY", 1)
    reverse = {"src": "sample.mp4", "d": 1000, "ss": 1000, "fx": [{"type": "reverse"}]}
    seen = DecodedVideo(make([video(reverse)])[0])
    assert [seen.counter(n) for n in range(30)] == list(range(59, 29, -1))


@pytest.mark.slow
def test_see_through_pictures_stay_so_under_every_effect(make: Make) -> None:
    effects = [
        {"type": "brightness", "amount": 0.1},
        {"type": "warmth", "amount": 0.1},
        {"type": "sepia"},
        {"type": "blur", "amount": 0.1},
        {"type": "sharpen"},
        {"type": "vignette"},
        {"type": "zoom"},
        {"type": "flip"},
    ]
    segments = [{"src": "logo.png", "s": 100 * n, "fx": [e]} for n, e in enumerate(effects)]
    below = video({"src": "blue.mp4", "d": 100 * len(effects)})
    seen = DecodedVideo(make([below, video(*segments)], **SIZE)[0])
    for n in range(len(effects) - 1):
        assert near(seen.rgb(3 * n + 1, 0.9, 0.5), BLUE), effects[n]
        assert seen.rgb(3 * n + 1, 0.3, 0.5)[2] < 160, effects[n]
    last = 3 * (len(effects) - 1) + 1
    assert near(seen.rgb(last, 0.1, 0.5), BLUE)
    assert near(seen.rgb(last, 0.7, 0.5), RED)


SLIVER = {"type": "crop", "x": 0.5, "y": 0.5, "width": 0.5, "height": 0.05}


@pytest.mark.slow
@pytest.mark.parametrize("fit", ["pad", "crop", "blur"])
def test_nothing_is_too_small_to_be_shown_or_cut(make: Make, fit: str) -> None:
    names = ("pixel.png", "pixel.jpg", "line.png", "line.jpg", "quarters.png")
    segments = [
        {"src": name, "s": 100 * n, "fx": effects}
        for n, (name, effects) in enumerate(product(names, ([], [SLIVER, SLIVER])))
    ]
    path, result = make([video(*segments)], **SIZE, fit=fit)
    assert result.warnings == ()
    seen = DecodedVideo(path)
    for n, segment in enumerate(segments):
        assert max(seen.rgb(3 * n + 1, 0.49, 0.5)) > 90, segment
