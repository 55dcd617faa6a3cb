"""Upper video tracks: where they stand, what shows through, and when."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.effects import POSITIONS
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import MediaSource, plan_render
from tests.support.audio import read_samples, tone_strength
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
SIZE = {"width": 320, "height": 180}
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
BELOW = {"tt": 0, "sg": [{"src": "blue.mp4", "s": 0, "d": 1000}]}


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "red.mp4", "s": 0, "d": 1000, **s} for s in segments]}


def overlay(**values: Any) -> list[dict[str, Any]]:
    return [{"type": "overlay", **values}]


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 14) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_where_they_stand(make: Make) -> None:
    small = [
        {"s": 100 * n, "d": 100, "fx": overlay(position=place, width=0.25, margin=0.1)}
        for n, place in enumerate(POSITIONS)
    ]
    seen = DecodedVideo(make([BELOW, video(*small)], **SIZE)[0])
    # 80 by 44 pixels, 18 from the edges.
    lefts, tops = (18, 120, 222), (18, 68, 118)
    for n in range(9):
        left, top, right, bottom = seen.red_box(3 * n + 1)
        assert (left, top) == pytest.approx((lefts[n % 3], tops[n // 3]), abs=2)
        assert (right - left, bottom - top) == pytest.approx((80, 44), abs=2)


@pytest.mark.slow
def test_at_their_frames_and_no_other(make: Make) -> None:
    small = {"s": 333, "d": 300, "fx": overlay(position="center")}
    large = {"s": 800, "d": 100}
    seen = DecodedVideo(make([BELOW, video(small, large)], **SIZE)[0])
    there = [near(seen.rgb(n, 0.5, 0.5), RED) for n in range(30)]
    assert there == [10 <= n < 19 or 24 <= n < 27 for n in range(30)]
    assert near(seen.rgb(25, 0.02, 0.02), RED)


@pytest.mark.slow
def test_opacity_and_fades_let_the_picture_through(make: Make) -> None:
    faint = {"d": 300, "fx": overlay(position="center", opacity=0.5)}
    fading = {"s": 300, "d": 600, "fi": 300, "fo": 300, "src": "red.mp4"}
    seen = DecodedVideo(make([BELOW, video(faint, fading)], **SIZE)[0])
    assert near(seen.rgb(4, 0.5, 0.5), (128, 0, 128))
    reds = [seen.rgb(n, 0.5, 0.5)[0] for n in range(9, 28)]
    assert reds[0] < 20
    assert reds[9] > 240
    assert near(seen.rgb(13, 0.5, 0.5), (113, 0, 142), 20)
    assert near(seen.rgb(28, 0.5, 0.5), BLUE)


@pytest.mark.slow
def test_logos_keep_their_shape(make: Make) -> None:
    small = {"src": "logo.png", "d": 500, "fx": overlay(position="top-left", width=0.5, margin=0)}
    whole = {"src": "logo.png", "s": 500, "d": 500}
    seen = DecodedVideo(make([BELOW, video(small, whole)], **SIZE)[0])
    assert near(seen.rgb(5, 0.1, 0.1), RED)
    assert near(seen.rgb(5, 0.4, 0.1), BLUE)
    # No dark seam where the shape ends.
    row = [seen.rgb(5, x / 320, 0.2) for x in range(60, 100)]
    assert min(red + blue for red, _, blue in row) > 200
    assert near(seen.rgb(20, 0.2, 0.5), RED)
    assert near(seen.rgb(20, 0.8, 0.5), BLUE)


@pytest.mark.slow
def test_stills_above_a_see_through_canvas(make: Make) -> None:
    lane = [{"src": "logo.png", "d": 500}]
    seen = DecodedVideo(make([BELOW, video(*lane)], width=180, height=320)[0])
    # Above and below the logo there are no bars: the picture below is seen, bars of its own too.
    assert near(seen.rgb(5, 0.25, 0.5), RED)
    assert near(seen.rgb(5, 0.25, 0.34), BLUE, 20)


@pytest.mark.slow
def test_tracks_lie_in_their_order(make: Make) -> None:
    second = video({"fx": overlay(position="center", width=0.8)})
    third = video({"src": "quarters.png", "fx": overlay(position="center", width=0.4)})
    seen = DecodedVideo(make([BELOW, second, third], **SIZE)[0])
    colors = [seen.rgb(15, x, 0.55) for x in (0.05, 0.15, 0.55)]
    assert [near(a, b) for a, b in zip(colors, (BLUE, RED, WHITE), strict=True)] == [True] * 3


@pytest.mark.slow
def test_what_is_covered_is_not_read(make: Make, source: Callable[[str], MediaSource]) -> None:
    lanes = [BELOW, video({"s": 200, "d": 300}, {"s": 500, "d": 500, "fi": 100})]
    names = {"blue.mp4": source("blue.mp4"), "red.mp4": source("red.mp4")}
    plan = plan_render(draft_from_wire({"t": lanes, "m": SIZE}), names)
    base, above = plan.layers
    assert [(p.start_frame, p.end_frame, p.clip.source.path.name) for p in base] == [
        (0, 6, "blue.mp4"), (6, 15, "red.mp4"), (15, 18, "blue.mp4"), (18, 30, "red.mp4"),
    ]  # fmt: skip
    assert [(p.start_frame, p.end_frame) for p in above] == [(15, 18)]
    assert make(lanes, **SIZE)[1].frames == 30


@pytest.mark.slow
def test_above_nothing_there_is_black(make: Make) -> None:
    seen = DecodedVideo(make([{"tt": 0, "sg": []}, video({"fx": overlay(width=0.5)})], **SIZE)[0])
    assert near(seen.rgb(5, 0.75, 0.2), RED)
    assert near(seen.rgb(5, 0.2, 0.8), (0, 0, 0))


@pytest.mark.slow
def test_they_are_heard(make: Make) -> None:
    small = {"s": 500, "d": 500, "v": 0.5, "fx": overlay()}
    heard = read_samples(make([BELOW, video(small)], **SIZE)[0])
    assert tone_strength(heard, 440, 0.1, 0.4) < 0.01
    assert tone_strength(heard, 440, 0.6, 0.9) == pytest.approx(0.15, abs=0.02)
    assert tone_strength(heard, 880, 0.6, 0.9) == pytest.approx(0.3, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("same_place", [True, False])
def test_small_pictures_go_over_into_each_other(make: Make, same_place: bool) -> None:
    cut = {"type": "fade-white" if same_place else "fade-black", "d": 400}
    first = {"d": 500, "fx": overlay(position="center", width=0.5), "tr": cut}
    second = {
        "s": 500,
        "d": 500,
        "src": "quarters.png",
        "fx": overlay(position="center", width=0.5 if same_place else 0.8),
    }
    seen = DecodedVideo(make([BELOW, video(first, second)], **SIZE)[0])
    assert (len(seen), near(seen.rgb(15, 0.05, 0.05), BLUE)) == (30, True)
    assert near(seen.rgb(5, 0.3, 0.3), RED)
    assert near(seen.rgb(25, 0.6, 0.6), WHITE)
    # In the middle: white, or half of each over what lies below.
    assert seen.rgb(14, 0.4, 0.4)[0] > 100
    assert near(seen.rgb(29, 0.6, 0.6), WHITE)


@pytest.mark.slow
def test_a_picture_larger_than_the_canvas_is_cut_off(make: Make) -> None:
    cut = {"type": "crossfade", "d": 200}
    tall = {
        "src": "red.mp4",
        "d": 500,
        "tr": cut,
        "fx": [{"type": "rotate", "degrees": 90}, *overlay(position="center", width=0.9)],
    }
    second = {"s": 500, "d": 500, "fx": overlay(position="center", width=0.2)}
    seen = DecodedVideo(make([BELOW, video(tall, second)], **SIZE)[0])
    assert near(seen.rgb(5, 0.5, 0.02), RED)
    assert near(seen.rgb(5, 0.02, 0.5), BLUE)
    assert near(seen.rgb(25, 0.5, 0.02), BLUE)


@pytest.mark.slow
def test_cell_of_a_split_screen_goes_over_into_another_place(make: Make) -> None:
    def cell(column: int) -> list[dict[str, Any]]:
        return [{"type": "cell", "columns": 4, "rows": 1, "column": column, "row": 0}]

    cut = {"type": "crossfade", "d": 200}
    left, right = {"d": 500, "fx": cell(1), "tr": cut}, {"s": 500, "d": 500, "fx": cell(2)}
    seen = DecodedVideo(make([BELOW, video(left, right)], **SIZE)[0])
    assert len(seen) == 30
    assert (near(seen.rgb(5, 0.375, 0.5), RED), near(seen.rgb(5, 0.625, 0.5), BLUE)) == (True, True)
    assert (near(seen.rgb(25, 0.375, 0.5), BLUE), near(seen.rgb(25, 0.625, 0.5), RED)) == (
        True,
        True,
    )
