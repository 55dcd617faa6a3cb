"""Rendered formats, effects, transitions and overlays."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import Generate
from nemolocal_agent.nlu import parse_message
from nemolocal_contract.draft import Draft
from nemolocal_render.synthetic.scene_clips import make_scene
from tests.support.chat_edits import Ask
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg


RED, BLUE, WHITE, GREEN, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0), (0, 0, 0)
CLIPS = ("red.mp4", "blue.mp4")


@pytest.mark.slow
def test_vertical_fills_the_frame(ask: Ask) -> None:
    outcome = ask("make it vertical for TikTok", "720p", uploads=("red.mp4",), small=False)
    assert (outcome.result.width, outcome.result.height) == (720, 1280)
    assert outcome.shows(RED, 10, 0.5, 0.05)


@pytest.mark.slow
def test_pad_and_blur_fill_the_rest_of_the_frame(ask: Ask) -> None:
    bars = ask("make it square with black bars", "720p", uploads=("red.mp4",), small=False)
    assert (bars.result.width, bars.result.height) == (720, 720)
    assert bars.shows(BLACK, 10, 0.5, 0.02)
    blurred = ask("make it square", "use a blurred background", uploads=("red.mp4",), small=False)
    assert blurred.seen.rgb(10, 0.5, 0.02)[0] > 80


@pytest.mark.slow
def test_frame_rate_is_the_requested_one(ask: Ask) -> None:
    outcome = ask("make it 24 fps", uploads=("red.mp4",))
    assert outcome.result.frames == 48


@pytest.mark.slow
def test_size_limit_is_kept(ask: Ask) -> None:
    outcome = ask("compress it to under 0.2 MB")
    assert outcome.result.size <= 200_000
    assert outcome.counters(0, 60, 119) == [0, 60, 119]


@pytest.mark.slow
def test_compressed_file_is_smaller_than_its_source(ask: Ask, media: Path) -> None:
    outcome = ask("compress this video using RTK encoding", small=False)
    assert outcome.result.size < (media / "sample.mp4").stat().st_size
    assert len(outcome.seen) == 120


LOOKS: list[tuple[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = [
    ("make it black and white", lambda _, after: max(after) - min(after) < 25),
    ("give it a sepia look", lambda _, after: after[0] > after[1] > after[2]),
    ("make it a lot darker", lambda before, after: sum(after) < sum(before) - 60),
    ("make it brighter", lambda before, after: sum(after) > sum(before) + 30),
    ("less saturated please", lambda before, after: _colour(after) < _colour(before)),
    ("make it much warmer", lambda before, after: after[0] - after[2] > before[0] - before[2]),
    ("cooler colours", lambda before, after: after[0] - after[2] < before[0] - before[2]),
]


def _colour(rgb: tuple[int, ...]) -> int:
    return max(rgb) - min(rgb)


@pytest.mark.slow
@pytest.mark.parametrize(("said", "holds"), LOOKS, ids=[said for said, _ in LOOKS])
def test_color_effect_changes_the_colors(
    ask: Ask, said: str, holds: Callable[[tuple[int, ...], tuple[int, ...]], bool]
) -> None:
    plain = ask("trim to the first 0.2 seconds").seen.rgb(2, 0.2, 0.55)
    assert holds(plain, ask("trim to the first 0.2 seconds", said).seen.rgb(2, 0.2, 0.55))


@pytest.mark.slow
def test_contrast_spreads_light_and_dark(ask: Ask) -> None:
    trim = "trim to the first 0.2 seconds"
    plain, strong = ask(trim).seen, ask(trim, "a lot more contrast").seen
    dark, light = (0.5, 0.02), (0.5, 0.5)
    spread = [abs(seen.luma(2, *light) - seen.luma(2, *dark)) for seen in (plain, strong)]
    assert spread[1] > 1.2 * spread[0]


@pytest.mark.slow
def test_blur_softens_an_edge_and_can_be_removed(ask: Ask) -> None:
    def steepest(*said: str) -> int:
        put = "put the picture on the timeline"
        row: bytes = ask(put, *said, uploads=("edge.png",)).seen.row(5, 0.5)
        return max(abs(a - b) for a, b in pairwise(row))

    sharp, soft = steepest(), steepest("blur it a lot")
    assert soft < sharp / 3
    assert steepest("blur it a lot", "remove the blur") == sharp


@pytest.mark.slow
def test_rotation_and_flip_move_the_corners(ask: Ask) -> None:
    put, uploads = "put the picture on the timeline", ("quarters.png",)
    # Two points in the upper half, left and right of the center.
    for said, left, right in (
        ((), RED, GREEN),
        (("mirror it",), GREEN, RED),
        (("turn it upside down",), WHITE, BLUE),
        (("rotate it 90 degrees clockwise",), BLUE, RED),
    ):
        outcome = ask(put, *said, uploads=uploads)
        assert outcome.shows(left, 3, 0.45, 0.3), said
        assert outcome.shows(right, 3, 0.55, 0.3), said


@pytest.mark.slow
def test_zoom_enlarges_the_picture(ask: Ask) -> None:
    put = "put the picture on the timeline"
    seen = ask(put, "slowly zoom in", uploads=("edge.png",)).seen
    # The edge is right of the center and moves away from it.
    edges = [_edge(seen.row(n, 0.5)) for n in (0, len(seen) // 2, len(seen) - 1)]
    assert edges == sorted(edges)
    assert edges[-1] > edges[0] + 5


def _edge(row: bytes) -> int:
    return next(n for n, value in enumerate(row) if value < 128)


@pytest.mark.slow
def test_crossfade_mixes_both_clips_and_can_be_removed(ask: Ask) -> None:
    said = ("put my clips on the timeline", "add a 1 second crossfade between the clips")
    mixed = ask(*said, uploads=CLIPS).seen
    assert len(mixed) == 120
    red, _, blue = mixed.rgb(60, 0.5, 0.5)
    assert 70 < red < 190
    assert 70 < blue < 190
    hard = ask(*said, "remove the transitions", uploads=CLIPS)
    assert hard.shows(RED, 59)
    assert hard.shows(BLUE, 60)


@pytest.mark.slow
def test_wipe_shows_one_clip_on_each_side(ask: Ask) -> None:
    said = ("put my clips on the timeline", "add a wipe between the clips")
    outcome = ask(*said, uploads=CLIPS)
    sides = [outcome.shows(RED, 60, x) for x in (0.1, 0.9)]
    assert sorted(sides) == [False, True]


@pytest.mark.slow
def test_picture_in_picture_is_in_its_corner(ask: Ask) -> None:
    said = ("put red.mp4 on the timeline", "show blue.mp4 as picture in picture at the top left")
    outcome = ask(*said, uploads=CLIPS)
    assert outcome.shows(BLUE, 10, 0.1, 0.12)
    assert outcome.shows(RED, 10, 0.8, 0.8)
    alone = ask(*said, "remove the picture in picture", uploads=CLIPS)
    assert alone.shows(RED, 10, 0.1, 0.12)


@pytest.mark.slow
def test_watermark_is_translucent(ask: Ask) -> None:
    said = ("put blue.mp4 on the timeline", "add logo.png as a watermark in the bottom right")
    outcome = ask(*said, uploads=("blue.mp4", "logo.png"))
    marked = [
        (x, y)
        for x in range(0, 320, 4)
        for y in range(0, 180, 4)
        if outcome.seen.rgb(30, x / 320, y / 180)[0] > 100
    ]
    assert marked
    assert min(x for x, _ in marked) > 160
    assert min(y for _, y in marked) > 90
    # It is not opaque: some of the blue shows through.
    x, y = marked[len(marked) // 2]
    assert outcome.seen.rgb(30, x / 320, y / 180)[2] > 20


@pytest.mark.slow
def test_generated_clip_shows_the_requested_scene(tmp_path: Path) -> None:
    edits = parse_message("generate a 2-second sunset timelapse")
    assert isinstance(edits, tuple)
    (edit,) = edits
    assert isinstance(edit, Generate)
    clip = tmp_path / "sunset.mp4"
    info = asyncio.run(make_scene(edit.scene, edit.seconds, 7, clip))
    media = Media(str(clip), "sunset.mp4", "video", int(info.duration * 1000))
    draft = apply_edits(
        edits, Draft(tracks=(), duration_ms=0), MediaPool((), (media,), {edit: str(clip)})
    )
    assert draft.duration_ms == 2000
    seen = DecodedVideo(clip)
    red, _, blue = seen.rgb(30, 0.5, 0.6)
    assert red > blue
